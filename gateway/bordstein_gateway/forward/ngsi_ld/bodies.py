"""Entities as NGSI-LD writes them, with all that their type requires. Pure. Source: ETSI GS CIM 009 clause 4.5."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...stations import Station
from ...texts import both
from ..times import zulu
from .models import MODELS, SITES, Attribute, kind_of
from .places import Key, Places

_STAGES = ("Normal", "Alert", "Danger")


class Seen(NamedTuple):
    """A value and when it was measured (ms UTC)."""

    value: Any
    time: int


class Incomplete(Exception):
    """What an entity must have is known to nobody; the message is one sentence with what to do."""


def body(key: Key, seen: Mapping[str, Seen], newest: int, places: Places) -> dict[str, Any]:
    """An entity with what was seen of it and what is known of it. `newest`: the time of all its observations.

    Incomplete.
    """
    model = MODELS[key.type]
    known: dict[str, Any] = {**_known(key, places), **_times(key, newest)}
    members = {name: member(kind_of(key.type, name), value) for name, value in known.items()}
    members |= {name: member(kind_of(key.type, name), one.value, one.time) for name, one in _derived(key, seen).items()}
    members |= statics(key)
    for name in model.required:
        if name not in members:
            raise Incomplete(_missing(key, name))
    return {"id": key.id, "type": key.type, **members}


def member(kind: Attribute, value: Any, time: int | None = None) -> dict[str, Any]:
    """An attribute; with `time` it was observed then."""
    if kind.kind == "link":
        return {"type": "Relationship", "object": value}
    if kind.kind == "place":
        return {"type": "GeoProperty", "value": value}
    if kind.kind == "date":
        return {"type": "Property", "value": {"@type": "DateTime", "@value": value}}
    made: dict[str, Any] = {"type": "Property", "value": value}
    if time is not None:
        made["observedAt"] = zulu(time)
    if kind.code:
        made["unitCode"] = kind.code
    return made


def statics(key: Key) -> dict[str, Any]:
    """What the configuration says; it counts before all else, as a closed bay is no free one."""
    given = key.settings.attributes if key.settings else {}
    return {
        name: value if isinstance(value, dict) and "type" in value else member(kind_of(key.type, name), value)
        for name, value in given.items()
    }


def point(places: Sequence[tuple[float, float]]) -> dict[str, Any] | None:
    """GeoJSON of (longitude, latitude): a Point, a MultiPoint of several, None of none."""
    if not places:
        return None
    if len(places) == 1:
        return {"type": "Point", "coordinates": list(places[0])}
    return {"type": "MultiPoint", "coordinates": [list(place) for place in places]}


def _known(key: Key, places: Places) -> dict[str, Any]:
    """What the register and the configuration's other entities say of it."""
    station = places.stations.get(key.device) or Station(key.device)
    known: dict[str, Any] = {"location": _location(key, station, places), "name": station.name}
    if key.type == "FloodMonitoring":
        known["stationID"] = station.asset or key.device
    if key.type == "ParkingSpot":
        for site in places.sites(key.device)[:1]:
            known |= {"refParkingSite": places.site_key(site).id, "category": [SITES[site.type]]}
    return {name: value for name, value in known.items() if value is not None}


def _location(key: Key, station: Station, places: Places) -> dict[str, Any] | None:
    settings = key.settings
    if settings is not None and settings.latitude is not None and settings.longitude is not None:
        return point([(settings.longitude, settings.latitude)])
    stations = [station]
    if settings is not None and key.type in SITES:
        stations = [places.stations[device] for device in places.bays(settings) if device in places.stations]
    found = {(one.longitude, one.latitude) for one in stations}
    return point(sorted((east, north) for east, north in found if east is not None and north is not None))


def _times(key: Key, newest: int) -> dict[str, str]:
    model = MODELS[key.type]
    if model.span is not None:
        period = key.settings.period if key.settings else 60
        return {model.span[0]: zulu(newest - 1000 * period), model.span[1]: zulu(newest)}
    return {model.instant: zulu(newest)} if model.instant else {}


def _derived(key: Key, seen: Mapping[str, Seen]) -> dict[str, Seen]:
    """What was seen, and what follows from it."""
    level, given = seen.get("currentLevel"), key.settings.attributes if key.settings else {}
    alert, danger = given.get("alertLevel"), given.get("dangerLevel")
    if level is None or key.type != "FloodMonitoring" or not all(isinstance(x, int | float) for x in (alert, danger)):
        return dict(seen)
    stage = (level.value >= alert) + (level.value >= danger)
    return {**seen, "floodLevelStatus": Seen(_STAGES[stage], level.time)}


def _missing(key: Key, name: str) -> str:
    board = key.device or key.id
    if name == "location":
        return both(
            f"{board} hat keine Lage, und {key.type} verlangt eine: eintragen mit „bordstein-gateway board import“ "
            "oder als latitude und longitude seines [[device]]",
            f"{board} has no position, and {key.type} requires one: enter it with bordstein-gateway board import, "
            "or as latitude and longitude of its [[device]]",
        )
    if key.type == "ParkingSpot":
        return both(
            f"{board} gehört zu keiner Parkfläche, und {key.type} verlangt {name}: ein entity vom Typ OnStreetParking "
            "oder OffStreetParking dieses Ziels muss es unter devices oder groups nennen",
            f"{board} belongs to no parking site, and {key.type} requires {name}: an entity of type OnStreetParking "
            "or OffStreetParking of this target has to name it in devices or groups",
        )
    return both(
        f"{key.type} verlangt {name}: in attributes eines entity für {board} nennen",
        f"{key.type} requires {name}: give it in attributes of an entity for {board}",
    )
