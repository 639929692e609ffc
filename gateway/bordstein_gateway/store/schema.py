"""The database's tables and how older ones become today's.

MIGRATIONS[n] turns version n into version n + 1; never change one that was released, append one. The text is SQLite's,
and PostgreSQL gets the same with its own names of types (postgres/schema.py; a new database there begins with version 6
at once): so write INTEGER, TEXT, REAL, BLOB, "id INTEGER PRIMARY KEY", WITHOUT ROWID, each column with a type, and else
what both understand. A new table also goes into TABLES.
"""

_VERSION_1 = """
CREATE TABLE device (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    life INTEGER NOT NULL DEFAULT 0,
    state TEXT, state_boot INTEGER, state_received INTEGER, state_text TEXT, version TEXT,
    next_boot INTEGER, next_seq INTEGER, next_day INTEGER,
    dropped INTEGER, taken INTEGER
);
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    device INTEGER NOT NULL REFERENCES device(id),
    name TEXT NOT NULL,
    unit TEXT NOT NULL,
    latest_time INTEGER, latest_value, latest_flags INTEGER, latest_received INTEGER,
    UNIQUE (device, name, unit)
);
-- The log. time: ms UTC; received: s UTC; value: as it was (a boolean is 0 or 1 with a bit in flags).
CREATE TABLE reading (
    id INTEGER PRIMARY KEY,
    series INTEGER NOT NULL,
    time INTEGER NOT NULL,
    value NOT NULL,
    flags INTEGER NOT NULL,
    received INTEGER NOT NULL
);
-- Nothing is counted twice. The hour comes first because all boards report at once: with the series first, each commit
-- would change one page for every series there is (measured: four times the bytes written, twice the processor time).
CREATE UNIQUE INDEX reading_key ON reading (time / 3600000, series, time);
-- Which packs are here: numbers lo..hi of a boot whose readings are of that UTC day (days since 1970).
CREATE TABLE pack_range (
    device INTEGER NOT NULL, boot INTEGER NOT NULL, lo INTEGER NOT NULL, hi INTEGER NOT NULL, day INTEGER NOT NULL,
    PRIMARY KEY (device, boot, lo)
) WITHOUT ROWID;
CREATE INDEX pack_range_day ON pack_range (day, device);
CREATE TABLE day_count (
    device INTEGER NOT NULL, day INTEGER NOT NULL,
    late INTEGER NOT NULL, double INTEGER NOT NULL, refused INTEGER NOT NULL, conflict INTEGER NOT NULL,
    PRIMARY KEY (device, day)
) WITHOUT ROWID;
-- Packs sent while the clock was not set: a second delivery may have other times, so their number and values count.
CREATE TABLE unsure_pack (
    device INTEGER NOT NULL, boot INTEGER NOT NULL, seq INTEGER NOT NULL, crc INTEGER NOT NULL,
    PRIMARY KEY (device, boot, seq, crc)
) WITHOUT ROWID;
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    device TEXT NOT NULL, topic TEXT NOT NULL, payload BLOB NOT NULL, reason TEXT NOT NULL,
    received INTEGER NOT NULL, last INTEGER NOT NULL, times INTEGER NOT NULL DEFAULT 1,
    retry INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX quarantine_retry ON quarantine (id) WHERE retry = 1;
CREATE TABLE place (
    forwarder TEXT PRIMARY KEY, next_id INTEGER NOT NULL, pending_to INTEGER
) WITHOUT ROWID;
CREATE TABLE refill (
    id INTEGER PRIMARY KEY, forwarder TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,
    next_id INTEGER NOT NULL, last_id INTEGER NOT NULL, pending_to INTEGER, done INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE dead_letter (
    forwarder TEXT NOT NULL, reading INTEGER NOT NULL, reason TEXT NOT NULL, since INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 1, retry INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (forwarder, reading)
) WITHOUT ROWID;
-- What a target calls our things: ids it gave to Things, Datastreams, …
CREATE TABLE remote (
    forwarder TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (forwarder, name)
) WITHOUT ROWID;
CREATE TABLE command_result (
    device TEXT NOT NULL, command TEXT NOT NULL, body TEXT NOT NULL, received INTEGER NOT NULL,
    PRIMARY KEY (device, command)
) WITHOUT ROWID;
-- One row. at: written when nothing else is, to know that the disk takes writes. latest_to: series.latest_* knows the
-- readings up to this id.
CREATE TABLE beat (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL, latest_to INTEGER NOT NULL);
INSERT INTO beat VALUES (1, 0, 0);
"""

