"""The short way for a board's ordinary pack: typed decoding, no generic SenML machinery. Pure.

It takes only what the long way (senml.py, normalise.py) would turn into the same readings without any mark, and
answers None for everything else: other labels, other units, implausible values, relative times, mistakes.
"""

import msgspec

from ..boards.devices import device_name
from ..properties import row_of

FUTURE_MS = 300_000
"""A time further than this ahead of the gateway's clock is not believed."""
LONGEST_SERIES = 200
"""Characters of a series' name."""

_EARLIEST = 1_577_836_800  # 2020
_LARGEST = 2**31 - 1
_KEPT_NAMES = 4096


class _Record(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    n: str
    v: int | float | None = None
    u: str | None = None
    t: int | None = None
    vb: bool | None = None
    bn: str | None = None
    bt: int | None = None


class _Series(msgspec.Struct, gc=False, frozen=True):
    unit: str
    kind: str
    min: float
    max: float
    stuck_after: int


_decode = msgspec.json.Decoder(list[_Record]).decode
_prefixes: dict[str, str] = {}
_series: dict[str, _Series | None] = {}
_UNKNOWN = _Series("", "", 0.0, 0.0, 0)


def _prefix(device: str) -> str:
    if len(_prefixes) > _KEPT_NAMES:
        _prefixes.clear()
    return _prefixes.setdefault(device, device_name(device))


def _known(series: str) -> _Series:
    """The series' row in the property table, kept by name; hostile names can't make it grow without end."""
    row = row_of(series)
    if row is None or "/" not in series or len(series) > LONGEST_SERIES or not series.replace("/", "_").isidentifier():
        return _UNKNOWN
    if len(_series) > _KEPT_NAMES:
        _series.clear()
    known = _Series(row.unit, row.kind, row.min, row.max, row.stuck_after)
    _series[series] = known
    return known


def stuck_after(series: str) -> int:
    """How many identical values in a row are too many for this series; 0: any number is fine."""
    known = _series.get(series) or _known(series)
    return known.stuck_after


def read(
    device: str, payload: bytes, now: float
) -> tuple[int, int | None, list[tuple[str, int, int | float | bool, str, int]]] | None:
    """(boot, seq, rows of series, milliseconds, value, unit, 0) of an ordinary pack; None: take the long way."""
    try:
        records = _decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not records:
        return None
    first = records[0]
    base = first.bt
    if first.bn != (_prefixes.get(device) or _prefix(device)) or base is None:
        return None
    boot = seq = None
    rows: list[tuple[str, int, int | float | bool, str, int]] = []
    latest = now + FUTURE_MS // 1000
    labels = 2 * len(records) + 2
    known = _series.get
    for record in records:
        name, value, unit, offset = record.n, record.v, record.u, record.t
        series = known(name)
        if series is None:
            if name == "boot" and boot is None and type(value) is int and 0 < value <= _LARGEST:
                boot = value
                continue
            if name == "seq" and seq is None and type(value) is int and 0 <= value <= _LARGEST:
                seq = value
                continue
            series = _known(name)
        if unit is not None:
            labels += 1
            if unit != series.unit:
                return None
        if offset is None:
            time = base
        else:
            labels += 1
            time = base + offset
        if not _EARLIEST <= time <= latest:
            return None
        if value is None:
            if series.kind != "boolean" or record.vb is None:
                return None
            rows.append((name, time * 1000, record.vb, series.unit, 0))
        else:
            if not series.min <= value <= series.max:
                return None
            if series.kind != "number" and (series.kind != "count" or type(value) is float):
                return None
            rows.append((name, time * 1000, value, series.unit, 0))
    # Each label once and none where it does not belong: a quote and a colon side by side end a label and nothing else.
    if boot is None or payload.count(b'":') != labels:
        return None
    return boot, seq, rows
