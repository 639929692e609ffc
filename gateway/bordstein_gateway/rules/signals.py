"""Signals: numbers (or yes/no) out of readings.

A Source is what a sheet's signal needs of the readings of one object; a Spec says what to keep of them and what to make
of it. What a source does not take is no evidence: a reading that is marked, of the wrong kind, or not newer than the
newest of its series.
"""

from bisect import insort
from collections import deque
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
    """What is kept of one signal's readings. `others`: newest times by series, where there are several."""

    __slots__ = ("boot", "items", "others", "series", "time", "unproved", "value")

    def __init__(self) -> None:
        self.time = _NEVER
        self.value: float | bool = 0.0
        self.series = ""
        self.others: dict[str, int] | None = None
        self.items: deque[tuple[int, float]] | None = None
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
        if self.items is not None:
            kept["i"] = [list(item) for item in self.items]
        if self.boot is not None:
            kept["b"] = self.boot
        if self.unproved is not None:
            kept["u"] = self.unproved
        return kept

    def load(self, kept: dict[str, Any], spec: "Spec") -> None:
        """What dump() gave."""
        if not kept:
            return
        self.time, self.value, self.series = kept["t"], kept["v"], kept["s"]
        self.others = kept.get("o")
        if "i" in kept:
            self.items = spec.room()
            self.items.extend((time, value) for time, value in kept["i"])
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

    def room(self) -> "deque[tuple[int, float]]":
        """Where readings are gathered."""
        return deque(maxlen=self.last or _MOST)

    def _gather(self, source: Source, time: int, value: float) -> None:
        items = source.items
        if items is None:
            items = source.items = self.room()
        if self.last and items and time - items[-1][0] > self.max_age:
            items.clear()  # after a gap the readings in a row begin anew
        if items and time < items[-1][0]:  # another series of the board
            ordered = list(items)
            insort(ordered, (time, value))
            items.clear()
            items.extend(ordered)
        else:
            items.append((time, value))
        if self.over:
            first = items[-1][0] - self.over
            while items[0][0] < first:
                items.popleft()

    def value(self, source: Source | None, at: int, now: int) -> float | bool | None:
        """The signal as of `at`; None, unknown: there is too little, or at `now` it is too old."""
        if source is None or now - source.time > self.max_age:
            return None
        if self.take == "last":
            return source.value
        assert source.items is not None  # noqa: S101  # keep() gathers for every other take
        return self._of(source.items, at)

    def _of(self, items: Sequence[tuple[int, float]], at: int) -> float | None:
        if self.take in ("rate", "change"):
            return self._course([item for item in items if item[0] >= at - self.over] if self.over else list(items))
        if self.last:
            if len(items) < self.last:
                return None
            values = [value for _, value in items]
        else:
            values = [value for time, value in items if time > at - self.over]
        return _summary(self.take, values)

    def _course(self, items: list[tuple[int, float]]) -> float | None:
        """Between readings that are at least half the time apart."""
        if len(items) < (self.last or 2):
            return None
        length = items[-1][0] - items[0][0]
        if length <= 0 or length * 2 < self.over:
            return None
        return items[-1][1] - items[0][1] if self.take == "change" else _slope(items)


def _summary(take: str, values: list[float]) -> float | None:
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


def _slope(items: list[tuple[int, float]]) -> float:
    """Of the line through them by least squares, per hour."""
    first = items[0][0]
    hours = [(time - first) / HOUR for time, _ in items]
    middle = sum(hours) / len(hours)
    mean = sum(value for _, value in items) / len(items)
    above = sum((hour - middle) * (value - mean) for hour, (_, value) in zip(hours, items, strict=True))
    return above / sum((hour - middle) ** 2 for hour in hours)
