"""How each station stands: what the map, the list of devices and a station's page say of it. A few queries for all."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from ...boards.stations import Station
from ...decode.normalise import CLOCK_UNSURE, IMPLAUSIBLE, STUCK, flag_names
from ...status import ServiceState
from ...store.types import BoardConfig, Device, Latest
from ...texts import Sentence, both
from ..pagetexts import TEXTS

Kind = Literal["case", "silent", "warning", "ok", "off"]
KINDS: dict[Kind, Sentence] = {
    "case": both("offener Vorgang", "open case"),
    "silent": both("meldet sich nicht", "not reporting"),
    "warning": both("Hinweis", "warning"),
    "ok": both("in Ordnung", "in order"),
    "off": both("außer Betrieb", "decommissioned"),
}
"""The most urgent first."""
HEALTH = "health/"
LOW_BATTERY = 20
"""Per cent."""
_MARKS = IMPLAUSIBLE | STUCK | CLOCK_UNSURE


class Stand(NamedTuple):
    """One station. `cases`: open ones of its own. `seen`: ms, None: never. `values`: newest of what it measures;
    `health`: of itself, by series without health/."""

    device: str
    station: Station
    kind: Kind
    reasons: Sequence[Sentence]
    cases: int
    seen: int | None
    board: Device | None
    config: BoardConfig | None
    values: Sequence[Latest]
    health: Mapping[str, Latest]

    @property
    def name(self) -> str:
        """As the town calls it, else the device's id."""
        return self.station.name or self.device


def stands(state: ServiceState, cases: Mapping[str, int] | None = None) -> list[Stand]:
    """Of every device that was heard or is entered, by name. `cases`: open ones by object, see rules/verdict.py."""
    store = state.store
    latest: dict[str, list[Latest]] = {}
    for value in store.latest():
        latest.setdefault(value.device, []).append(value)
    stations = state.stations.all()
    boards = {board.device: board for board in store.devices()}
    configs = store.configs()
    open_cases = by_device(cases or {})
    found = [
        stand(
            stations.get(device) or Station(device),
            boards.get(device),
            configs.get(device),
            latest.get(device, []),
            open_cases.get(device, 0),
        )
        for device in stations.keys() | boards.keys()
    ]
    return sorted(found, key=lambda one: (one.name.casefold(), one.device))


def by_device(cases: Mapping[str, int]) -> dict[str, int]:
    """Open cases by device: an object is a device, or one of its series; what a whole group has is shown with it."""
    found: dict[str, int] = {}
    for name, count in cases.items():
        device = name.partition("/")[0]
        found[device] = found.get(device, 0) + count
    return found


def stand(
    station: Station, board: Device | None, config: BoardConfig | None, latest: Iterable[Latest], cases: int
) -> Stand:
    """Of one."""
    values = []
    health = {}
    for value in latest:
        if value.series.startswith(HEALTH):
            health[value.series.removeprefix(HEALTH)] = value
        else:
            values.append(value)
    seen = (board.last_seen or None) if board is not None else None
    silent = _silent(board)
    warnings = list(_warnings(board, config, values, health))
    kind: Kind
    if station.decommissioned:
        kind, reasons = "off", []
    elif cases:
        kind, reasons = "case", [*([silent] if silent else []), *warnings]
    elif silent:
        kind, reasons = "silent", [silent, *warnings]
    else:
        kind, reasons = ("warning" if warnings else "ok"), warnings
    return Stand(station.device, station, kind, reasons, cases, seen, board, config, values, health)


def _silent(board: Device | None) -> Sentence | None:
    if board is None:
        return _word("silent")
    if board.overdue:
        return both("sollte sich schon gemeldet haben", "should have reported by now")
    if board.state in ("lost", "disconnected"):
        return _word(board.state)
    return None if board.present else _word("away")


def _warnings(
    board: Device | None, config: BoardConfig | None, values: Sequence[Latest], health: Mapping[str, Latest]
) -> Iterable[Sentence]:
    if board is not None and board.state == "alert":
        yield both("das Gerät meldet eine Störung", "the device reports a fault")
    flags = 0
    for value in values:
        flags |= value.flags & _MARKS
    if flags:
        german = ", ".join(TEXTS["de"].get(name, name) for name in flag_names(flags))
        english = ", ".join(TEXTS["en"].get(name, name) for name in flag_names(flags))
        yield both(f"Messwert: {german}", f"reading: {english}")
    battery = health.get("battery_level")
    if battery is not None and isinstance(battery.value, int | float) and battery.value < LOW_BATTERY:
        yield both("Batterie schwach", "battery low")
    if config is not None and config.ok is False:
        yield both("die Konfiguration wurde abgelehnt", "the configuration was refused")


def _word(name: str) -> Sentence:
    return both(TEXTS["de"][name], TEXTS["en"][name])


class Choice(NamedTuple):
    """Which stations; what is empty chooses nothing out."""

    kind: str = ""
    group: str = ""
    property: str = ""
    text: str = ""

    def fits(self, one: Stand) -> bool:
        """Whether it is one of them."""
        if self.kind and one.kind != self.kind:
            return False
        if self.group and self.group not in one.station.groups:
            return False
        if self.property and all(value.property != self.property for value in one.values):
            return False
        place = one.station
        words = (one.device, place.name, place.description, place.asset, place.site)
        return not self.text or self.text.casefold() in " ".join(word for word in words if word).casefold()


_ORDERS = {
    "name": lambda one: (one.name.casefold(), one.device),
    "state": lambda one: (list(KINDS).index(one.kind), one.name.casefold()),
    "seen": lambda one: (one.seen or 0, one.name.casefold()),
    "cases": lambda one: (one.cases, one.name.casefold()),
}
ORDERS = tuple(_ORDERS)


def ordered(some: Iterable[Stand], order: str) -> list[Stand]:
    """By one of ORDERS; with - before it the other way round."""
    key = _ORDERS.get(order.removeprefix("-"), _ORDERS["name"])
    return sorted(some, key=key, reverse=order.startswith("-"))
