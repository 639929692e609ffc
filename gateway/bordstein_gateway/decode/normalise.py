"""From a board's payload to readings in the property table's units, with marks for what is not plausible. Pure.

    pack(device, payload, now)     Pack, or DecodeError with one sentence
    Plausibility().mark(pack, now) adds the mark that needs memory: STUCK

A board's ordinary pack takes the short way of boardpack.py; everything else the long way below, with the same result.
"""

from typing import NamedTuple

import msgspec

from ..boards.devices import device_name
from ..properties import Property, row_of
from ..texts import both
from . import boardpack, senml
from .boardpack import FUTURE_MS, LONGEST_SERIES
from .senml import DecodeError, Record
from .units import conversion, convert

__all__ = ["DecodeError", "Pack", "Plausibility", "Reading", "Value", "device_name", "flag_names", "pack", "reading"]

Value = int | float | str | bool | bytes

OUT_OF_RANGE = 1
STUCK = 2
CLOCK_UNSURE = 4
UNKNOWN_PROPERTY = 8
UNIT_MISMATCH = 16
WRONG_TYPE = 32

FLAGS = {
    OUT_OF_RANGE: "out_of_range",
    STUCK: "stuck",
    CLOCK_UNSURE: "clock_unsure",
    UNKNOWN_PROPERTY: "unknown_property",
    UNIT_MISMATCH: "unit_mismatch",
    WRONG_TYPE: "wrong_type",
}

IMPLAUSIBLE = OUT_OF_RANGE | UNIT_MISMATCH | WRONG_TYPE
"""Marks of what the property's sensor can't have measured: nothing for the public, where no mark can be shown."""
FAR_AHEAD_MS = 86_400_000
"""No clock that means today is further ahead than this."""
EARLIEST_MS = 1_577_836_800_000
"""2020: no clock that was set is before it."""
_LATEST_MS = 253_402_300_799_000  # the end of the year 9999
_LARGEST = 2**31 - 1
_LARGEST_STORED = 2**63 - 1


class Reading(NamedTuple):
    """One measured value. `time`: milliseconds UTC; `unit`: the table's unit for known properties; `flags`: a sum."""

    series: str
    time: int
    value: Value
    unit: str
    flags: int


class Pack(msgspec.Struct, gc=False):
    """What one payload said.

    `boot`, `seq`: the pack's number (seq None in health; both None from foreign senders). `relative`: times were given
    relative to the moment of receipt, so a second delivery has other times. `clock`: set, estimated or unset.
    """

    device: str
    boot: int | None
    seq: int | None
    relative: bool
    clock: str
    readings: list[Reading]


def flag_names(flags: int) -> list[str]:
    """The marks in a sum, by name."""
    return [name for flag, name in FLAGS.items() if flags & flag]


def far_ahead(time: int, received: float) -> bool:
    """Whether a time (ms) is nothing but a mistake for what came in at `received` (Unix seconds)."""
    return time > received * 1000 + FAR_AHEAD_MS


def pack(device: str, payload: bytes, now: float) -> Pack:
    """What a payload on `device`'s topic says, received at `now` (Unix seconds). DecodeError: one sentence why not."""
    short = boardpack.read(device, payload, now)
    if short is not None:
        boot, seq, rows = short
        # The short way takes nothing but plausible values of known properties in the table's unit: no mark.
        make = tuple.__new__
        return Pack(device, boot, seq, False, "set", [make(Reading, row) for row in rows])
    return _long_way(device, payload, now)


def _long_way(device: str, payload: bytes, now: float) -> Pack:
    prefix = device_name(device)
    numbers: dict[str, int] = {}
    clock = "set"
    measured: list[tuple[str, Record]] = []
    for number, record in enumerate(senml.read(payload), 1):
        if not record.n.startswith(prefix):
            name = record.n[:80]
            raise DecodeError(
                both(
                    f"Record {number}: n: {name} ist nicht vom Gerät {device}; dessen Namen beginnen mit {prefix}",
                    f"record {number}: n: {name} is not of device {device}; its names begin with {prefix}",
                )
            )
        series = record.n[len(prefix) :]
        if series in ("boot", "seq"):
            if series in numbers:
                raise DecodeError(
                    both(
                        f"Record {number}: {series} kommt ein zweites Mal vor",
                        f"record {number}: {series} appears a second time",
                    )
                )
            numbers[series] = _pack_number(number, series, record)
        elif series == "clock":
            clock = record.vs if record.vs in ("set", "estimated") else "unset"
        elif not series or len(series) > LONGEST_SERIES:
            raise DecodeError(
                both(
                    f"Record {number}: n: der Name einer Reihe hat 1 bis {LONGEST_SERIES} Zeichen",
                    f"record {number}: n: a series' name has 1 to {LONGEST_SERIES} characters",
                )
            )
        else:
            measured.append((series, record))
    relative = any(record.t < senml.RELATIVE_BELOW for _, record in measured)
    if relative:
        clock = "unset"
    readings: list[Reading] = []
    for series, record in measured:
        time = _milliseconds(series, record.t, now)
        sure = clock == "set" and EARLIEST_MS <= time <= now * 1000 + FUTURE_MS
        readings += _readings(series, time, record, 0 if sure else CLOCK_UNSURE)
    return Pack(device, numbers.get("boot"), numbers.get("seq"), relative, clock, readings)


