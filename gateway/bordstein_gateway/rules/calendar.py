"""Windows of local time, seasons, and working time. Pure: ms UTC in, ms UTC out.

    times = Times(["mon-fri 06:00-20:00", "sat,holiday 08:00-18:00"], town)
    times.span(now)                   Span(inside, start, end)
    Season("10-01..04-30", town)      likewise
    after(start, seconds, hours, town)

A public holiday of the town's Land is the day `holiday` and not its weekday; `daily` is each day. Times are the wall
clock's: 01:30-03:30 lasts one hour in the night in which the clock is put forward, and three when it is put back. A
time that does not exist is the moment of the change; one that comes twice is the first as a start and the second as an
end (fold, PEP 495). A window whose end is not after its start ends on the next day.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ..config.office import Town
from ..texts import pick
from .feast_days import is_holiday
from .sheet import Condition
from .sun import MIDDLE, MOMENTS, moment

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday")
EARLIEST = 0
LATEST = 253_402_300_799_000
_SUN = "|".join(MOMENTS)
_POINT = rf"(?:(?P<{{0}}hour>\d\d):(?P<{{0}}minute>\d\d)|(?P<{{0}}sun>{_SUN})(?P<{{0}}shift>[+-]\d{{{{1,3}}}}[mh])?)"
_WINDOW = re.compile(rf"(?P<days>[a-z,-]+) {_POINT.format('s')}-{_POINT.format('e')}")
_SEASON = re.compile(r"(\d\d)-(\d\d)\.\.(\d\d)-(\d\d)")
_REACH = 3
_FURTHEST = 400
"""Days that are searched for the next or the last window: one that only a yearly holiday has."""


class BadTimes(Exception):
    """What is wrong with a text of this kind, one sentence."""


class Span(NamedTuple):
    """A stretch of time in or between windows, from `start` up to before `end`, ms UTC."""

    inside: bool
    start: int
    end: int


ALWAYS = Span(True, EARLIEST, LATEST)


class _Point(NamedTuple):
    """A time of day: minutes after midnight, or minutes after what the sun does."""

    minutes: int
    sun: str | None


class _Window(NamedTuple):
    days: frozenset[str]
    start: _Point
    end: _Point

    @property
    def of_sun(self) -> bool:
        """Whether it is no window of the clock alone."""
        return self.start.sun is not None or self.end.sun is not None

    @property
    def over_night(self) -> bool:
        """Whether it ends on the next day, as the clock has it."""
        return not self.of_sun and self.end.minutes <= self.start.minutes


def parsed(text: str) -> _Window:
    """A window's text; BadTimes."""
    found = _WINDOW.fullmatch(text)
    if found is None:
        raise BadTimes(
            pick(
                'erwartet Tage und Uhrzeiten, wie "mon-fri 06:00-20:00", "sat,sun,holiday 08:00-18:00" oder '
                '"daily dusk+30m-dawn-30m"',
                'expected days and times, as in "mon-fri 06:00-20:00", "sat,sun,holiday 08:00-18:00" or '
                '"daily dusk+30m-dawn-30m"',
            )
        )
    return _Window(_days(found["days"]), _point(found, "s"), _point(found, "e"))


def _days(text: str) -> frozenset[str]:
    days: set[str] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if part == "daily":
            days.update(DAYS)
        elif first not in DAYS or (dash and (last not in DAYS[:7] or first not in DAYS[:7])):
            known = ", ".join((*DAYS, "daily"))
            raise BadTimes(pick(f"{part} ist kein Tag; es gibt {known}", f"{part} is no day; known are {known}"))
        elif dash:
            start, end = DAYS.index(first), DAYS.index(last)
            days.update(DAYS[place % 7] for place in range(start, end + 1 if end >= start else end + 8))
        else:
            days.add(first)
    return frozenset(days)


def _point(found: re.Match[str], which: str) -> _Point:
    if found[f"{which}sun"]:
        shift = found[f"{which}shift"] or "+0m"
        return _Point(int(shift[:-1]) * (60 if shift[-1] == "h" else 1), found[f"{which}sun"])
    minutes = int(found[f"{which}hour"]) * 60 + int(found[f"{which}minute"])
    if int(found[f"{which}minute"]) > 59 or minutes > (1440 if which == "e" else 1439):
        text = f"{found[f'{which}hour']}:{found[f'{which}minute']}"
        raise BadTimes(pick(f"{text} ist keine Uhrzeit", f"{text} is no time of day"))
    return _Point(minutes, None)


