"""What the store's modules ask of a database, whichever it is.

SQL in this folder is written once and runs on SQLite and PostgreSQL: ? or ?1 for parameters, ON CONFLICT (…) DO …
with the columns of the row that is there named by their table (SET n = tablename.n + 1), RETURNING in place of
lastrowid, CASE in place of max(a, b), count(*) FILTER in place of sum(condition), IS NOT NULL, numbers 0 and 1 in place
of booleans (WHERE done = 0, not NOT done). `value` in the list of a SELECT from reading or series goes through
values.native() with its flags. What can't be said so is a method of Writer, once in sqlite/ and once in postgres/.
"""

import contextlib
import queue
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from .types import StoreError
from .values import Row

WAIT_S = 10.0
"""How long a writer waits for another process that writes (the command line), before it says so."""
_READERS = 4


class Cursor(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int: ...
    @property
    def description(self) -> Any: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """What statements are given to."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Cursor: ...
    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Cursor: ...
    def close(self) -> None: ...


class Writer(Connection, Protocol):
    """The connection that writes, one transaction at a time; it belongs to one thread at a time."""

    @property
    def not_storable(self) -> tuple[type[Exception], ...]:
        """What is raised for a row that can't be kept: its key is taken, or no column can hold a value."""

    def begin(self) -> None:
        """A transaction in which nobody else writes."""

    def commit(self) -> None:
        """Returns when all of it is on disk."""

    def roll_back(self) -> None:
        """Undo; raises nothing."""

    def add_readings(self, rows: Sequence[Row]) -> bool:
        """Put these into the log; False: not all of them were new, and none is there."""

    def add_reading(self, row: Row) -> None:
        """Put one into the log whose key is known to be free."""

    def write_latest(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """The newest readings of series: (time, value, flags, received, series id)."""

    def copy_in(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Many rows as they are in another store; values and flags as from values.native()."""

    def copied(self, table: str) -> None:
        """All of a table is copied in: new rows get ids beyond the largest."""


class Database(ABC):
    """One database. `writer` belongs to one thread at a time; reading() lends a read-only connection to any.

    `name`: as people see it. `errors`: what its driver raises.
    """

    name: str
    writer: Writer
    errors: tuple[type[Exception], ...]

    def __init__(self) -> None:
        self._readers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A read-only connection; fetch everything before the block ends."""
        connection = self._lend()
        try:
            yield connection
        except self.errors as error:
            connection.close()
            raise self.explain(error) from error
        except BaseException:
            connection.close()
            raise
        if self._readers.qsize() < _READERS:
            self._readers.put(connection)
        else:
            connection.close()

    def _lend(self) -> Connection:
        while True:
            try:
                connection: Connection = self._readers.get_nowait()
            except queue.Empty:
                return self.connect_reader()
            if self.is_alive(connection):
                return connection
            connection.close()

    def close(self) -> None:
        """Close all."""
        while True:
            try:
                self._readers.get_nowait().close()
            except queue.Empty:
                break
        with contextlib.suppress(*self.errors):
            self.writer.close()

    @abstractmethod
    def connect_reader(self) -> Connection:
        """A new read-only connection; StoreError."""

    def is_alive(self, connection: Connection) -> bool:
        """Whether a connection that lay idle can still be used."""
        return True

    @abstractmethod
    def snapshot(self) -> "contextlib.AbstractContextManager[Connection]":
        """A read-only connection that sees one moment, whatever is written meanwhile."""

    @abstractmethod
    def explain(self, error: Exception) -> StoreError:
        """The sentence for an administrator."""

    @abstractmethod
    def concerns_all(self, error: Exception) -> bool:
        """Whether an error is the disk's or the server's, not that of the statement at hand."""

    @abstractmethod
    def bytes_on_disk(self) -> int:
        """What it takes, its logs included."""
