"""Readings that are not an object's own: of another board that a sheet names, of the nearest one, or of the board that
several objects are part of."""

from typing import Any

from .geo import nearest
from .plan import Plan
from .signals import HOUR, Reading, Source, Spec
from .world import World

_HOLDS = HOUR
PREFIX = "signal:"


class Foreign:
    """What is kept of them, by board and signal."""

    def __init__(self, plan: Plan, world: World) -> None:
        self._specs = plan.specs
        self._world = world
        self._sources: dict[tuple[str, int], Source] = {}
        self._providers: dict[int, list[str]] = {}
        self._near: dict[tuple[str, int], tuple[int, int, str | None]] = {}

    def keep(self, place: int, reading: Reading) -> str | None:
        """The name of what has changed; None: the reading is no evidence."""
        spec, key = self._specs[place], (reading.device, place)
        source = self._sources.get(key) or Source()
        if not spec.keep(source, reading):
            return None
        self._enter(key, source)
        return f"{PREFIX}{reading.device}/{place}"

    def source(self, device: str, place: int, spec: Spec, at: int) -> Source | None:
        """What a board's objects look at."""
        if not self._sources:
            return None
        signal = spec.signal
        named = signal.device or (self._nearest(device, place, spec, at) if signal.nearest else device)
        return self._sources.get((named, place)) if named else None

    def dump(self, name: str) -> dict[str, Any] | None:
        """As JSON."""
        source = self._sources.get(_key(name))
        return source.dump() if source else None

    def load(self, name: str, kept: dict[str, Any]) -> None:
        """What dump() gave."""
        device, place = _key(name)
        if place < len(self._specs):
            source = Source()
            source.load(kept)
            self._enter((device, place), source)

    def _enter(self, key: tuple[str, int], source: Source) -> None:
        if key not in self._sources and self._specs[key[1]].signal.nearest:
            self._providers.setdefault(key[1], []).append(key[0])
        self._sources[key] = source

    def _nearest(self, device: str, place: int, spec: Spec, at: int) -> str | None:
        """Looked for again when another board turns up, and each hour."""
        providers = self._providers.get(place, [])
        count, until, found = self._near.get((device, place), (-1, 0, None))
        if count != len(providers) or at >= until:
            found = nearest(device, providers, self._world.position, spec.signal.within)
            self._near[device, place] = (len(providers), at + _HOLDS, found)
        return found


def _key(name: str) -> tuple[str, int]:
    device, _, place = name.removeprefix(PREFIX).rpartition("/")
    return device, int(place)
