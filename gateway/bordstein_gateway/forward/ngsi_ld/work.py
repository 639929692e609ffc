"""What has to be said of which entity for a batch of readings: the newest of each attribute. Pure."""

from collections.abc import Iterable
from typing import Any

from ...feeds.parking import PROPERTY, Lot
from ...store.types import StoredReading
from ...texts import both
from . import sites
from .bodies import Seen, body
from .marks import Mark, Marks
from .places import Key, Places, Unfit

SILENT_MS = 86_400_000
"""A series that was not heard for so long gives its attribute up to another one: sensors get other names."""


class Draft:
    """One entity in the making. `ids`: the readings that it stands for."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.seen: dict[str, Seen] = {}
        self.series: dict[str, str] = {}
        self.ids: dict[str, list[int]] = {}

    def add(self, name: str, seen: Seen, series: str, id: int) -> None:
        """Of two values the newer counts; of the same time the later one."""
        if name not in self.seen or self.seen[name].time <= seen.time:
            self.seen[name] = seen
        self.series[name] = series
        self.ids.setdefault(name, []).append(id)

    def body(self, places: Places, marks: Marks) -> dict[str, Any]:
        """As it is sent; its time never goes back. Incomplete."""
        known = [mark.time for mark in marks.of(self.key.id).values()]
        return body(self.key, self.seen, max([*known, *(one.time for one in self.seen.values())]), places)

    def marks(self) -> dict[str, Mark]:
        """What is known of the broker once it has taken this; a site's is always made anew."""
        return {name: Mark(seen.time, self.series[name]) for name, seen in self.seen.items() if self.key.device}

    def parts(self) -> list["Draft"]:
        """Each attribute by itself; a site is one thing."""
        if not self.key.device:
            return [self]
        made = []
        for name, seen in self.seen.items():
            part = Draft(self.key)
            part.seen, part.series, part.ids = {name: seen}, {name: self.series[name]}, {name: self.ids[name]}
            made.append(part)
        return made


class Work:
    """Of one batch. `refused`: reading id and reason. `sites`: uid, and the readings of its bays."""

    def __init__(self, places: Places, marks: Marks) -> None:
        self._places = places
        self._marks = marks
        self.drafts: dict[str, Draft] = {}
        self.refused: dict[int, str] = {}
        self.sites: dict[str, list[int]] = {}

    def add(self, reading: StoredReading) -> None:
        """To its entities, unless the broker has something newer."""
        try:
            placed = self._places.of(reading)
        except Unfit as why:
            self.refused[reading.id] = why.args[0]
            return
        for key, name, value in placed:
            mark = self._marks.of(key.id).get(name)
            draft = self.drafts.get(key.id)
            owner = mark.series if mark else draft.series.get(name) if draft else None
            if mark is not None and reading.time - mark.time > SILENT_MS:
                owner = draft.series.get(name) if draft else None
            if owner not in (None, reading.series):
                self.refused[reading.id] = _two_sensors(key, name, owner or "", reading)
            elif mark is None or reading.time >= mark.time:
                draft = self.drafts.setdefault(key.id, Draft(key))
                draft.add(name, Seen(value, reading.time), reading.series, reading.id)
        site, _ = self._places.bay_of(reading.device, reading.series) if reading.property == PROPERTY else (None, None)
        if site is not None:
            self.sites.setdefault(site.uid, []).append(reading.id)

    def add_sites(self, lots: Iterable[Lot]) -> None:
        """The parking sites that a bay of this batch belongs to."""
        for lot in lots:
            if lot.site.uid in self.sites:
                draft = Draft(self._places.site_key(lot.site))
                draft.seen = sites.seen(lot)
                draft.ids = {"": self.sites[lot.site.uid]}
                if draft.seen:
                    self.drafts[draft.key.id] = draft

    def refuse(self, draft: Draft, reason: str) -> None:
        """All readings that it stands for."""
        for ids in draft.ids.values():
            self.refused.update(dict.fromkeys(ids, reason))


def _two_sensors(key: Key, name: str, owner: str, reading: StoredReading) -> str:
    other = reading.series.rpartition("/")[0]
    return both(
        f"{key.id} hat {name} schon von {owner}; {reading.series} braucht ein entity vom Typ {key.type} "
        f'mit sensor = "{other}"',
        f"{key.id} has {name} from {owner} already; {reading.series} needs an entity of type {key.type} with "
        f'sensor = "{other}"',
    )
