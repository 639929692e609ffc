"""SQLite: the connections, and its errors as sentences."""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ...texts import both
from ..connection import WAIT_S, Connection, Database
from ..types import StoreError
from ..values import Row
from .owner import as_folder
from .schema import migrate

_CHECKPOINT_PAGES = 4000
_ROW = "(series, time, value, flags, received) VALUES (?, ?, ?, ?, ?)"
_CONCERNS_ALL = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CORRUPT", "SQLITE_READONLY", "SQLITE_BUSY")


def explain(error: Exception, path: Path) -> StoreError:
    """The sentence for an administrator."""
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_FULL"):
        says = both(
            f"Der Datenträger mit {path} ist voll; Platz schaffen.",
            f"The disk with {path} is full; free some space.",
        )
    elif name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")) or isinstance(error, PermissionError):
        says = both(
            f"{path} ist nicht schreibbar; den Ordner muss es geben, und er muss dem Benutzer des Gateways gehören.",
            f"{path} can't be written; its folder has to exist and belong to the gateway's user.",
        )
    elif name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        says = both(
            f"{path} ist beschädigt ({error}); die letzte Sicherung an die Stelle legen, oder die Datei weglegen, um "
            "neu zu beginnen.",
            f"{path} is damaged ({error}); put the last backup in its place, or move it away to begin a new one.",
        )
    elif name.startswith("SQLITE_IOERR"):
        says = both(
            f"Der Datenträger mit {path} nimmt nichts an ({error}); ihn und seinen freien Platz prüfen.",
            f"The disk with {path} does not take writes ({error}); look at the disk and its free space.",
        )
    elif name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        says = both(
            f"Ein anderes Programm hält {path} seit über {WAIT_S:.0f} s fest; es beenden.",
            f"Another program holds {path} for more than {WAIT_S:.0f} s; close it.",
        )
    else:
        says = both(f"{path}: {error}.", f"{path}: {error}.")
    return StoreError(says)


class SqliteWriter(sqlite3.Connection):
    """Writer, see connection.py."""

    # The last two are raised for a value that no column can hold.
    not_storable = (sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError)

    def begin(self) -> None:
        self.execute("BEGIN IMMEDIATE")

    def roll_back(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self.in_transaction:
                self.execute("ROLLBACK")

    def add_readings(self, rows: Sequence[Row]) -> bool:
        self.execute("SAVEPOINT readings")
        before = self.total_changes
        try:
            self.executemany(f"INSERT OR IGNORE INTO reading {_ROW}", rows)
            whole = self.total_changes - before == len(rows)
        except (*self.not_storable, OverflowError, UnicodeError):
            whole = False
        if not whole:
            self.execute("ROLLBACK TO readings")
        self.execute("RELEASE readings")
        return whole

    def add_reading(self, row: Row) -> None:
        self.execute(f"INSERT INTO reading {_ROW}", row)

    def write_latest(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self.executemany(
            "UPDATE series SET latest_time = ?, latest_value = ?, latest_flags = ?, latest_received = ? WHERE id = ?",
            rows,
        )

    def copy_in(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        marks = ", ".join("?" * len(columns))
        self.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)

    def copied(self, table: str) -> None:
        """SQLite takes the next id by itself."""


class SqliteDatabase(Database):
    """One file and its write-ahead log."""

    errors = (sqlite3.Error,)
    writer: SqliteWriter

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.name = str(path)
        try:
            new = not path.exists()
            self.writer = sqlite3.connect(
                path, timeout=WAIT_S, isolation_level=None, check_same_thread=False, factory=SqliteWriter
            )
            try:
                if new:
                    as_folder(path)  # what SQLite puts beside it gets the same owner
                self._prepare(self.writer)
            except BaseException:
                self.writer.close()
                raise
        except (sqlite3.Error, OSError) as error:
            raise explain(error, path) from error

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute("PRAGMA journal_size_limit = 33554432")
        connection.execute("PRAGMA cache_size = -16000")
        connection.execute("PRAGMA temp_store = MEMORY")
        migrate(connection, str(self.path))

    def connect_reader(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode=ro", uri=True, timeout=WAIT_S, check_same_thread=False
            )
            connection.isolation_level = None
            connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA cache_size = -4000")
        except sqlite3.Error as error:
            raise explain(error, self.path) from error
        return connection

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        with contextlib.closing(self.connect_reader()) as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            except sqlite3.Error as error:
                raise explain(error, self.path) from error

    def explain(self, error: Exception) -> StoreError:
        return explain(error, self.path)

    def concerns_all(self, error: Exception) -> bool:
        name = getattr(error, "sqlite_errorname", "") or ""
        return isinstance(error, sqlite3.Error) and name.startswith(_CONCERNS_ALL)

    def bytes_on_disk(self) -> int:
        total = 0
        for path in (self.path, self.path.with_name(self.path.name + "-wal")):
            with contextlib.suppress(OSError):
                total += path.stat().st_size
        return total
