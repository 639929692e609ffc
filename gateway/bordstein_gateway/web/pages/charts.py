"""A series drawn as SVG, for who has no script, and for print. Pure.

    chart(plot, zone=ZoneInfo("Europe/Berlin"), lang="de", title="Lufttemperatur", name="c1")

Times are ms UTC; a gap is drawn as a gap. Colours are app.css's: the drawing has classes and no style.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from ..pagetexts import number

WIDTH, HEIGHT = 720, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 14, 12, 30
_MONTHS = {
    "de": ["Jan", "Feb", "März", "Apr", "Mai", "Juni", "Juli", "Aug", "Sep", "Okt", "Nov", "Dez"],
    "en": ["Jan", "Feb", "Mar", "Apr", "May", "June", "July", "Aug", "Sep", "Oct", "Nov", "Dec"],
}
_DAYS = {"de": ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"], "en": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]}
Span = Literal["day", "week", "year"]
_HOUR_MS = 3_600_000


class Dot(NamedTuple):
    """A reading, or those of [start, end) together. `flags`: a sum of decode.normalise's marks."""

    start: int
    end: int
    value: float
    least: float
    most: float
    readings: int = 1
    flags: int = 0

    @property
    def middle(self) -> int:
        """Where it is drawn."""
        return (self.start + self.end) // 2


class Gap(NamedTuple):
    """[start, end): nothing was measured."""

    start: int
    end: int


class Plot(NamedTuple):
    """A series in [begin, end). `longest`: so many ms may lie between two dots that belong together. `now`: what is
    later can't be missing yet. `steps`: yes or no, drawn as steps; its values are 0 and 1, or a share in per cent."""

    span: Span
    begin: int
    end: int
    now: int
    dots: Sequence[Dot]
    longest: int
    symbol: str = ""
    decimals: int = 1
    steps: bool = False

    @property
    def gaps(self) -> list[Gap]:
        """Where nothing was measured, the time before the first and after the last dot too."""
        until = min(self.end, self.now)
        if not self.dots:
            return [Gap(self.begin, until)] if until > self.begin else []
        edges = [(self.begin, self.dots[0].start)]
        edges += [(before.end, after.start) for before, after in pairwise(self.dots)]
        edges.append((self.dots[-1].end, until))
        return [Gap(start, end) for start, end in edges if end - start > self.longest]

    @property
    def runs(self) -> list[list[Dot]]:
        """The dots that belong together."""
        found: list[list[Dot]] = []
        for dot in self.dots:
            if found and dot.start - found[-1][-1].end <= self.longest:
                found[-1].append(dot)
            else:
                found.append([dot])
        return found


def written(value: float, plot: Plot, lang: str, *, symbol: bool = True) -> str:
    """A value of a plot, as people read it."""
    if plot.steps and not plot.symbol and value in (0, 1):
        return number(bool(value), lang)
    return _number(value, plot.decimals, lang) + (f" {plot.symbol}" if symbol and plot.symbol else "")


def summary(plot: Plot, lang: str) -> str:
    """What the drawing shows, in one sentence: for who does not see it."""
    german = lang == "de"
    if not plot.dots:
        return "Keine Messwerte in dieser Zeit." if german else "No readings in this time."
    least, most = min(dot.least for dot in plot.dots), max(dot.most for dot in plot.dots)
    count, gaps = sum(dot.readings for dot in plot.dots), len(plot.gaps)
    low, high = written(least, plot, lang), written(most, plot, lang)
    shown = number(count, lang)
    if german:
        words = {0: "keine Lücke", 1: "eine Lücke"}.get(gaps, f"{gaps} Lücken")
        return f"Zwischen {low} und {high}; {shown} Messwert{'e' if count != 1 else ''}, {words}."
    words = {0: "no gap", 1: "one gap"}.get(gaps, f"{gaps} gaps")
    return f"Between {low} and {high}; {shown} reading{'s' if count != 1 else ''}, {words}."


def chart(plot: Plot, *, zone: ZoneInfo, lang: str, title: str, name: str) -> Markup:
    """An <svg> with title and description. `name`: makes its ids unique on the page."""
    low, high, ticks = _scale(plot)

    def x(moment: float) -> float:
        return _LEFT + (moment - plot.begin) / (plot.end - plot.begin) * (WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _TOP + (high - value) / (high - low) * (HEIGHT - _TOP - _BOTTOM)

    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{name}-t {name}-d">',
        f'<title id="{name}-t">{escape(title)}</title><desc id="{name}-d">{escape(summary(plot, lang))}</desc>',
        f'<defs><pattern id="{name}-p" width="8" height="8" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><line class="hatch" y2="8"/></pattern></defs>',
    ]
    bottom = HEIGHT - _BOTTOM
    for gap in plot.gaps:
        left, right = x(max(gap.start, plot.begin)), x(gap.end)
        box = f'x="{left:.1f}" y="{_TOP}" width="{max(1.0, right - left):.1f}" height="{bottom - _TOP}"'
        parts.append(f'<rect class="gap" {box}/><rect fill="url(#{name}-p)" {box}/>')
    for tick in ticks:
        at = y(tick)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(
            f'<text x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{escape(_tick(tick, ticks, plot, lang))}</text>'
        )
    for moment, label in time_ticks(plot, zone, lang):
        at = x(moment)
        parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{bottom + 4}"/>')
        parts.append(f'<text x="{at:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(label)}</text>')
    for run in plot.runs:
        parts += _run(plot, run, x, y)
    parts.append(
        f'<rect class="frame" x="{_LEFT}" y="{_TOP}" width="{WIDTH - _LEFT - _RIGHT}" height="{bottom - _TOP}"/></svg>'
    )
    return Markup("".join(parts))  # noqa: S704  (texts were escaped above)