def _pack_number(number: int, series: str, record: Record) -> int:
    least = 1 if series == "boot" else 0
    value = record.v
    if value is None or value != int(value) or not least <= value <= _LARGEST:
        raise DecodeError(
            both(
                f"Record {number}: {series} muss eine ganze Zahl von {least} bis {_LARGEST} sein",
                f"record {number}: {series} has to be a whole number from {least} to {_LARGEST}",
            )
        )
    return int(value)


def _milliseconds(series: str, seconds: float, now: float) -> int:
    if seconds < senml.RELATIVE_BELOW:
        seconds = senml.add(seconds, round(now, 3))
    if not 0 <= seconds <= _LATEST_MS / 1000:
        raise DecodeError(
            both(
                f"{series}: t: die Zeit liegt nicht in den Jahren 1970 bis 9999",
                f"{series}: t: the time is not in the years 1970 to 9999",
            )
        )
    return seconds * 1000 if type(seconds) is int else round(seconds * 1000)


def _readings(series: str, time: int, record: Record, flags: int) -> list[Reading]:
    """The reading of a record, and one more (series/sum, unit times seconds) when the record has a sum."""
    readings = []
    value = _value(record)
    if value is not None:
        readings.append(reading(series, time, value, record.u, flags))
    if record.s is not None:
        unit = "s" if record.u is None else f"{record.u}.s"
        readings.append(Reading(f"{series}/sum", time, record.s, unit, flags | UNKNOWN_PROPERTY))
    return readings


def _value(record: Record) -> Value | None:
    for value in (record.v, record.vb, record.vs, record.vd):
        if value is not None:
            return value
    return None


def reading(series: str, time: int, value: Value, unit: str | None, flags: int) -> Reading:
    """A reading in the table's unit, with its marks added to `flags`. `unit` None: it is the table's. DecodeError."""
    row = row_of(series)
    if row is None:
        return Reading(series, time, value, unit or "", flags | UNKNOWN_PROPERTY)
    if row.kind == "boolean":
        if value in (0, 1):
            return Reading(series, time, bool(value), row.unit, flags)
        return Reading(series, time, value, unit or row.unit, flags | WRONG_TYPE)
    if isinstance(value, bool | str | bytes):
        return Reading(series, time, value, unit or row.unit, flags | WRONG_TYPE)
    if unit is not None and unit != row.unit:
        known = conversion(unit, row.unit)
        if known is None:
            return Reading(series, time, value, unit, flags | UNIT_MISMATCH)
        try:
            value = convert(value, *known, row.decimals + 2)
        except OverflowError:
            raise DecodeError(
                both(f"{series}: v: zu groß in {row.unit}", f"{series}: v: too large in {row.unit}")
            ) from None
    return Reading(series, time, *_in_range(row, value, flags))


def _in_range(row: Property, value: int | float, flags: int) -> tuple[int | float, str, int]:
    if row.kind == "count":
        if value == int(value):
            value = int(value)
        else:
            flags |= WRONG_TYPE
    if not -_LARGEST_STORED <= value <= _LARGEST_STORED:
        value = float(value)  # databases hold whole numbers of 64 bits
    if not row.min <= value <= row.max:
        flags |= OUT_OF_RANGE
    return value, row.unit, flags


class Plausibility:
    """Marks values that stay the same for longer than a working sensor's do. Memory: one entry a watched series.

    It sees readings in the order of arrival; what is older than the last one seen is not judged, nor what claims to be
    from the future. After a restart it counts anew.
    """

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, tuple[int, Value, int]]] = {}  # device -> series -> time, value, run

    def mark(self, pack: Pack, now: float) -> None:
        """Adds STUCK to the readings of a pack received at `now` (Unix seconds) where it is due."""
        for place, reading in enumerate(pack.readings):
            limit = boardpack.stuck_after(reading.series)
            if not limit:
                continue
            device = self._seen.setdefault(pack.device, {})
            time, value, run = device.get(reading.series, (-1, None, 0))
            if reading.time < time or (reading.flags & CLOCK_UNSURE and far_ahead(reading.time, now)):
                continue
            if reading.time > time:
                run = run + 1 if reading.value == value else 1
                device[reading.series] = (reading.time, reading.value, run)
            if run >= limit:
                pack.readings[place] = reading._replace(flags=reading.flags | STUCK)
