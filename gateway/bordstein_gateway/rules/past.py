"""Readings out of the store as rules take them, in pieces: memory stays flat over months."""

from collections.abc import Collection, Iterator

from ..config.durations import seconds
from ..properties import property_of
from ..store import Store
from ..store.observing import HOUR_MS, MANY, Observed, SeriesRow
from .evaluate import Reading
from .running import listens
from .sheet import Sheet

_PIECE = 5_000
_DAY_MS = 24 * HOUR_MS
_LONGEST_MS = 60 * _DAY_MS
_MOST = 100
"""Of the last so many readings a signal wants, each may have been this often `max_age` after the one before."""


def span(sheet: Sheet) -> int:
    """How far back (ms) readings may matter for what a sheet says now; 60 days at most."""
    longest = 0
    for signal in sheet.signal.values():
        age = seconds(signal.max_age)
        over = seconds(signal.over) if signal.over is not None else min(signal.last or 1, _MOST) * age
        longest = max(longest, over + age)
    condition = sheet.condition
    holds = [condition.hold, condition.clears_for, condition.cooldown, *(stage.hold for stage in sheet.stages)]
    longest += sum(seconds(hold) for hold in holds if hold is not None)
    if condition.samples is not None:
        longest *= max(1, min(condition.samples.m, _MOST))
    days = condition.in_a_row + 1 if condition.times or condition.not_times else 0
    return min(longest * 1000 + days * _DAY_MS, _LONGEST_MS)


def wanted(store: Store, sheets: Collection[Sheet]) -> dict[int, SeriesRow]:
    """The series that these sheets look at, by id; all where one of them looks at silence."""
    series = store.all_series()
    if not any(listens(sheet) for sheet in sheets):
        names = {signal.property for sheet in sheets for signal in sheet.signal.values()}
        series = [row for row in series if property_of(row.series) in names]
    return {row.id: row for row in series}


def by_time(
    store: Store, series: dict[int, SeriesRow], from_ms: int, to_ms: int, before_id: int | None = None
) -> Iterator[Reading]:
    """Readings measured in [from_ms, to_ms), in the order of their time; `before_id`: of those with smaller ids."""
    some = list(series) if len(series) <= MANY else None
    hour = store.nearest_hour(from_ms // HOUR_MS, descending=False) if series else None
    while hour is not None and hour * HOUR_MS < to_ms:
        start, end = max(from_ms, hour * HOUR_MS), min(to_ms, (hour + 1) * HOUR_MS)
        after: tuple[int, int] | None = None
        while True:
            rows = store.observed_between(start, end, some, _PIECE, after=after)
            yield from _readings(rows, series, before_id)
            if len(rows) < _PIECE:
                break
            after = rows[-1].time, rows[-1].id
        hour = store.nearest_hour(hour + 1, descending=False)


def by_arrival(store: Store, series: dict[int, SeriesRow], from_ms: int, to_ms: int) -> Iterator[Reading]:
    """Readings that came in [from_ms, to_ms), in the order in which they came."""
    last = store.newest_id()
    next_id = _first_id(store, from_ms, last)
    while next_id <= last:
        rows = store.observed_by_id(next_id, last, None, _PIECE)
        if not rows:
            return
        yield from (one for one in _readings(rows, series, None) if from_ms <= one.received < to_ms)
        if rows[-1].received * 1000 >= to_ms:
            return
        next_id = rows[-1].id + 1


def _first_id(store: Store, from_ms: int, last: int) -> int:
    """From which id on readings came at from_ms or later: ids and arrivals have the same order."""
    low, high = 1, last + 1
    while low < high:
        middle = (low + high) // 2
        rows = store.observed_by_id(middle, last, None, 1)
        if not rows or rows[0].received * 1000 >= from_ms:
            high = middle
        else:
            low = rows[0].id + 1
    return low


def _readings(rows: list[Observed], series: dict[int, SeriesRow], before_id: int | None) -> Iterator[Reading]:
    for row in rows:
        of = series.get(row.series)
        if of is None or (before_id is not None and row.id >= before_id):
            continue
        yield Reading(
            of.device, of.series, property_of(of.series), row.time, row.value, row.flags, row.received * 1000, row.id
        )