def _run(plot: Plot, run: Sequence[Dot], x: Callable[[float], float], y: Callable[[float], float]) -> Iterator[str]:
    places = [(x(dot.middle), y(dot.value)) for dot in run]
    if any(dot.least != dot.most for dot in run):
        above = [f"{x(dot.middle):.1f},{y(dot.most):.1f}" for dot in run]
        below = [f"{x(dot.middle):.1f},{y(dot.least):.1f}" for dot in reversed(run)]
        if len(run) == 1:  # a band of no width would not be seen
            yield f'<polyline class="band-line" points="{above[0]} {below[0]}"/>'
        else:
            yield f'<polygon class="band" points="{" ".join(above + below)}"/>'
    if len(run) == 1:
        yield f'<circle class="dot" cx="{places[0][0]:.1f}" cy="{places[0][1]:.1f}" r="2.5"/>'
    else:
        drawn = list(_stairs(places)) if plot.steps else places
        yield f'<polyline class="line" points="{" ".join(f"{left:.1f},{top:.1f}" for left, top in drawn)}"/>'
    for dot, (left, top) in zip(run, places, strict=True):
        if dot.flags:
            yield f'<path class="flagged" d="M{left - 4:.1f} {top - 4:.1f}l8 8m0 -8l-8 8"/>'


def _stairs(places: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """It stays as it was until it is said to be otherwise."""
    yield places[0]
    for (_, before), (left, level) in pairwise(places):
        yield left, before
        yield left, level


def _scale(plot: Plot) -> tuple[float, float, list[float]]:
    """(lowest, highest, ticks) of the axis of values."""
    if plot.steps:
        top = 100.0 if plot.symbol else 1.0
        return -0.05 * top, 1.05 * top, [0.0, top]
    low = min((dot.least for dot in plot.dots), default=0.0)
    high = max((dot.most for dot in plot.dots), default=1.0)
    least = 10.0**-plot.decimals
    if high - low < least:
        middle = (low + high) / 2
        low, high = middle - 2 * least, middle + 2 * least
    step = _nice((high - low) / 4)
    first, last = math.floor(low / step), math.ceil(high / step)
    return first * step, last * step, [number * step for number in range(first, last + 1)]


def _nice(step: float) -> float:
    """The next of 1, 2, 5, 10, … times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * 0.999)


def _tick(tick: float, ticks: Sequence[float], plot: Plot, lang: str) -> str:
    if plot.steps:
        return written(tick, plot, lang)
    step = ticks[1] - ticks[0]
    return _number(tick, max(0, -math.floor(math.log10(step) + 1e-9)), lang) + (
        f" {plot.symbol}" if tick == ticks[-1] and len(plot.symbol) < 4 else ""
    )


def _number(value: float, decimals: int, lang: str) -> str:
    text = f"{round(value, decimals) + 0.0:,.{decimals}f}"
    return text.translate(str.maketrans(",.", ".,")) if lang == "de" else text


def time_ticks(plot: Plot, zone: ZoneInfo, lang: str) -> list[tuple[int, str]]:
    """Local hours, days or months: also on the days with 23 and 25 hours."""
    return list(_time_ticks(plot, zone, lang))


def _time_ticks(plot: Plot, zone: ZoneInfo, lang: str) -> Iterator[tuple[int, str]]:
    first = datetime.fromtimestamp(plot.begin / 1000, zone)
    if plot.span == "day":
        yield from _hours(plot, zone, lang)
    elif plot.span == "week":
        for after in range(8):
            day = first.date() + timedelta(days=after)
            moment = datetime(day.year, day.month, day.day, tzinfo=zone)
            at = int(moment.timestamp() * 1000)
            if at < plot.end:
                yield at, _day(day, lang)
    else:
        year, month = first.year, first.month
        while True:
            month += 1
            if month > 12:
                year, month = year + 1, 1
            at = int(datetime(year, month, 1, tzinfo=zone).timestamp() * 1000)
            if at >= plot.end:
                return
            yield at, _MONTHS[lang][month - 1] if month > 1 else str(year)


def _hours(plot: Plot, zone: ZoneInfo, lang: str) -> Iterator[tuple[int, str]]:
    """Of a local day each third hour; of a span that begins at another time or is longer, days by their name."""
    begin, end = (datetime.fromtimestamp(at / 1000, zone) for at in (plot.begin, plot.end))
    whole = (begin.hour, begin.minute) == (0, 0) and plot.end - plot.begin <= 25 * _HOUR_MS
    step = next((one for one in (3, 6, 12) if plot.end - plot.begin <= one * 9 * _HOUR_MS), 24)
    for after in range((end.date() - begin.date()).days + 1):
        day = begin.date() + timedelta(days=after)
        for hour in range(0, 24, step):
            at = int(datetime(day.year, day.month, day.day, hour, tzinfo=zone).timestamp() * 1000)
            if plot.begin <= at <= plot.end:
                clock = f"{24 if after and whole else hour:02}:00"
                yield at, _day(day, lang) if hour == 0 and not whole else clock


def _day(day: date, lang: str) -> str:
    name = _DAYS[lang][day.weekday()]
    return f"{name} {day.day}.{day.month}." if lang == "de" else f"{name} {day.day}/{day.month}"
