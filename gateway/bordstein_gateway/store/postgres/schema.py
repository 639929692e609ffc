"""The tables in PostgreSQL: the texts that SQLite gets, translated. Only the log is another one."""

import sqlite3
from contextlib import closing

from ...texts import both
from ..connection import Writer
from ..schema import MIGRATIONS, VERSION
from ..types import StoreError
from .translate import tables

_FIRST = 6
# Columns in an order that leaves no holes between them. The writer numbers the log itself, without holes. text: a value
# that is no number, or an integer beyond 53 bits.
_LOG = """
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
INSERT INTO beat VALUES (1, 0, 0);
CREATE TABLE bordstein (one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL);
"""

# What belongs to a version beside its text and is said otherwise elsewhere. The audit log only grows, but where a copy
# is being filled.
_ALSO = {
    9: """
CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF EXISTS (SELECT 1 FROM upkeep WHERE name = 'filling_from') THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit log only grows' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER audit_change BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_only_grows();
"""
}


def first() -> str:
    """The tables of version 6: what SQLite has made of its texts by then, and what is different here."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for script in MIGRATIONS[:_FIRST]:
            connection.executescript(script)
        made = connection.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name != 'reading' ORDER BY rowid"
        ).fetchall()
    script = ";\n".join(sql for (sql,) in made) + ";" + _LOG
    script = script.replace("latest_value,", "latest_value REAL, latest_text TEXT,")
    return tables(script) + f"INSERT INTO bordstein VALUES (1, {_FIRST});"


def migrate(connection: Writer, name: str) -> None:
    """Bring the database to VERSION, each step in a transaction of its own. StoreError: it is not ours, or newer."""
    while True:
        connection.begin()
        try:
            version = _version(connection, name)
            if version == VERSION:
                return
            if version == 0:
                connection.execute(first())
            else:
                connection.execute(tables(MIGRATIONS[version]) + _ALSO.get(version + 1, ""))
                connection.execute("UPDATE bordstein SET version = ?", (version + 1,))
            connection.commit()
        finally:
            connection.roll_back()


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
