"""Readings by series and period, a row each, as CSV (RFC 4180) or as rows for Parquet: by series, then by time.

Nothing is held: a day of a series is read, written and forgotten.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from ..forward.times import zulu
from ..normalise import flag_names
from ..store import Store
from ..store.types import Latest, StoredReading
from .geojson import plain

COLUMNS = ("time", "device", "series", "property", "value", "unit", "flags")
"""flags: names with spaces between them."""
TYPED_COLUMNS = (*COLUMNS[:4], "value", "text", "unit", "flags")
"""With a column of numbers (true is 1) and one of all that is none."""
DAY_MS = 86_400_000
_LONGEST_MS = 32 * DAY_MS
_PAGE = 20_000
_ROWS = 1000


def readings(store: Store, series: Iterable[Latest], from_ms: int, to_ms: int) -> Iterator[StoredReading]:
    """Those measured in [from_ms, to_ms)."""
    newest: dict[tuple[str, str], int] = {}
    for one in series:  # in another unit it is another series of the same name
        key = (one.device, one.series)
        newest[key] = max(one.time, newest.get(key, 0))
    for (device, name), last in newest.items():
        yield from _one(store, device, name, from_ms, min(to_ms, last + 1))


def _one(store: Store, device: str, series: str, from_ms: int, to_ms: int) -> Iterator[StoredReading]:
    """A day at a time; where nothing was measured, in longer and longer steps."""
    step = DAY_MS
    seen: set[int] = set()  # of one moment there may be one in each unit
    while from_ms < to_ms:
        until = min(from_ms + step, to_ms)
        rows = store.history(device, series, from_ms, until, _PAGE)
        yield from (row for row in rows if row.id not in seen)
        if len(rows) < _PAGE:
            from_ms, seen = until, set()
        else:
            last = rows[-1].time
            there = {row.id for row in rows if row.time == last}
            from_ms, seen = (last, there) if there - seen else (last + 1, set())
        step = DAY_MS if rows else min(step * 2, _LONGEST_MS)


def as_csv(rows: Iterable[StoredReading], *, typed: bool = False) -> Iterator[bytes]:
    """The file in parts; the head is there at once."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(TYPED_COLUMNS if typed else COLUMNS)
    written = 0
    for written, row in enumerate(rows, 1):
        writer.writerow(_typed(row) if typed else _plain(row))
        if written % _ROWS == 0:
            yield _taken(out)
    if out.tell() or not written:
        yield _taken(out)


def _taken(out: io.StringIO) -> bytes:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text.encode()


def _plain(row: StoredReading) -> Iterable[Any]:
    value = {True: "true", False: "false"}[row.value] if isinstance(row.value, bool) else plain(row.value)
    return chain(_head(row), (value, row.unit, _flags(row)))


def _typed(row: StoredReading) -> Iterable[Any]:
    number = isinstance(row.value, int | float)
    value: Any = float(row.value) if number else ""
    return chain(_head(row), (value, "" if number else plain(row.value), row.unit, _flags(row)))


def _head(row: StoredReading) -> tuple[str, str, str, str]:
    return zulu(row.time), row.device, row.series, row.property


def _flags(row: StoredReading) -> str:
    return " ".join(flag_names(row.flags)) if row.flags else ""


SERIES_COLUMNS = ("device", "name", "latitude", "longitude", "series", "property", "unit", "newest", "licence")


def series_csv(rows: Iterable[tuple[Any, ...]]) -> bytes:
    """The list of series, with SERIES_COLUMNS."""
    out = io.StringIO()
    csv.writer(out).writerows([SERIES_COLUMNS, *rows])
    return out.getvalue().encode()
