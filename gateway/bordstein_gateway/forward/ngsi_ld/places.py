"""Which reading is which attribute of which entity. Pure.

properties.toml's column ngsi_ld, [parking] and [[forward.….entity]] say it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from ... import properties
from ...boards.stations import Station
from ...config.parking import Bay, Site
from ...decode.normalise import far_ahead
from ...decode.units import conversion, convert
from ...properties import Property
from ...store.types import StoredReading
from ...texts import both, said
from .models import Attribute, kind_of, mistake, site_type
from .settings import Entity

_DIGITS = 6
_RATIO = {"1": "/"}


class Key(NamedTuple):
    """An entity: what it is, whose readings it has (nobody's: a parking site) and what the configuration says of it.

    `site`, `bay`: of a parking site, and of a spot in it.
    """

    id: str
    type: str
    device: str
    settings: Entity | None = None
    site: Site | None = None
    bay: Bay | None = None


class Unfit(Exception):
    """A reading that can be no attribute; the message is one sentence."""


class Places:
    """For one target. `stations`: by device; know() replaces them."""

    def __init__(self, town: str, entities: Sequence[Entity], sites: Sequence[Site] = ()) -> None:
        self._town = town
        self._entities = entities
        self._bays = {(bay.device, bay.series): (site, bay) for site in sites for bay in site.bays}
        self.stations: Mapping[str, Station] = {}
        self._known: dict[tuple[str, str], list[tuple[Key, str]]] = {}  # device and series -> entities and attributes

    def know(self, stations: Mapping[str, Station]) -> None:
        """What the register says now; cheap while it is the same."""
        if stations is not self.stations:
            self.stations = stations
            self._known.clear()

    def of(self, reading: StoredReading) -> list[tuple[Key, str, Any]]:
        """(entity, attribute, value) of a reading; none where no type has such a thing. Unfit."""
        row = properties.row_of(reading.series)
        if row is None or not row.ngsi_ld:
            return []
        if far_ahead(reading.time, reading.received):
            raise Unfit(
                both(
                    "die Zeit liegt mehr als einen Tag nach dem Empfang: sie würde alles verdecken, was folgt",
                    "its time is more than a day after it was received: it would hide all that follows",
                )
            )
        where = reading.device, reading.series
        if where not in self._known:
            self._known[where] = self._chosen(reading, [tuple(one.split(".")) for one in row.ngsi_ld])
        return [(key, name, _value(row, reading, key, name)) for key, name in self._known[where]]

    def bay_of(self, device: str, series: str) -> tuple[Site | None, Bay | None]:
        """The bay that a series watches, and its site."""
        return self._bays.get((device, series)) or self._bays.get((device, None)) or (None, None)

    def site_key(self, site: Site) -> Key:
        """A parking site's entity."""
        type = site_type(site.type)
        settings = next((one for one in self._entities if one.type == type and one.id == site.uid), None)
        return Key(self._id(type, site.uid), type, "", settings, site)

    def _chosen(self, reading: StoredReading, options: Sequence[tuple[str, ...]]) -> list[tuple[Key, str]]:
        sensor = reading.series.rpartition("/")[0]
        found = []
        for type, name in options:
            settings = [
                entity
                for entity in self._entities
                if entity.type == type and entity.sensor in (None, sensor) and self._has(entity, reading.device)
            ]
            if settings:
                # Who names the sensor means it; the first one of several.
                best = min(settings, key=lambda entity: (entity.sensor is None, not entity.devices))
                found.append((self._key(type, reading, best), name))
        return found or [(self._key(options[0][0], reading, None), options[0][1])]

    def _has(self, entity: Entity, device: str) -> bool:
        station = self.stations.get(device)
        groups = station.groups if station else ()
        return device in entity.devices or any(group in entity.groups for group in groups)

    def _key(self, type: str, reading: StoredReading, settings: Entity | None) -> Key:
        station = self.stations.get(reading.device)
        name = (station.asset if station else None) or reading.device
        site, bay = self.bay_of(reading.device, reading.series) if type == "ParkingSpot" else (None, None)
        if settings is not None and settings.id is not None:
            name = settings.id
        elif bay is not None and bay.uid is not None:
            name = bay.uid
        elif settings is not None and settings.sensor is not None:
            name = f"{name}:{settings.sensor}"
        return Key(self._id(type, name), type, reading.device, settings, site, bay)

    def _id(self, type: str, name: str) -> str:
        """A URI stays as it is."""
        return name if name.startswith(("urn:", "http:", "https:")) else f"urn:ngsi-ld:{type}:{self._town}:{_nss(name)}"


def _nss(name: str) -> str:
    """What may stand in a URN (RFC 8141)."""
    return quote(name, safe=":@!$()*+,;=~._-")


def _value(row: Property, reading: StoredReading, key: Key, name: str) -> Any:
    kind = kind_of(key.type, name)
    value = _converted(row, reading, kind, key)
    if problem := mistake(kind, value):
        raise Unfit(both(f"{key.type}.{name}: {said(problem, 'de')}", f"{key.type}.{name}: {problem}"))
    return int(value) if kind.kind == "integer" else value


def _converted(row: Property, reading: StoredReading, kind: Attribute, key: Key) -> Any:
    value = reading.value
    if row.ngsi_ld_values is not None:
        if reading.flags and "unknown" in kind.values:  # a value that is not sure is no certain state
            return "unknown"
        return row.ngsi_ld_values[value] if isinstance(value, bool) else value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value.hex() if isinstance(value, bytes) else value
    if kind.kind == "text":  # powerState is the only one
        return "on" if value >= (key.settings or Entity(type="Streetlight")).on_above else "off"
    if reading.unit == kind.unit or reading.unit == _RATIO.get(kind.unit):
        return value
    to = conversion(reading.unit, kind.unit)
    if to is None:
        raise Unfit(
            both(
                f"{reading.property} in „{reading.unit}“ lässt sich nicht in {kind.unit} umrechnen",
                f'{reading.property} in "{reading.unit}" can\'t be converted into {kind.unit}',
            )
        )
    return convert(value, *to, _DIGITS)
