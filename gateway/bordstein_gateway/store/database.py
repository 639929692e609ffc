"""Connections: one that writes, some that only read; and SQLite's errors as sentences."""

import contextlib
import queue
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from ..texts import both
from .schema import migrate
from .types import StoreError

WAIT_S = 10.0
"""How long a writer waits for another process that writes (the command line), before it says so."""
_CHECKPOINT_PAGES = 4000
_READERS = 4


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


class Database:
    """The file. `writer` belongs to one thread at a time; reading() lends a read-only connection to any."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._readers: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        try:
            self.writer = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None, check_same_thread=False)
            try:
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

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A read-only connection; fetch everything before the block ends."""
        try:
            connection = self._readers.get_nowait()
        except queue.Empty:
            connection = self._connect_reader()
        try:
            yield connection
        except sqlite3.Error as error:
            connection.close()
            raise explain(error, self.path) from error
        except BaseException:
            connection.close()
            raise
        if self._readers.qsize() < _READERS:
            self._readers.put(connection)
        else:
            connection.close()

    def _connect_reader(self) -> sqlite3.Connection:
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

    def bytes_on_disk(self) -> int:
        """The file and its write-ahead log."""
        total = 0
        for path in (self.path, self.path.with_name(self.path.name + "-wal")):
            with contextlib.suppress(OSError):
                total += path.stat().st_size
        return total

    def close(self) -> None:
        """Close all; the write-ahead log goes into the file."""
        while True:
            try:
                self._readers.get_nowait().close()
            except queue.Empty:
                break
        with contextlib.suppress(sqlite3.Error):
            self.writer.close()
