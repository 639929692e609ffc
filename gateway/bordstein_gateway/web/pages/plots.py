"""A series' day, week or year, from the store: what charts.py draws and the tables beside it say.

A day is made of the readings, a week of hours, a year of UTC days (store/aggregates.py); what is not added up yet is
added up here. A day or hour in which readings were marked keeps the marks that its readings are still there to show.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ...properties import row_of
from ...store import Store
from ...store.types import Latest, StoredReading
from .charts import Dot, Plot, Span

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
SPANS: tuple[Span, ...] = ("day", "week", "year")
_DAYS = {"day": 1, "week": 7, "year": 365}
_MOST_DOTS = 300
_STEPS_MS = tuple(minutes * 60_000 for minutes in (1, 2, 5, 10, 15, 30, 60))
_PAGE = 20_000


class Period(NamedTuple):
    """Whole local days. `last`: the last of them."""

    span: Span
    last: date
    begin: int
    end: int

    def moved(self, by: int) -> date:
        """The last day of the period that lies so many periods later."""
        return self.last + timedelta(days=by * _DAYS[self.span])


def period(span: Span, last: date | None, zone: ZoneInfo, now_ms: int) -> Period:
    """The day, 7 days or 365 days that end with `last`, today without it. A day is as long as it is there."""
    day = last or datetime.fromtimestamp(now_ms / 1000, zone).date()
    begin, end = day - timedelta(days=_DAYS[span] - 1), day + timedelta(days=1)
    return Period(span, day, _midnight(begin, zone), _midnight(end, zone))


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1000


def plot(store: Store, series: Latest, when: Period, now_ms: int | None = None) -> Plot:
    """Of the series that this is the newest value of, in its unit."""
    now = int(time.time() * 1000) if now_ms is None else now_ms
    row = row_of(series.series)
    boolean = isinstance(series.value, bool) or (row is not None and row.kind == "boolean")
    shown = row.shown if row is not None and row.unit == series.unit else None
    single = when.span == "day"
    dots = _day(store, series, when) if single else list(_summed(store, series, when))
    factor, symbol, decimals = (shown.factor, shown.symbol, shown.decimals) if shown else (1.0, series.unit, 2)
    if boolean:
        folded = any(dot.readings > 1 for dot in dots)
        factor, symbol, decimals = (100.0, "%", 0) if folded or not single else (1.0, "", 0)
    if factor != 1.0:
        dots = [
            dot._replace(value=dot.value * factor, least=dot.least * factor, most=dot.most * factor) for dot in dots
        ]
    step = {"day": 0, "week": HOUR_MS, "year": DAY_MS}[when.span]
    return Plot(
        *(when.span, when.begin, when.end, now, dots, max(_longest(dots), step)),
        symbol=symbol,
        decimals=decimals,
        steps=boolean,
    )


def _longest(dots: Sequence[Dot]) -> int:
    """Two and a half times what usually lies between two dots."""
    steps = [after.start - before.start for before, after in pairwise(dots)]
    if not steps:
        return HOUR_MS
    usual = median(steps)
    return max(120_000, int(usual * 2.5) - (dots[0].end - dots[0].start))


def _day(store: Store, series: Latest, when: Period) -> list[Dot]:
    dots = [_dot(row) for row in _readings(store, series, when.begin, when.end) if _is_number(row)]
    if len(dots) <= _MOST_DOTS:
        return dots
    span = when.end - when.begin
    step = next((step for step in _STEPS_MS if span / step <= _MOST_DOTS), _STEPS_MS[-1])
    return list(folded(dots, step))


def _dot(row: StoredReading) -> Dot:
    value = float(row.value)
    return Dot(row.time, row.time, value, value, value, 1, row.flags)


def _is_number(row: StoredReading) -> bool:
    return isinstance(row.value, int | float)


def folded(dots: Iterable[Dot], step: int) -> Iterator[Dot]:
    """Dots in the order of time, those of one step together."""
    start, some = None, list[Dot]()
    for dot in dots:
        begin = dot.start - dot.start % step
        if begin != start and some and start is not None:
            yield _together(start, step, some)
            some = []
        start = begin
        some.append(dot)
    if some and start is not None:
        yield _together(start, step, some)


def _together(start: int, step: int, some: Sequence[Dot]) -> Dot:
    count = sum(dot.readings for dot in some)
    flags = 0
    for dot in some:
        flags |= dot.flags
    mean = sum(dot.value * dot.readings for dot in some) / count
    least, most = min(dot.least for dot in some), max(dot.most for dot in some)
    return Dot(start, start + step, mean, least, most, count, flags)


def _summed(store: Store, series: Latest, when: Period) -> Iterator[Dot]:
    """By hours or UTC days."""
    step = HOUR_MS if when.span == "week" else DAY_MS
    begin = when.begin - when.begin % step
    known = store.aggregates(series.device, series.series, begin, when.end, step)
    dots = [
        Dot(sum.start, sum.start + step, sum.mean, sum.least, sum.most, sum.numbers)
        for sum in known
        if sum.mean is not None and sum.least is not None and sum.most is not None
    ]
    # The last sum may lack what came since.
    from_ms = dots[-1].start if dots else begin
    to_ms = min(when.end, series.time + 1)
    late = [_dot(row) for row in _readings(store, series, from_ms, to_ms) if _is_number(row)] if to_ms > from_ms else []
    fresh = {dot.start: dot for dot in folded(late, step)}
    for dot in dots:
        newer = fresh.pop(dot.start, None)
        yield newer if newer is not None and newer.readings >= dot.readings else dot
    yield from fresh.values()


def _readings(store: Store, series: Latest, from_ms: int, to_ms: int) -> Iterator[StoredReading]:
    while True:
        rows = store.history(series.device, series.series, from_ms, to_ms, _PAGE)
        yield from (row for row in rows if row.unit == series.unit)
        if len(rows) < _PAGE:
            return
        from_ms = rows[-1].time + 1
