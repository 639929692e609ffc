"""Readings by series and period, a row each, as CSV (RFC 4180) or as rows for Parquet: by series, then by time.

Nothing is held: a day of a series is read, written and forgotten.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from ..decode.normalise import flag_names
from ..forward.times import zulu
from ..store import Store
from ..store.types import Latest, StoredReading
from ..web.spreadsheets import no_formula
from .geojson import plain

COLUMNS = ("time", "device", "series", "property", "value", "unit", "flags")
"""flags: names with spaces between them."""
TYPED_COLUMNS = (*COLUMNS[:4], "value", "text", "unit", "flags")
"""With a column of numbers (true is 1) and one of all that is none."""
DAY_MS = 86_400_000
_PAGE = 20_000
_ROWS = 1000


def readings(store: Store, series: Iterable[Latest], from_ms: int, to_ms: int) -> Iterator[StoredReading]:
    """Those measured in [from_ms, to_ms)."""
    newest: dict[tuple[str, str], int] = {}
    for one in series:  # in another unit it is another series of the same name
        key = (one.device, one.series)
        newest[key] = max(one.time, newest.get(key, 0))
    days = list(_days(store, from_ms, min(to_ms, max(newest.values(), default=0) + 1)))
    for (device, name), last in newest.items():
        for begin in days:
            if begin <= last:
                yield from _one(store, device, name, max(begin, from_ms), min(begin + DAY_MS, to_ms))


def _days(store: Store, from_ms: int, to_ms: int) -> Iterator[int]:
    """The days on which anything was measured (their begins): years without anything cost nothing."""
    while from_ms < to_ms and (hour := store.first_hour(from_ms)) is not None and hour < to_ms:
        day = hour - hour % DAY_MS
        yield day
        from_ms = day + DAY_MS


def _one(store: Store, device: str, series: str, from_ms: int, to_ms: int) -> Iterator[StoredReading]:
    seen: set[int] = set()  # of one moment there may be one in each unit
    while True:
        rows = store.history(device, series, from_ms, to_ms, _PAGE)
        yield from (row for row in rows if row.id not in seen)
        if len(rows) < _PAGE:
            return
        last = rows[-1].time
        there = {row.id for row in rows if row.time == last}
        from_ms, seen = (last, there) if there - seen else (last + 1, set())


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
    return chain(_head(row), (no_formula(value), no_formula(row.unit), _flags(row)))


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
    csv.writer(out).writerows([SERIES_COLUMNS, *(map(no_formula, row) for row in rows)])
    return out.getvalue().encode()