_VERSION_2 = """
-- What boards said of the next pack of each boot (a key as in pack_range), the day on which they first said so, and the
-- same as it was before that.
CREATE TABLE boot_next (
    device INTEGER NOT NULL, boot INTEGER NOT NULL, next INTEGER NOT NULL, day INTEGER NOT NULL,
    before INTEGER NOT NULL, before_day INTEGER NOT NULL,
    PRIMARY KEY (device, boot)
) WITHOUT ROWID;
INSERT INTO boot_next SELECT id, next_boot, next_seq, next_day, 0, next_day FROM device WHERE next_boot NOT NULL;
ALTER TABLE device DROP COLUMN next_day;
-- boot: a key as in pack_range. time: of the last record as it was stored (ms); received: when it last came (ms).
ALTER TABLE unsure_pack RENAME TO unsure_pack_1;
CREATE TABLE unsure_pack (
    device INTEGER NOT NULL, boot INTEGER NOT NULL, seq INTEGER NOT NULL, crc INTEGER NOT NULL,
    time INTEGER NOT NULL, received INTEGER NOT NULL,
    PRIMARY KEY (device, boot, seq, crc)
) WITHOUT ROWID;
INSERT INTO unsure_pack SELECT u.device, d.life << 32 | u.boot, u.seq, u.crc, d.last_seen, d.last_seen
    FROM unsure_pack_1 AS u JOIN device AS d ON d.id = u.device;
DROP TABLE unsure_pack_1;
-- Numbers that are counted as arrived although their readings could not be read. boot: a key as in pack_range.
CREATE TABLE refused_pack (
    device INTEGER NOT NULL, boot INTEGER NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (device, boot, seq)
) WITHOUT ROWID;
"""

_VERSION_3 = """
-- Orders to install a release; digest: SHA-256 of its manifest, times in ms. state: see types.py; offered: since when
-- the broker keeps the offer for the board.
CREATE TABLE rollout (
    id INTEGER PRIMARY KEY, version TEXT NOT NULL, digest TEXT NOT NULL, created INTEGER NOT NULL,
    percent REAL NOT NULL, least INTEGER NOT NULL, at_once INTEGER NOT NULL,
    stopped INTEGER, reason TEXT NOT NULL DEFAULT ''
);
CREATE TABLE rollout_board (
    rollout INTEGER NOT NULL, device TEXT NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL,
    changed INTEGER NOT NULL, offered INTEGER,
    PRIMARY KEY (rollout, device)
) WITHOUT ROWID;
"""

_VERSION_4 = """
-- A board's configuration: what the town wants, and what the board said last. confirmed: the digest with which the
-- running version was first reported; digest: the last one. Times in ms.
CREATE TABLE board_config (
    device TEXT PRIMARY KEY,
    wanted INTEGER, text TEXT, wanted_at INTEGER,
    reported INTEGER, ok INTEGER, problems TEXT, running INTEGER, digest TEXT, confirmed TEXT, reported_at INTEGER
) WITHOUT ROWID;
"""

_VERSION_5 = """
-- The day on which the certificate that the board shows ends, ISO 8601; null: it did not say.
ALTER TABLE board_config ADD COLUMN certificate TEXT;
"""

_VERSION_6 = """
-- What technicians and the office say of boards beside their readings. groups: JSON; set_up, decommissioned: RFC 3339
-- in UTC; updated: ms, larger with each change.
CREATE TABLE register (
    device TEXT PRIMARY KEY,
    asset TEXT, site TEXT, place TEXT, description TEXT, latitude REAL, longitude REAL, groups TEXT,
    board TEXT, software TEXT, set_up TEXT, state TEXT NOT NULL, decommissioned TEXT,
    updated INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX register_updated ON register (updated);
"""

