"""The tables in PostgreSQL. Version 6 stands here whole; what came later is the text that SQLite gets, translated."""

from ...texts import both
from ..connection import Writer
from ..schema import MIGRATIONS, VERSION
from ..types import StoreError
from .translate import tables

# Columns in an order that leaves no holes between them. Their meaning is said in ../schema.py.
_VERSION_6 = tables(
    """
CREATE TABLE bordstein (one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL);
INSERT INTO bordstein VALUES (1, 6);
CREATE TABLE device (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    life INTEGER NOT NULL DEFAULT 0,
    state TEXT, state_boot INTEGER, state_received INTEGER, state_text TEXT, version TEXT,
    next_boot INTEGER, next_seq INTEGER,
    dropped INTEGER, taken INTEGER
);
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    device INTEGER NOT NULL REFERENCES device(id),
    name TEXT NOT NULL,
    unit TEXT NOT NULL,
    latest_time INTEGER, latest_value REAL, latest_flags INTEGER, latest_received INTEGER, latest_text TEXT,
    UNIQUE (device, name, unit)
);
-- The writer numbers the log itself, without holes. text: a value that is no number, or an integer beyond 53 bits.
CREATE TABLE reading (
    id BIGINT NOT NULL PRIMARY KEY,
    time BIGINT NOT NULL,
    value REAL,
    series INT NOT NULL,
    flags INT NOT NULL,
    received BIGINT NOT NULL,
    text TEXT,
    CHECK (value IS NOT NULL OR text IS NOT NULL)
);
CREATE UNIQUE INDEX reading_key ON reading ((time / 3600000), series, time);
CREATE TABLE pack_range (
    device INTEGER NOT NULL, boot INTEGER NOT NULL, lo INTEGER NOT NULL, hi INTEGER NOT NULL, day INTEGER NOT NULL,
    PRIMARY KEY (device, boot, lo)
);
CREATE INDEX pack_range_day ON pack_range (day, device);
CREATE TABLE day_count (
    device INTEGER NOT NULL, day INTEGER NOT NULL,
    late INTEGER NOT NULL, double INTEGER NOT NULL, refused INTEGER NOT NULL, conflict INTEGER NOT NULL,
    PRIMARY KEY (device, day)
);
CREATE TABLE boot_next (
    device INTEGER NOT NULL, boot INTEGER NOT NULL, next INTEGER NOT NULL, day INTEGER NOT NULL,
    before INTEGER NOT NULL, before_day INTEGER NOT NULL,
    PRIMARY KEY (device, boot)
);
CREATE TABLE unsure_pack (
    device INTEGER NOT NULL, boot INTEGER NOT NULL, seq INTEGER NOT NULL, crc INTEGER NOT NULL,
    time INTEGER NOT NULL, received INTEGER NOT NULL,
    PRIMARY KEY (device, boot, seq, crc)
);
CREATE TABLE refused_pack (
    device INTEGER NOT NULL, boot INTEGER NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (device, boot, seq)
);
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    device TEXT NOT NULL, topic TEXT NOT NULL, payload BLOB NOT NULL, reason TEXT NOT NULL,
    received INTEGER NOT NULL, last INTEGER NOT NULL, times INTEGER NOT NULL DEFAULT 1,
    retry INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX quarantine_retry ON quarantine (id) WHERE retry = 1;
CREATE TABLE place (forwarder TEXT PRIMARY KEY, next_id INTEGER NOT NULL, pending_to INTEGER);
CREATE TABLE refill (
    id INTEGER PRIMARY KEY, forwarder TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,
    next_id INTEGER NOT NULL, last_id INTEGER NOT NULL, pending_to INTEGER, done INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE dead_letter (
    forwarder TEXT NOT NULL, reading INTEGER NOT NULL, reason TEXT NOT NULL, since INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 1, retry INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (forwarder, reading)
);
CREATE TABLE remote (
    forwarder TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (forwarder, name)
);
CREATE TABLE command_result (
    device TEXT NOT NULL, command TEXT NOT NULL, body TEXT NOT NULL, received INTEGER NOT NULL,
    PRIMARY KEY (device, command)
);
CREATE TABLE beat (one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL, latest_to INTEGER NOT NULL);
INSERT INTO beat VALUES (1, 0, 0);
CREATE TABLE rollout (
    id INTEGER PRIMARY KEY, version TEXT NOT NULL, digest TEXT NOT NULL, created INTEGER NOT NULL,
    percent REAL NOT NULL, least INTEGER NOT NULL, at_once INTEGER NOT NULL,
    stopped INTEGER, reason TEXT NOT NULL DEFAULT ''
);
CREATE TABLE rollout_board (
    rollout INTEGER NOT NULL, device TEXT NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL,
    changed INTEGER NOT NULL, offered INTEGER,
    PRIMARY KEY (rollout, device)
);
CREATE TABLE board_config (
    device TEXT PRIMARY KEY,
    wanted INTEGER, text TEXT, wanted_at INTEGER,
    reported INTEGER, ok INTEGER, problems TEXT, running INTEGER, digest TEXT, confirmed TEXT, reported_at INTEGER,
    certificate TEXT
);
CREATE TABLE register (
    device TEXT PRIMARY KEY,
    asset TEXT, site TEXT, place TEXT, description TEXT, latitude REAL, longitude REAL, groups TEXT,
    board TEXT, software TEXT, set_up TEXT, state TEXT NOT NULL, decommissioned TEXT,
    updated INTEGER NOT NULL
);
CREATE INDEX register_updated ON register (updated);
"""
)
_FIRST = 6


def migrate(connection: Writer, name: str) -> None:
    """Bring the database to VERSION, each step in a transaction of its own. StoreError: it is not ours, or newer."""
    while True:
        connection.begin()
        try:
            version = _version(connection, name)
            if version == VERSION:
                return
            if version == 0:
                _run(connection, _VERSION_6)
            else:
                _run(connection, tables(MIGRATIONS[version]))
                connection.execute("UPDATE bordstein SET version = ?", (version + 1,))
            connection.commit()
        finally:
            connection.roll_back()


def _run(connection: Writer, script: str) -> None:
    connection.execute(script)


def _version(connection: Writer, name: str) -> int:
    (ours,) = connection.execute("SELECT to_regclass('bordstein')::text").fetchone()
    if ours is None:
        (others,) = connection.execute(
            "SELECT count(*) FROM pg_catalog.pg_class WHERE relnamespace = current_schema()::regnamespace"
            " AND relkind IN ('r', 'p') AND relname IN ('device', 'series', 'reading', 'beat', 'place')"
        ).fetchone()
        if others:
            raise StoreError(
                both(
                    f"{name} ist die Datenbank eines anderen Programms; eine andere als store.url nennen.",
                    f"{name} is a database of another program; name another one as store.url.",
                )
            )
        return 0
    (version,) = connection.execute("SELECT version FROM bordstein").fetchone()
    if version > VERSION:
        raise StoreError(
            both(
                f"{name} stammt von einem neueren bordstein-gateway (Schema {version}, dieses kennt {VERSION}); "
                "jene Version wieder installieren oder eine andere Datenbank als store.url nennen.",
                f"{name} was written by a newer bordstein-gateway (schema {version}, this one knows {VERSION}); "
                "install that version again, or name another database as store.url.",
            )
        )
    return int(version)
