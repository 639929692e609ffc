"""Which reading is which attribute of which entity. Pure; properties.toml's column ngsi_ld and [[….entity]] say it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from ... import properties
from ...normalise import far_ahead
from ...properties import Property
from ...stations import Station
from ...store.types import StoredReading
from ...texts import both, said
from ...units import conversion, convert
from .models import SITES, Attribute, kind_of, mistake
from .settings import Entity

_DIGITS = 6
_RATIO = {"1": "/"}


class Key(NamedTuple):
    """An entity: what it is, whose readings it has and what the configuration says of it."""

    id: str
    type: str
    device: str
    settings: Entity | None = None

    def __hash__(self) -> int:
        return hash(self.id)


class Unfit(Exception):
    """A reading that can be no attribute; the message is one sentence."""


class Places:
    """For one target. `stations`: by device, may be replaced at any time."""

    def __init__(self, town: str, entities: Sequence[Entity]) -> None:
        self._town = town
        self._entities = entities
        self.stations: Mapping[str, Station] = {}

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
        chosen = self._chosen(reading, [(type, name) for type, _, name in (one.partition(".") for one in row.ngsi_ld)])
        return [(key, name, _value(row, reading, key, name)) for key, name in chosen]

    def sites(self, device: str) -> list[Entity]:
        """The parking sites that a board's bay is in."""
        return [entity for entity in self._entities if entity.type in SITES and self._has(entity, device)]

    def site_key(self, site: Entity) -> Key:
        """A parking site's entity."""
        return Key(self._id(site.type, site.id or ""), site.type, "", site)

    def bays(self, site: Entity) -> list[str]:
        """The boards of a parking site that are in use, as far as they are known."""
        known = {device for device in self.stations if self._has(site, device)} | set(site.devices)
        return sorted(
            device for device in known if device not in self.stations or not self.stations[device].decommissioned
        )

    def _chosen(self, reading: StoredReading, options: Sequence[tuple[str, str]]) -> list[tuple[Key, str]]:
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
                found.append((self._key(type, reading.device, best), name))
        return found or [(self._key(options[0][0], reading.device, None), options[0][1])]

    def _has(self, entity: Entity, device: str) -> bool:
        station = self.stations.get(device)
        groups = station.groups if station else ()
        return device in entity.devices or any(group in entity.groups for group in groups)

    def _key(self, type: str, device: str, settings: Entity | None) -> Key:
        station = self.stations.get(device)
        name = (station.asset if station else None) or device
        if settings is not None and settings.id is not None:
            name = settings.id
        elif settings is not None and settings.sensor is not None:
            name = f"{name}:{settings.sensor}"
        return Key(self._id(type, name), type, device, settings)

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