class Times:
    """Windows. `place`: where the sun is looked at. `join`: those that touch are one; those that overlap always are."""

    def __init__(
        self, texts: Iterable[str], town: Town, place: tuple[float, float] | None = None, *, join: bool = True
    ) -> None:
        self._windows = [parsed(text) for text in texts]
        self._zone = ZoneInfo(town.timezone)
        self._land = town.land
        self._place = place or MIDDLE
        self._join = join
        self._last = Span(False, 0, 0)
        self._of_day = lru_cache(1024)(self._starting)

    def span(self, at: int) -> Span:
        """The window that this moment is in, or the time between two in which it is (up to a few days of it)."""
        last = self._last
        if not last.start <= at < last.end:
            self._last = last = self._span(at)
        return last

    def before(self, start: int) -> Span | None:
        """The window before the one that begins at `start`; None: there was none for more than a year."""
        day = self._day(start)
        for back in range(_FURTHEST):
            for begin, _ in reversed(self._merged(day - timedelta(back), day - timedelta(back))):
                if begin < start and (found := self.span(begin)).start < start:
                    return found
        return None

    def _span(self, at: int) -> Span:
        day = self._day(at)
        for reach in (_REACH, 10, 40):
            first, last = day - timedelta(reach), day + timedelta(reach)
            low, high = self._midnight(first + timedelta(1)), self._midnight(last)
            windows = self._merged(first, last)
            for start, end in windows:
                if start <= at < end:
                    if start >= low and end <= high:
                        return Span(True, start, end)
                    break
            else:
                start = max((end for _, end in windows if end <= at), default=low)
                end = min((start for start, _ in windows if start > at), default=high)
                return Span(False, max(start, low), min(end, high))
        return ALWAYS

    def _merged(self, first: date, last: date) -> list[tuple[int, int]]:
        """The windows that begin on these days."""
        found: list[tuple[int, int]] = []
        days = (first + timedelta(n) for n in range((last - first).days + 1))
        for start, end in sorted(window for day in days for window in self._of_day(day)):
            if found and (start < found[-1][1] or (self._join and start == found[-1][1])):
                found[-1] = (found[-1][0], max(end, found[-1][1]))
            else:
                found.append((start, end))
        return found

    def _starting(self, day: date) -> Sequence[tuple[int, int]]:
        kind = self._kind(day)
        found = []
        for window in self._windows:
            if kind in window.days:
                start = self._moment(window.start, day, 0)
                end = self._moment(window.end, day + timedelta(window.over_night), 1)
                if window.of_sun and start is not None and end is not None and end <= start:
                    end = self._moment(window.end, day + timedelta(1), 1)
                if start is not None and end is not None and start < end:
                    found.append((start, end))
        return found

    def _kind(self, day: date) -> str:
        daily = all(len(window.days) == len(DAYS) for window in self._windows)
        return "holiday" if not daily and is_holiday(day, self._land) else DAYS[day.weekday()]

    def _moment(self, point: _Point, day: date, fold: int) -> int | None:
        if point.sun is not None:
            at = moment(point.sun, day, self._place)
            return None if at is None else at + point.minutes * 60_000
        clock = datetime(day.year, day.month, day.day, tzinfo=self._zone) + timedelta(minutes=point.minutes)
        first, second = (round(clock.replace(fold=fold).timestamp()) for fold in (0, 1))
        if first > second:
            return self._change(second, first) * 1000
        return (second if fold else first) * 1000

    def _change(self, low: int, high: int) -> int:
        """The first second of the new time, between two Unix times."""
        new = datetime.fromtimestamp(high, self._zone).utcoffset()
        while high - low > 1:
            middle = (low + high) // 2
            if datetime.fromtimestamp(middle, self._zone).utcoffset() == new:
                high = middle
            else:
                low = middle
        return high

    def _midnight(self, day: date) -> int:
        return local_midnight(day, self._zone)

    def _day(self, at: int) -> date:
        return datetime.fromtimestamp(at / 1000, self._zone).date()


