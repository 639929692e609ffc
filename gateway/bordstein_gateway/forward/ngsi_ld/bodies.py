"""Entities as NGSI-LD writes them, with all that their type requires. Pure. Source: ETSI GS CIM 009 clause 4.5."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ...boards.stations import Station
from ...config.parking import Site
from ...texts import both
from ..times import zulu
from .models import MODELS, SITES, Attribute, kind_of
from .places import Key, Places

_AUDIENCES = {
    "DISABLED": "forDisabled",
    "CHARGING": "forElectricalCharging",
    "DELIVERY": "forLoadUnload",
    "RESIDENT": "forResidents",
    "CUSTOMER": "forCustomers",
    "TAXI": "taxiStop",
}
"""[[parking.site.bay]]'s restricted_to, and category's word."""
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


def point(longitude: float | None, latitude: float | None) -> dict[str, Any] | None:
    """A place in GeoJSON (RFC 7946)."""
    if longitude is None or latitude is None:
        return None
    return {"type": "Point", "coordinates": [longitude, latitude]}


def _known(key: Key, places: Places) -> dict[str, Any]:
    """What the register and the configuration say of it."""
    station = places.stations.get(key.device) or Station(key.device)
    known: dict[str, Any] = {"location": point(station.longitude, station.latitude), "name": station.name}
    if key.settings is not None and key.settings.latitude is not None:
        known["location"] = point(key.settings.longitude, key.settings.latitude)
    if key.type == "FloodMonitoring":
        known["stationID"] = station.asset or key.device
    if key.site is not None and key.bay is not None:
        site = places.site_key(key.site)
        known |= {"refParkingSite": site.id, "category": [SITES[site.type]], "name": key.bay.name or station.name}
    elif key.site is not None:
        known |= {"name": key.site.name, "description": key.site.description, "category": _kept_for(key.type, key.site)}
    return {name: value for name, value in known.items() if value is not None}


def _kept_for(type: str, site: Site) -> list[str] | None:
    """The categories that follow from whom its bays are kept for; None: from none."""
    words = {_AUDIENCES.get(bay.restricted_to or "") for bay in site.bays}
    return sorted(word for word in words if word in kind_of(type, "category").values) or None


def _times(key: Key, newest: int) -> dict[str, str]:
    model = MODELS[key.type]
    if model.span is not None:
        period = key.settings.period if key.settings else 60
        return {model.span[0]: zulu(newest - 1000 * period), model.span[1]: zulu(newest)}
    return {model.instant: zulu(newest)} if model.instant else {}


def _derived(key: Key, seen: Mapping[str, Seen]) -> dict[str, Seen]:
    """What was seen, and what follows from it."""
    if key.bay is not None and key.site is not None and key.site.closed:
        return {name: one._replace(value="closed") for name, one in seen.items()}
    level, given = seen.get("currentLevel"), key.settings.attributes if key.settings else {}
    alert, danger = given.get("alertLevel"), given.get("dangerLevel")
    if level is None or key.type != "FloodMonitoring" or not all(isinstance(x, int | float) for x in (alert, danger)):
        return dict(seen)
    stage = (level.value >= alert) + (level.value >= danger)
    return {**seen, "floodLevelStatus": Seen(_STAGES[stage], level.time)}


def _missing(key: Key, name: str) -> str:
    board = key.device or key.id
    if name == "location" and key.site is not None and key.bay is None:
        return both(
            f"{key.site.uid} hat keine Lage: latitude und longitude der [[parking.site]] oder ihrer Geräte nennen",
            f"{key.site.uid} has no position: give latitude and longitude of the [[parking.site]] or of its boards",
        )
    if name == "location":
        return both(
            f"{board} hat keine Lage, und {key.type} verlangt eine: eintragen mit „bordstein-gateway board import“ "
            "oder als latitude und longitude seines [[device]]",
            f"{board} has no position, and {key.type} requires one: enter it with bordstein-gateway board import, "
            "or as latitude and longitude of its [[device]]",
        )
    if key.type == "ParkingSpot":
        return both(
            f"{board} gehört zu keiner Parkfläche, und {key.type} verlangt {name}: "
            "als bay einer [[parking.site]] nennen",
            f"{board} belongs to no parking site, and {key.type} requires {name}: name it as bay of a [[parking.site]]",
        )
    return both(
        f"{key.type} verlangt {name}: in attributes eines entity für {board} nennen",
        f"{key.type} requires {name}: give it in attributes of an entity for {board}",
    )
