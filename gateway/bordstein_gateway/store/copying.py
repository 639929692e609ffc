"""Copies a store into another one, of the same kind or not, and proves that all is there.

The log goes in blocks of ids: a block that is the same on both sides is left alone, any other is copied whole in one
transaction and read again. So it can be stopped at any moment and goes on by itself, and readings that come in or are
deleted meanwhile are found. The other tables are small; they are replaced in one transaction at the end, together with
the mark that says that the copy is not whole.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any, NamedTuple

from ..texts import both
from .aggregates import upkeep_get, upkeep_set
from .connection import Connection, Database, Writer
from .retention import DELETED
from .schema import TABLES
from .types import StoreError
from .values import native

BLOCK = 20_000
_BATCH = 5_000
FILLING = "filling_from"
"""Upkeep: it is being filled from there, and not whole."""
MOVED = "moved_to"
"""Upkeep: the town was moved there; what this store has is old."""
_LOG = ("id", "series", "time", "value", "flags", "received")
# What PostgreSQL has beside: in values.native() it is one with the value.
_PARTS = {"reading": "text", "series": "latest_text"}
Progress = Callable[[int, int], None]
"""(up to which id of the log, the last one) is there."""


class Copied(NamedTuple):
    """One table, the same in both stores. `digest`: BLAKE2 over its rows."""

    table: str
    rows: int
    digest: str


class Copying:
    """From one database into another. Its methods belong to one thread."""

    def __init__(self, source: Database, target: Database, *, replace: bool = False) -> None:
        """`replace`: whatever is in the target goes. StoreError: there is something in it, and it is not to go."""
        self._source = source
        self._target = target
        self._same_to = 0  # the log is the same up to here, apart from what was deleted since
        self._deleted = -1
        self._digests: dict[int, str] = {}  # of the log's blocks, by their first id
        with target.reading() as connection:
            said = None if replace else _in_the_way(connection, source.name, target.name)
        if said:
            raise StoreError(said)
        with _writing(target) as writer:
            upkeep_set(writer, FILLING, source.name)

    def log(self, connection: Connection | None = None, progress: Progress = lambda _, __: None) -> int:
        """Copy what the log has by now; how many ids are new since the last call. `connection`: to the source."""
        if connection is None:
            with self._source.reading() as reader:
                return self.log(reader, progress)
        deleted = _deleted(connection)
        if deleted != self._deleted:  # anywhere
            self._deleted = deleted
            self._recount(connection)
        begin, last = self._same_to, _last(connection)
        with self._target.reading() as reader:
            end = max(last, _last(reader))
        for first in range(begin // BLOCK * BLOCK + 1, end + 1, BLOCK):
            self._digests[first] = self._block(connection, first, first + BLOCK)
            progress(min(first + BLOCK - 1, last), last)
        self._same_to = last
        return last - begin

    def rest(self, connection: Connection, progress: Progress = lambda _, __: None) -> list[Copied]:
        """Copy the end of the log and all other tables, when nobody writes to the source any more; what is there.

        From now on the target is a whole store. StoreError: what was read back is not what was copied.
        """
        self.log(connection, progress)
        found = [self._check_log(connection)]
        with _writing(self._target) as writer:
            for table in reversed(TABLES):
                writer.execute(f"DELETE FROM {table}")
            for table in TABLES:
                found.append(self._table(connection, writer, table))
            writer.execute("DELETE FROM upkeep WHERE name IN (?, ?)", (FILLING, MOVED))
        return found

    def _recount(self, connection: Connection) -> None:
        """Readings never change, so a block that was the same is the same while it has as many."""
        for first in self._digests:
            with self._target.reading() as reader:
                if _count(connection, first) != _count(reader, first):
                    self._digests[first] = self._block(connection, first, first + BLOCK)

    def _block(self, connection: Connection, first: int, end: int) -> str:
        rows = _log_rows(connection, first, end)
        digest = _digest(rows)
        with self._target.reading() as reader:
            if _digest(_log_rows(reader, first, end)) == digest:
                return digest
        with _writing(self._target) as writer:
            writer.execute("DELETE FROM reading WHERE id >= ? AND id < ?", (first, end))
            for start in range(0, len(rows), _BATCH):
                writer.copy_in("reading", _LOG, rows[start : start + _BATCH])
            if _digest(_log_rows(writer, first, end)) != digest:
                raise StoreError(_differs("reading", self._target.name))
        return digest

    def _check_log(self, connection: Connection) -> Copied:
        """Each block was compared when it was copied; now that none was left out and nothing is beyond."""
        count = "SELECT count(*), coalesce(max(id), 0) FROM reading"
        with self._target.reading() as reader:
            (wanted, last), there = connection.execute(count).fetchone(), reader.execute(count).fetchone()
        if tuple(there) != (wanted, last):
            raise StoreError(_differs("reading", self._target.name))
        blocks = [digest for first, digest in sorted(self._digests.items()) if first <= last]
        return Copied("reading", int(wanted), _digest(blocks))

    def _table(self, connection: Connection, writer: Writer, table: str) -> Copied:
        columns = _columns(connection, table)
        wanted, count = blake2b(digest_size=8), 0
        for rows in _rows(connection, table, columns):
            writer.copy_in(table, columns, rows)
            count += len(rows)
            for row in rows:
                wanted.update(repr(row).encode(errors="replace"))
        there = blake2b(digest_size=8)
        for rows in _rows(writer, table, columns):
            for row in rows:
                there.update(repr(row).encode(errors="replace"))
        if wanted.digest() != there.digest():
            raise StoreError(_differs(table, self._target.name))
        if columns[0] == "id":
            writer.copied(table)
        return Copied(table, count, wanted.hexdigest())


def is_empty(connection: Connection) -> bool:
    """Whether nothing was ever stored there."""
    return not any(
        connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()
        for table in ("device", "reading", "quarantine", "register", "place", "rollout", "board_config")
    )


def unfit(connection: Connection, name: str) -> str:
    """Why no gateway may write to this store; empty where one may."""
    source, moved = upkeep_get(connection, FILLING), upkeep_get(connection, MOVED)
    if source is not None:
        return both(
            f"{name} wird gerade aus {source} gefüllt und ist nicht vollständig; erst zu Ende bringen: "
            "bordstein-gateway migrate-store oder restore.",
            f"{name} is being filled from {source} and is not whole; bring that to its end first: "
            "bordstein-gateway migrate-store or restore.",
        )
    if moved is not None:
        return both(
            f"{name} ist umgezogen nach {moved}; dieses unter [store] nennen, oder doch hier bleiben: "
            "bordstein-gateway migrate-store --stay.",
            f"{name} was moved to {moved}; name that in [store], or stay here after all: "
            "bordstein-gateway migrate-store --stay.",
        )
    return ""


def mark_moved(database: Database, to: str | None) -> None:
    """Say that a store was moved; None: that it was not."""
    with _writing(database) as writer:
        if to is None:
            writer.execute("DELETE FROM upkeep WHERE name = ?", (MOVED,))
        else:
            upkeep_set(writer, MOVED, to)


@contextmanager
def _writing(database: Database) -> Iterator[Writer]:
    """A transaction; StoreError."""
    writer = database.writer
    try:
        writer.begin()
        yield writer
        writer.commit()
    except BaseException as error:
        writer.roll_back()
        if isinstance(error, Exception) and isinstance(error, database.errors):
            raise database.explain(error) from error
        raise


def _in_the_way(connection: Connection, source: str, target: str) -> str:
    filling = upkeep_get(connection, FILLING)
    if filling == source or upkeep_get(connection, MOVED) is not None or (filling is None and is_empty(connection)):
        return ""
    return both(
        f"In {target} ist schon etwas; einen leeren Ort nennen.",
        f"There is something in {target} already; name a place that is empty.",
    )


def _differs(table: str, name: str) -> str:
    return both(
        f"{name}: in {table} steht nicht, was kopiert wurde; den Datenträger prüfen und es noch einmal versuchen.",
        f"{name}: {table} does not hold what was copied; look at the disk and try again.",
    )


def _last(connection: Connection) -> int:
    (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM reading").fetchone()
    return int(last)


def _count(connection: Connection, first: int) -> int:
    (count,) = connection.execute(
        "SELECT count(*) FROM reading WHERE id >= ? AND id < ?", (first, first + BLOCK)
    ).fetchone()
    return int(count)


def _deleted(connection: Connection) -> int:
    return int(upkeep_get(connection, DELETED) or 0)


def _log_rows(connection: Connection, first: int, end: int) -> list[tuple[Any, ...]]:
    rows = connection.execute(
        "SELECT id, series, time, value, flags, received FROM reading WHERE id >= ? AND id < ? ORDER BY id",
        (first, end),
    ).fetchall()
    return [(id, series, time, *native(value, flags), received) for id, series, time, value, flags, received in rows]


def _digest(rows: Sequence[Any]) -> str:
    """Over what tells 1 from 1.0 and from true."""
    return blake2b(repr(rows).encode(errors="replace"), digest_size=8).hexdigest()


def _columns(connection: Connection, table: str) -> list[str]:
    described = connection.execute(f"SELECT * FROM {table} LIMIT 0").description
    return [column[0] for column in described if column[0] != _PARTS.get(table)]


def _rows(connection: Connection, table: str, columns: Sequence[str]) -> Iterator[list[tuple[Any, ...]]]:
    """All rows in pieces, in the order of the key."""
    keys = TABLES[table].split(", ")
    places = [columns.index(key) for key in keys]
    select = f"SELECT {', '.join(columns)} FROM {table}"
    order = f"ORDER BY {', '.join(keys)} LIMIT {_BATCH}"
    after: Sequence[Any] = ()
    while True:
        where = f"WHERE ({', '.join(keys)}) > ({', '.join('?' * len(keys))})" if after else ""
        rows = connection.execute(f"{select} {where} {order}", after).fetchall()
        if not rows:
            return
        after = [rows[-1][place] for place in places]
        if table == "series":
            at, flags = columns.index("latest_value"), columns.index("latest_flags")
            yield [_with_native(row, at, flags) for row in rows]
        else:  # SQLite keeps no negative zero in a REAL column
            yield [tuple(0.0 if value.__class__ is float and value == 0 else value for value in row) for row in rows]


def _with_native(row: Sequence[Any], at: int, flags: int) -> tuple[Any, ...]:
    if row[flags] is None:
        return tuple(row)
    changed = list(row)
    changed[at], changed[flags] = native(row[at], row[flags])
    return tuple(changed)
