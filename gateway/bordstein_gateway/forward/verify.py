"""Reading back: what a target holds of a time span, against what the store has. Changes nothing on either side.

Of each series that is for the target the store is read in pieces, and the target asked for the same moments. What waits
(the log's place has not passed it) and what was refused (a dead letter) is not missing.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from ..config.types import Forward
from ..store import Store
from ..store.types import Latest, StoredReading

_PIECE = 5000
"""Readings of a series that are compared at once."""


@runtime_checkable
class Readable(Protocol):
    """A target that can be asked for what it holds."""

    async def held(self, reading: StoredReading, first: int, last: int) -> list[tuple[int, Any]]:
        """Time (ms UTC) and value of all it holds of this reading's series from first to last, both included. Retry."""
        ...

    def as_held(self, reading: StoredReading) -> Any:
        """The value of a reading as held() gives it."""
        ...


@dataclass
class Account:
    """One series in the span. `stored` are those that should be there: there + missing + different."""

    device: str
    series: str
    unit: str
    stored: int = 0
    there: int = 0
    missing: int = 0
    different: int = 0
    doubled: int = 0
    waiting: int = 0
    refused: int = 0
    first_missing: int | None = None
    last_missing: int | None = None
    """Times (ms UTC)."""

    @property
    def right(self) -> bool:
        """Whether the target holds what it should."""
        return not (self.missing or self.different or self.doubled)


async def verify(
    name: str, settings: Forward, store: Store, target: Readable, from_ms: int, to_ms: int
) -> list[Account]:
    """An account for each series that has readings in [from_ms, to_ms). Retry: the target could not be asked."""
    place = store.place_get(name)
    behind = [range(order.first_id, order.last_id + 1) for order in store.backfills(name)]
    dead = {letter.reading_id for letter in store.dead_letters(name, limit=1_000_000)}
    accounts = []
    for latest in store.latest():
        if not settings.wants(latest.device, latest.series, latest.property) or latest.time < from_ms:
            continue
        account = Account(latest.device, latest.series, latest.unit)
        for rows in _pieces(store, latest, from_ms, to_ms):
            passed = []
            for row in rows:
                if row.id in dead:
                    account.refused += 1
                elif row.id >= place.next_id or any(row.id in span for span in behind):
                    account.waiting += 1
                elif not _too_old(row, settings):
                    passed.append(row)
            if passed:
                _compare(account, target, passed, await target.held(passed[0], passed[0].time, passed[-1].time))
        if account.stored or account.waiting or account.refused:
            accounts.append(account)
    return accounts


def _pieces(store: Store, of: Latest, from_ms: int, to_ms: int) -> Iterator[list[StoredReading]]:
    """A series' readings, oldest first."""
    while rows := store.history(of.device, of.series, from_ms, to_ms, _PIECE):
        yield [row for row in rows if row.unit == of.unit]
        from_ms = rows[-1].time + 1


def _too_old(row: StoredReading, settings: Forward) -> bool:
    """Whether it was older than max_age already when it came."""
    return bool(settings.max_age) and row.time < (row.received - settings.max_age * 3600) * 1000


def _compare(
    account: Account, target: Readable, rows: Sequence[StoredReading], held: Sequence[tuple[int, Any]]
) -> None:
    times = Counter(time for time, _ in held)
    values = dict(held)
    for row in rows:
        account.stored += 1
        if row.time not in values:
            account.missing += 1
            if account.first_missing is None:
                account.first_missing = row.time
            account.last_missing = row.time
        elif same(target.as_held(row), values[row.time]):
            account.there += 1
        else:
            account.different += 1
        account.doubled += max(0, times[row.time] - 1)


def same(ours: Any, theirs: Any) -> bool:
    """Whether two values are the same but for the last digits of a number."""
    if isinstance(ours, int | float) and isinstance(theirs, int | float):
        return math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12)
    return bool(ours == theirs)
