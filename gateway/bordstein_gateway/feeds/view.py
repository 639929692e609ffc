"""What one request may see: series and boards, by [publish] and by whether it has a login."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from ..boards.stations import Station, Stations
from ..config.config import Config
from ..store import Store
from ..store.types import Latest
from ..web.publishing import Licence, Publishing


class Wanted(NamedTuple):
    """A choice of series; what is empty chooses nothing out. `licence`: its name. `bbox`: west, south, east, north."""

    devices: Collection[str] = ()
    series: Collection[str] = ()
    properties: Collection[str] = ()
    licence: str | None = None
    bbox: tuple[float, float, float, float] | None = None


ALL = Wanted()


class View:
    """Asked anew with each request. `full`: it has a login."""

    def __init__(self, config: Config, store: Store, stations: Stations, publishing: Publishing, *, full: bool) -> None:
        self.config = config
        self.store = store
        self.stations = stations.all()
        self.full = full
        self._publishing = publishing

    def may_see(self, device: str, series: str) -> bool:
        """Whether this request may."""
        return self.full or self._publishing.public(device, series)

    def licence(self, device: str, series: str) -> Licence | None:
        """Under which others may use a series; None: it is not public."""
        return self._publishing.licence(device, series) if self._publishing.public(device, series) else None

    def station(self, device: str) -> Station:
        """What is known of a board's place."""
        return self.stations.get(device) or Station(device)

    def latest(self, wanted: Wanted = ALL) -> Iterator[Latest]:
        """The newest value of each series that is wanted, by device and series."""
        for value in self.store.latest():
            if self.may_see(value.device, value.series) and self._is_wanted(value, wanted):
                yield value

    def _is_wanted(self, value: Latest, wanted: Wanted) -> bool:
        if wanted.devices and value.device not in wanted.devices:
            return False
        if wanted.series and value.series not in wanted.series:
            return False
        if wanted.properties and value.property not in wanted.properties:
            return False
        if wanted.licence is not None:
            licence = self.licence(value.device, value.series)
            if licence is None or wanted.licence not in (licence.name, licence.uri):
                return False
        return wanted.bbox is None or _is_inside(self.station(value.device), wanted.bbox)


def _is_inside(station: Station, bbox: tuple[float, float, float, float]) -> bool:
    if station.latitude is None or station.longitude is None:
        return False
    west, south, east, north = bbox
    if not south <= station.latitude <= north:
        return False
    # RFC 7946 section 5.2: a box over the antimeridian begins east of where it ends.
    inside = station.longitude >= west, station.longitude <= east
    return all(inside) if west <= east else any(inside)
