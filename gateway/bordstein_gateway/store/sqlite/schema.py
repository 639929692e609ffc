"""Brings an SQLite file to today's version of the tables."""

import sqlite3

from ...texts import both
from ..schema import APPLICATION_ID, MIGRATIONS, VERSION
from ..types import StoreError

# What belongs to a version beside its text and is said otherwise elsewhere. The audit log only grows, but where a copy
# is being filled.
_ALSO = {
    9: """
CREATE TRIGGER audit_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
CREATE TRIGGER audit_delete BEFORE DELETE ON audit
    WHEN NOT EXISTS (SELECT 1 FROM upkeep WHERE name = 'filling_from')
    BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
"""
}


def migrate(connection: sqlite3.Connection, path: str) -> None:
    """Bring the database to VERSION, each step in a transaction of its own. StoreError: it is not ours, or newer."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application not in (0, APPLICATION_ID) or (application == 0 and _has_tables(connection)):
        raise StoreError(
            both(
                f"{path} ist die Datenbank eines anderen Programms; eine andere Datei als store.path nennen.",
                f"{path} is a database of another program; name another file as store.path.",
            )
        )
    if version > VERSION:
        raise StoreError(
            both(
                f"{path} stammt von einem neueren bordstein-gateway (Schema {version}, dieses kennt {VERSION}); "
                "jene Version wieder installieren oder eine andere Datei als store.path nennen.",
                f"{path} was written by a newer bordstein-gateway (schema {version}, this one knows {VERSION}); "
                "install that version again, or name another file as store.path.",
            )
        )
    for number in range(version, VERSION):
        connection.executescript(
            f"BEGIN IMMEDIATE;{MIGRATIONS[number]};{_ALSO.get(number + 1, '')}"
            f"PRAGMA application_id = {APPLICATION_ID};PRAGMA user_version = {number + 1};COMMIT;"
        )


def _has_tables(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None