_VERSION_7 = """
-- Readings by hour and by UTC day (step, start: ms), made in the order of the log. count: all of them, numbers: those
-- that are numbers or booleans (true is 1), and of these sum, least and most; first and last by their own time. raw: of
-- an hour, 1 while readings of it may be in the log.
CREATE TABLE aggregate (
    step INTEGER NOT NULL, series INTEGER NOT NULL, start INTEGER NOT NULL,
    count INTEGER NOT NULL, numbers INTEGER NOT NULL, sum REAL NOT NULL, least REAL, most REAL,
    first_time INTEGER NOT NULL, first REAL, last_time INTEGER NOT NULL, last REAL,
    raw INTEGER NOT NULL,
    PRIMARY KEY (step, series, start)
) WITHOUT ROWID;
CREATE INDEX aggregate_raw ON aggregate (series, start) WHERE raw = 1;
CREATE INDEX dead_letter_reading ON dead_letter (reading);
-- What the store's own work remembers. aggregated_to: the log's last id that is in aggregate.
CREATE TABLE upkeep (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

_VERSION_8 = """
-- What a forwarder's place has jumped over, to be sent from last_id down to first_id; since: ms.
CREATE TABLE backfill (
    id INTEGER PRIMARY KEY, forwarder TEXT NOT NULL, first_id INTEGER NOT NULL, last_id INTEGER NOT NULL,
    pending_from INTEGER, total INTEGER NOT NULL, since INTEGER NOT NULL
);
-- Where an order began.
ALTER TABLE refill ADD COLUMN first_id INTEGER;
-- Targets to which nothing is sent for now; times in ms.
CREATE TABLE pause (
    forwarder TEXT PRIMARY KEY, since INTEGER NOT NULL, until INTEGER, reason TEXT NOT NULL
) WITHOUT ROWID;
"""

_VERSION_9 = """
-- Accounts of the pages. role: administrator dispatcher worker reader; desks: JSON list; password: argon2id, empty
-- for one that comes by OpenID Connect, whose issuer and sub are in subject; times here and below in ms.
CREATE TABLE account (
    name TEXT PRIMARY KEY, full_name TEXT NOT NULL, role TEXT NOT NULL, desks TEXT NOT NULL, mail TEXT NOT NULL,
    password TEXT NOT NULL, must_change INTEGER NOT NULL, disabled INTEGER NOT NULL, subject TEXT UNIQUE,
    created INTEGER NOT NULL, last_login INTEGER
) WITHOUT ROWID;
-- digest: SHA-256 of what the cookie holds.
CREATE TABLE login (
    digest TEXT PRIMARY KEY, account TEXT NOT NULL, csrf TEXT NOT NULL, created INTEGER NOT NULL, used INTEGER NOT NULL,
    expires INTEGER NOT NULL
) WITHOUT ROWID;
-- Every version of each rule sheet; the highest is in force, unless its text is empty: then the sheet was taken away.
CREATE TABLE sheet (
    name TEXT NOT NULL, version INTEGER NOT NULL, text TEXT NOT NULL, actor TEXT NOT NULL, reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (name, version)
) WITHOUT ROWID;
-- What a rule remembers of an object: JSON.
CREATE TABLE rule_state (
    rule TEXT NOT NULL, object TEXT NOT NULL, state TEXT NOT NULL,
    PRIMARY KEY (rule, object)
) WITHOUT ROWID;
-- open_key: rule and object while the case is open, so that there is one. year and running: its number, "2026-17".
-- deputy: the desk that has it too since it escalated. event, ledger: JSON.
CREATE TABLE work (
    id INTEGER PRIMARY KEY,
    open_key TEXT UNIQUE,
    year INTEGER NOT NULL, running INTEGER NOT NULL,
    rule TEXT NOT NULL, sheet_version INTEGER NOT NULL, object TEXT NOT NULL, title TEXT NOT NULL, place TEXT NOT NULL,
    state TEXT NOT NULL, stage TEXT NOT NULL, priority TEXT NOT NULL, desk TEXT NOT NULL, deputy TEXT NOT NULL,
    account TEXT,
    opened INTEGER NOT NULL, changed INTEGER NOT NULL, taken INTEGER, ended INTEGER, recovered INTEGER,
    escalated INTEGER NOT NULL, reason TEXT NOT NULL, event TEXT NOT NULL, ledger TEXT NOT NULL,
    UNIQUE (year, running)
);
CREATE INDEX work_state ON work (state, opened);
CREATE INDEX work_ended ON work (ended);
CREATE INDEX work_rule ON work (rule, opened);
CREATE INDEX work_object ON work (object, opened);
CREATE TABLE work_step (
    work INTEGER NOT NULL, number INTEGER NOT NULL, task TEXT NOT NULL, node TEXT NOT NULL, title TEXT NOT NULL,
    instruction TEXT NOT NULL, desk TEXT NOT NULL, form TEXT NOT NULL, state TEXT NOT NULL, answers TEXT NOT NULL,
    note TEXT NOT NULL, actor TEXT, at INTEGER,
    PRIMARY KEY (work, number)
) WITHOUT ROWID;
-- step: the number of the one it belongs to. state: of a proposal to the sheet: open, accepted or declined; else empty.
CREATE TABLE work_note (
    id INTEGER PRIMARY KEY, work INTEGER NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL, kind TEXT NOT NULL,
    text TEXT NOT NULL, photo TEXT, step INTEGER, state TEXT NOT NULL
);
CREATE INDEX work_note_work ON work_note (work, id);
CREATE TABLE photo (
    digest TEXT PRIMARY KEY, kind TEXT NOT NULL, content BLOB NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,
    at INTEGER NOT NULL, actor TEXT NOT NULL
) WITHOUT ROWID;
-- No more cases of a rule (all when empty) for an object (all when empty) until then.
CREATE TABLE silence (
    id INTEGER PRIMARY KEY, rule TEXT NOT NULL, object TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
    actor TEXT NOT NULL, reason TEXT NOT NULL
);
-- What fired while it was silenced, and is not over: verdict is JSON.
CREATE TABLE held_back (
    rule TEXT NOT NULL, object TEXT NOT NULL, verdict TEXT NOT NULL,
    PRIMARY KEY (rule, object)
) WITHOUT ROWID;
-- Append only: hash is SHA-256 over the line before and this one.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL,
    detail TEXT NOT NULL, hash TEXT NOT NULL
);
CREATE INDEX audit_subject ON audit (subject, id);
-- A running procedure of a case: BPMN by its digest, and the engine's state as JSON. due: when its next timer is.
CREATE TABLE process_model (digest TEXT PRIMARY KEY, name TEXT NOT NULL, text TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE process (
    work INTEGER PRIMARY KEY, model TEXT NOT NULL, state TEXT NOT NULL, ended INTEGER NOT NULL, due INTEGER,
    changed INTEGER NOT NULL
);
CREATE INDEX process_due ON process (due) WHERE due IS NOT NULL;
-- What the gateway has to do at another system: service tasks and notifications. key: so that none is done twice.
-- state: due, done, failed (answered all the same), dropped (its case has ended before).
CREATE TABLE errand (
    key TEXT PRIMARY KEY, work INTEGER, task TEXT, node TEXT, kind TEXT NOT NULL, target TEXT NOT NULL,
    request TEXT NOT NULL, state TEXT NOT NULL,
    tries INTEGER NOT NULL, next INTEGER NOT NULL, answer TEXT NOT NULL, made INTEGER NOT NULL, changed INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX errand_next ON errand (next) WHERE state = 'due';
-- A station's life: mounted, why here, visits, calibrations, photos.
CREATE TABLE station_note (
    id INTEGER PRIMARY KEY, device TEXT NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL, kind TEXT NOT NULL,
    text TEXT NOT NULL, photo TEXT
);
CREATE INDEX station_note_device ON station_note (device, at);
-- Who has what nobody can do without: subject as "key authority", "secret mqtt.key"; holder as "desk depot",
-- "account eva".
CREATE TABLE keeper (
    subject TEXT NOT NULL, holder TEXT NOT NULL, actor TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (subject, holder)
) WITHOUT ROWID;
"""

MIGRATIONS = (
    *(_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4, _VERSION_5, _VERSION_6),
    *(_VERSION_7, _VERSION_8, _VERSION_9),
)
VERSION = len(MIGRATIONS)
APPLICATION_ID = 0x42647374  # "Bdst"

TABLES = {
    "device": "id",
    "series": "id",
    "pack_range": "device, boot, lo",
    "day_count": "device, day",
    "boot_next": "device, boot",
    "unsure_pack": "device, boot, seq, crc",
    "refused_pack": "device, boot, seq",
    "quarantine": "id",
    "place": "forwarder",
    "refill": "id",
    "dead_letter": "forwarder, reading",
    "remote": "forwarder, name",
    "backfill": "id",
    "pause": "forwarder",
    "command_result": "device, command",
    "beat": "one",
    "rollout": "id",
    "rollout_board": "rollout, device",
    "board_config": "device",
    "register": "device",
    "aggregate": "step, series, start",
    "upkeep": "name",
    "account": "name",
    "login": "digest",
    "sheet": "name, version",
    "rule_state": "rule, object",
    "work": "id",
    "work_step": "work, number",
    "work_note": "id",
    "photo": "digest",
    "silence": "id",
    "held_back": "rule, object",
    "audit": "id",
    "process_model": "digest",
    "process": "work",
    "errand": "key",
    "station_note": "id",
    "keeper": "subject, holder",
}
"""All tables but the log, with their keys, in an order in which they can be filled: for copying."""
