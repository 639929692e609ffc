"""Signals: numbers (or yes/no) out of readings.

A Source is what a sheet's signal needs of the readings of one object; a Spec says what to keep of them and what to make
of it. What a source does not take is no evidence: a reading that is marked, of the wrong kind, or not newer than the
newest of its series.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from statistics import median
from typing import Any, NamedTuple

from ..config.durations import seconds
from ..properties import TABLE
from .sheet import Signal

HOUR = 3_600_000
_MOST = 10_000
_NEVER = -(2**62)


class Reading(NamedTuple):
    """A reading as rules see it. `time`, `received`: ms UTC; `id`: rises in the order of arrival; `flags`: a sum of
    marks, see decode/normalise.py."""

    device: str
    series: str
    property: str
    time: int
    value: Any
    flags: int
    received: int
    id: int


class Source:
    """What is kept of one signal's readings. `others`: newest times by series, where there are several. `times` and
    `values`: of the readings that are gathered, in order of time; numbers side by side take a tenth of tuples' room."""

    __slots__ = ("boot", "others", "series", "time", "times", "unproved", "value", "values")

    def __init__(self) -> None:
        self.time = _NEVER
        self.value: float | bool = 0.0
        self.series = ""
        self.others: dict[str, int] | None = None
        self.times: array[int] | None = None
        self.values: array[float] | None = None
        self.boot: int | None = None
        self.unproved: int | None = None
        """Since the board's last start no reading after this id was seen."""

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        if self.time == _NEVER:
            return {}
        kept: dict[str, Any] = {"t": self.time, "v": self.value, "s": self.series}
        if self.others:
            kept["o"] = self.others
        if self.times is not None and self.values is not None:
            kept["i"] = [self.times.tolist(), self.values.tolist()]
        if self.boot is not None:
            kept["b"] = self.boot
        if self.unproved is not None:
            kept["u"] = self.unproved
        return kept

    def load(self, kept: dict[str, Any]) -> None:
        """What dump() gave."""
        if not kept:
            return
        self.time, self.value, self.series = kept["t"], kept["v"], kept["s"]
        self.others = kept.get("o")
        if "i" in kept:
            self.times, self.values = array("q", kept["i"][0]), array("d", kept["i"][1])
        self.boot, self.unproved = kept.get("b"), kept.get("u")


class Spec:
    """One [signal.…], ready to use."""

    __slots__ = ("boolean", "full_name", "key", "last", "max_age", "over", "property", "signal", "take")

    def __init__(self, key: str, signal: Signal) -> None:
        self.key = key
        self.signal = signal
        self.take = signal.take
        self.property = signal.property or ""
        self.full_name = signal.series
        self.boolean = signal.take != "silence" and TABLE[self.property].kind == "boolean"
        self.last = signal.last
        self.over = seconds(signal.over) * 1000 if signal.over else 0
        self.max_age = seconds(signal.max_age) * 1000

    def takes(self, reading: Reading) -> bool:
        """Whether it is evidence by itself."""
        value = reading.value
        return (
            not reading.flags
            and isinstance(value, int | float)
            and isinstance(value, bool) == self.boolean
            and (self.full_name is None or self.full_name == reading.series)
        )

    def keep(self, source: Source, reading: Reading) -> bool:
        """Whether it is evidence, which is kept then."""
        time, series = reading.time, reading.series
        if not self._newest(source, series, time):
            return False
        value = reading.value if self.boolean else float(reading.value)
        if self.take != "last":
            self._gather(source, time, float(value))
        if time >= source.time:
            source.time, source.value = time, value
        return True

    def _newest(self, source: Source, series: str, time: int) -> bool:
        if source.others is None:
            if not source.series or source.series == series:
                source.series = series
                return time > source.time
            source.others = {source.series: source.time}
        if time <= source.others.get(series, _NEVER):
            return False
        source.others[series] = time
        return True

    def _gather(self, source: Source, time: int, value: float) -> None:
        times, values = source.times, source.values
        if times is None or values is None:
            times, values = source.times, source.values = array("q"), array("d")
        if self.last and times and time - times[-1] > self.max_age:
            del times[:], values[:]  # after a gap the readings in a row begin anew
        place = len(times)
        if times and time < times[-1]:  # another series of the board
            place = bisect_right(times, time)
        times.insert(place, time)
        values.insert(place, value)
        old = len(times) - (self.last or _MOST)
        if self.over:
            old = max(old, bisect_left(times, times[-1] - self.over))
        if old > 0:
            del times[:old], values[:old]

    def value(self, source: Source | None, at: int, now: int) -> float | bool | None:
        """The signal as of `at`; None, unknown: there is too little, or at `now` it is too old."""
        if source is None or now - source.time > self.max_age:
            return None
        if self.take == "last":
            return source.value
        if source.times is None or source.values is None:
            return None
        return self._of(source.times, source.values, at)

    def _of(self, times: "array[int]", values: "array[float]", at: int) -> float | None:
        if self.take in ("rate", "change"):
            return self._course(times, values, bisect_left(times, at - self.over) if self.over else 0)
        if self.last:
            return None if len(values) < self.last else _summary(self.take, values)
        return _summary(self.take, values[bisect_right(times, at - self.over) :])

    def _course(self, times: "array[int]", values: "array[float]", first: int) -> float | None:
        """Between readings that are at least half the time apart."""
        if len(times) - first < (self.last or 2):
            return None
        length = times[-1] - times[first]
        if length <= 0 or length * 2 < self.over:
            return None
        return values[-1] - values[first] if self.take == "change" else _slope(times[first:], values[first:])


def _summary(take: str, values: Sequence[float]) -> float | None:
    if take == "count":
        return float(len(values))
    if not values:
        return None
    if take == "mean":
        return sum(values) / len(values)
    if take == "median":
        return float(median(values))
    if take == "sum":
        return sum(values)
    return min(values) if take == "min" else max(values)


def _slope(times: Sequence[int], values: Sequence[float]) -> float:
    """Of the line through them by least squares, per hour."""
    hours = [(time - times[0]) / HOUR for time in times]
    middle = sum(hours) / len(hours)
    mean = sum(values) / len(values)
    above = sum((hour - middle) * (value - mean) for hour, value in zip(hours, values, strict=True))
    return above / sum((hour - middle) ** 2 for hour in hours)