class Season:
    """From a day of the year to another, both included, of each year."""

    def __init__(self, text: str, town: Town) -> None:
        self._from, self._to = season(text)
        self._zone = ZoneInfo(town.timezone)
        self._last = Span(False, 0, 0)

    def span(self, at: int) -> Span:
        """The season that this moment is in, or the time between two."""
        last = self._last
        if not last.start <= at < last.end:
            self._last = last = self._span(at)
        return last

    def _span(self, at: int) -> Span:
        year = datetime.fromtimestamp(at / 1000, self._zone).year
        edges: list[tuple[int, bool]] = []
        for of in range(year - 1, year + 3):
            start = local_midnight(_in_year(self._from, of), self._zone)
            wraps = self._to < self._from
            end = local_midnight(_in_year(self._to, of + wraps, after=True), self._zone)
            edges += [(start, True), (end, False)]
        edges = [(EARLIEST, False), *sorted(edges), (LATEST, False)]
        place = max(place for place, (edge, _) in enumerate(edges) if edge <= at)
        return Span(edges[place][1], edges[place][0], edges[place + 1][0])


def season(text: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """Month and day of its first and its last day; BadTimes."""
    found = _SEASON.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        first, last = (int(found[1]), int(found[2])), (int(found[3]), int(found[4]))
        date(2024, *first), date(2024, *last)
    except ValueError:
        raise BadTimes(
            pick(
                'erwartet zwei Tage als Monat-Tag, wie "10-01..04-30"',
                'expected two days as month-day, as in "10-01..04-30"',
            )
        ) from None
    return first, last


def _in_year(day: tuple[int, int], year: int, *, after: bool = False) -> date:
    """This day of a year, or the one after it. Without a leap day its end is that of February, its start 1 March."""
    if day == (2, 29) and not (year % 4 == 0 and (year % 100 or year % 400 == 0)):
        return date(year, 3, 1)
    return date(year, *day) + timedelta(after)


def local_midnight(day: date, zone: ZoneInfo) -> int:
    """When a local day begins, ms UTC."""
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)


class Gate:
    """When a rule looks (`times`), and when something may begin: then, in season, and not in `not_times`."""

    def __init__(self, condition: Condition, town: Town, place: tuple[float, float] | None) -> None:
        join = condition.in_a_row == 1
        self._times = Times(condition.times, town, place, join=join) if condition.times else None
        self._season = Season(condition.season, town) if condition.season else None
        self._not_times = Times(condition.not_times, town, place) if condition.not_times else None
        self.plain = self._times is None and self._season is None and self._not_times is None

    def looks(self, at: int) -> Span:
        """The window of `times`."""
        return self._times.span(at) if self._times else ALWAYS

    def begins(self, at: int) -> Span:
        """The window in which something may begin; outside of one: at least up to its end nothing may."""
        if self.plain:
            return ALWAYS
        spans = [self.looks(at)]
        if self._season:
            spans.append(self._season.span(at))
        if self._not_times:
            out = self._not_times.span(at)
            spans.append(Span(not out.inside, out.start, out.end))
        inside = all(span.inside for span in spans)
        return Span(inside, max(span.start for span in spans), min(span.end for span in spans))

    def window_before(self, start: int) -> int | None:
        """Where the window of `times` before the one that begins at `start` begins."""
        found = self._times.before(start) if self._times else None
        return found.start if found else None


def after(start: int, seconds: int, hours: Sequence[str], town: Town) -> int:
    """When so much of the time in `hours` has passed since `start` (ms UTC). Without hours all time counts.

    Where the hours never come, as with a holiday that the Land has not, all time counts, too.
    """
    if not hours:
        return start + seconds * 1000
    times = _times(tuple(hours), town.land, town.timezone)
    left, at = seconds * 1000, start
    idle = 0
    while idle < _FURTHEST:
        found = times.span(at)
        if found.inside and at + left <= found.end:
            return at + left
        if found.inside:
            left -= found.end - at
            idle = 0
        idle += 1
        at = found.end
    return start + seconds * 1000


@lru_cache(64)
def _times(hours: tuple[str, ...], land: str | None, timezone: str) -> Times:
    return Times(hours, Town(land=land, timezone=timezone))  # type: ignore[arg-type]  # it is a Town's
