"""Readings added up by hour and by UTC day. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

from ..boards.ledger import DAY_MS

HOUR_MS = 3_600_000


def hour(time: int) -> int:
    """The number of the hour, as the database divides: towards zero."""
    return time // HOUR_MS if time >= 0 else -(-time // HOUR_MS)


def folded(rows: Iterable[tuple[int, int, Any]]) -> list[Sequence[Any]]:
    """(series, time, value) as rows of `aggregate`, one for each series and hour and each series and day."""
    found: dict[tuple[int, int, int], list[Any]] = {}
    for series, time, value in rows:
        # + 0.0: SQLite keeps no negative zero in a REAL column, PostgreSQL does.
        number = float(value) + 0.0 if isinstance(value, int | float) else None
        for key in ((HOUR_MS, series, hour(time) * HOUR_MS), (DAY_MS, series, time // DAY_MS * DAY_MS)):
            row = found.get(key)
            if row is None:
                row = found[key] = [0, 0, 0.0, None, None, time, number, time, number, int(key[0] == HOUR_MS)]
            row[0] += 1
            if number is not None:
                row[1] += 1
                row[2] += number
                row[3] = number if row[3] is None or number < row[3] else row[3]
                row[4] = number if row[4] is None or number > row[4] else row[4]
            if time < row[5]:
                row[5:7] = time, number
            if time >= row[7]:
                row[7:9] = time, number
    return [(*key, *row) for key, row in found.items()]
