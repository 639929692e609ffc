"""Connections to PostgreSQL that take the store's SQL."""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import psycopg
from psycopg.adapt import AdaptersMap, Buffer, Dumper
from psycopg.postgres import adapters as usual
from psycopg.pq import TransactionStatus
from psycopg.types.string import StrDumper

from ..connection import Cursor
from ..values import Row, split
from .translate import translated

Raw = psycopg.Connection[tuple[Any, ...]]

WRITING = 0x42647374
"""Advisory lock, held for a transaction: who has it writes. (SQLite's BEGIN IMMEDIATE.)"""
_READING = ("id", "series", "time", "value", "text", "flags", "received")


class _Number(Dumper):
    """A boolean as 0 or 1: the store's columns know no others."""

    oid = 20  # int8

    def dump(self, obj: Any) -> Buffer:
        return b"1" if obj else b"0"

    def quote(self, obj: Any) -> Buffer:
        return self.dump(obj)


class _Text(StrDumper):
    """Text without NUL, which PostgreSQL can't hold: a picture of it in its place. (Readings' values keep theirs.)"""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.replace("\0", "\N{SYMBOL FOR NULL}"))


ADAPTERS = AdaptersMap(usual)
ADAPTERS.register_dumper(bool, _Number)
ADAPTERS.register_dumper(str, _Text)


class PostgresConnection:
    """Connection and Writer, see ../connection.py. `connect` makes the connection anew when it was lost."""

    not_storable: tuple[type[Exception], ...] = (psycopg.IntegrityError, psycopg.DataError)

    def __init__(self, connect: Callable[[], Raw]) -> None:
        self._connect = connect
        self.raw = connect()
        self._last_id: int | None = None

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Cursor:
        # The values go into the text: the server then sees their types, as SQLite does, also that of a null.
        text, numbered = translated(sql)
        cursor = psycopg.ClientCursor(self.raw)
        return cursor.execute(text.encode(), _named(parameters) if numbered else parameters)

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Cursor:
        text, numbered = translated(sql)
        cursor = self.raw.cursor()
        rows = list(parameters)
        if rows:
            cursor.executemany(text.encode(), [_named(row) for row in rows] if numbered else rows)
        return cursor

    def close(self) -> None:
        self.raw.close()

    def begin(self) -> None:
        if self.raw.closed:
            self.raw = self._connect()
        self._last_id = None
        self.raw.execute(f"BEGIN; SELECT pg_advisory_xact_lock({WRITING})".encode())

    def commit(self) -> None:
        self.raw.execute(b"COMMIT")

    def roll_back(self) -> None:
        self._last_id = None
        with contextlib.suppress(psycopg.Error):
            if self.raw.info.transaction_status != TransactionStatus.IDLE:
                self.raw.execute(b"ROLLBACK")
        if self.raw.info.transaction_status != TransactionStatus.IDLE:
            self.raw.close()  # nobody knows what it would do next

    def add_readings(self, rows: Sequence[Row]) -> bool:
        first = self._next_id()
        try:
            whole = [
                (first + number, series, time, *split(value, flags), received)
                for number, (series, time, value, flags, received) in enumerate(rows)
            ]
        except (OverflowError, UnicodeError):
            return False
        self.raw.execute(b"SAVEPOINT readings")
        try:
            self._copy("reading", _READING, whole)
        except (psycopg.IntegrityError, psycopg.DataError):
            self.raw.execute(b"ROLLBACK TO readings; RELEASE readings")
            return False
        self.raw.execute(b"RELEASE readings")
        self._last_id = first + len(rows) - 1
        return True

    def add_reading(self, row: Row) -> None:
        series, time, value, flags, received = row
        values = (self._next_id(), series, time, *split(value, flags), received)
        self.raw.execute(_INSERT, values)
        self._last_id = values[0]

    def write_latest(self, rows: Sequence[tuple[Any, ...]]) -> None:
        changes = [(time, *split(value, flags), received, id) for time, value, flags, received, id in rows]
        if changes:
            self.raw.cursor().executemany(_LATEST, changes)

    def copy_in(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        names, values = list(columns), [list(row) for row in rows]
        for prefix in ("", "latest_"):
            if table in ("reading", "series") and f"{prefix}value" in names:
                at, flags = names.index(f"{prefix}value"), names.index(f"{prefix}flags")
                for row in values:
                    row[at], text, row[flags] = split(row[at], row[flags]) if row[at] is not None else (None,) * 3
                    row.append(text)
                names.append(f"{prefix}text")
        self._copy(table, names, values)

    def copied(self, table: str) -> None:
        self.raw.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table} HAVING max(id) > 0".encode()
        )

    def _next_id(self) -> int:
        """The log's next. No sequence: that would leave out the numbers of what was rolled back."""
        if self._last_id is None:
            row = self.raw.execute(b"SELECT coalesce(max(id), 0) FROM reading").fetchone()
            self._last_id = int(row[0]) if row else 0
        return self._last_id + 1

    def _copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        with self.raw.cursor().copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN".encode()) as copy:
            for row in rows:
                copy.write_row(row)


_INSERT = f"INSERT INTO reading ({', '.join(_READING)}) VALUES ({', '.join(['%s'] * len(_READING))})".encode()
_LATEST = (
    b"UPDATE series SET latest_time = %s, latest_value = %s, latest_text = %s, latest_flags = %s, latest_received = %s"
    b" WHERE id = %s"
)


def _named(row: Sequence[Any]) -> dict[str, Any]:
    return {f"p{number}": value for number, value in enumerate(row, 1)}
