"""Was anything lost, doubled, changed or made up? Pure: what the boards took against what arrived where.

A reading is (device, series, time in milliseconds UTC) with a value. A board's flight recorder says of each reading
whether it was written to flash for good (`taken`) or whether the power was cut right there (`unsure`): the second
counts only if it arrived, because then it was in flash after all.

A reading from before its board knew the time gets its time later, from the board or from the gateway. pin() finds it in
the store: same value, at the time when it was really taken or at the time that the board believed it was.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.street.recorder import Taken

Key = tuple[str, str, int]
Value = float | bool | str | None


NEAR_MS = 15_000  # how far a time may be off that was put right afterwards


@dataclass
class Place:
    """What was found wrong at one place: the gateway's store or a receiving server."""

    name: str
    arrived: int = 0
    lost: list[Key] = field(default_factory=list)
    doubled: list[Key] = field(default_factory=list)
    changed: list[tuple[Key, Value, Value]] = field(default_factory=list)
    invented: list[Key] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        return not (self.lost or self.doubled or self.changed or self.invented)


def same(one: Value, other: Value) -> bool:
    """Equal values; a number may have gone through decimal text, a boolean is not a number."""
    if isinstance(one, bool) or isinstance(other, bool) or not isinstance(one, int | float):
        return one is other or (type(one) is type(other) and one == other)
    return isinstance(other, int | float) and abs(one - other) <= 1e-9 * max(abs(one), abs(other))


def examine(
    name: str, taken: Mapping[Key, Value], unsure: Mapping[Key, Value], arrived: Iterable[tuple[Key, Value]]
) -> Place:
    """Compare one place's readings, as often as they lie there, with the boards' own record."""
    place = Place(name)
    seen: Counter[Key] = Counter()
    for key, value in arrived:
        seen[key] += 1
        if seen[key] == 2:
            place.doubled.append(key)
        wanted = taken.get(key, unsure.get(key))
        if key not in taken and key not in unsure:
            if seen[key] == 1:
                place.invented.append(key)
        elif not same(wanted, value):
            place.changed.append((key, wanted, value))
    place.arrived = len(seen)
    place.lost = [key for key in taken if key not in seen]
    return place


def describe(place: Place, most: int = 10) -> list[str]:
    """Sentences for a person, at most so many of each kind."""
    lines = []
    for what, keys in (("missing", place.lost), ("twice", place.doubled), ("never taken by a board", place.invented)):
        lines += [f"{place.name}: {what}: {' '.join(map(str, key))}" for key in sorted(keys)[:most]]
        if len(keys) > most:
            lines.append(f"{place.name}: {what}: and {len(keys) - most} more")
    for key, wanted, got in place.changed[:most]:
        lines.append(f"{place.name}: {' '.join(map(str, key))} is {got}, the board took {wanted}")
    return lines


def pin(
    readings: Iterable[Taken], stored: Mapping[Key, Value], near_ms: int = NEAR_MS
) -> tuple[dict[Key, Value], dict[Key, Value]]:
    """(taken, unsure) of all boards, each reading with the time under which it has to be found."""
    taken: dict[Key, Value] = {}
    unsure: dict[Key, Value] = {}
    floating: list[Taken] = []
    for reading in readings:
        if reading.exact:
            (taken if reading.sure else unsure)[reading[:3]] = reading.value
        else:
            floating.append(reading)
    free: dict[tuple[str, str], list[int]] = defaultdict(list)
    for device, series, time in stored:
        if (device, series, time) not in taken and (device, series, time) not in unsure:
            free[device, series].append(time)
    # An estimate is unmistakable; another reading's true time may be near. So estimates are given away first.
    for reading in sorted(
        floating,
        key=lambda reading: (reading.estimate not in free[reading[:2]], not reading.sure, reading.time),
    ):
        device, series, about = reading[:3]
        times = [
            time
            for time in free[device, series]
            if (time == reading.estimate or abs(time - about) <= near_ms)
            and same(stored[device, series, time], reading.value)
        ]
        exact = [time for time in times if time == reading.estimate]
        time = min(exact or times, key=lambda time: abs(time - about), default=about)
        if times:
            free[device, series].remove(time)
        (taken if reading.sure else unsure)[device, series, time] = reading.value
    return taken, unsure
