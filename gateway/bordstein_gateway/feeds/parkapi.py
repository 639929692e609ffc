"""ParkAPI's normalised JSON, `{"items": […]}`: static and realtime members of an object a site or bay, as MobiData BW's
importer takes it (parkapi-sources)."""

from collections.abc import Iterable
from typing import Any

from ..forward.times import zulu
from .parking import CLOSED, UNKNOWN, Lot, Spot


def sites(lots: Iterable[Lot], static_ms: int) -> dict[str, Any]:
    """static_ms: when what is known of the sites last changed. One without a place is left out: ParkAPI needs it."""
    return {"items": [_site(lot, static_ms) for lot in lots if lot.latitude is not None]}


def bays(spots: Iterable[Spot], static_ms: int) -> dict[str, Any]:
    """The same of single bays."""
    return {"items": [_bay(spot, static_ms) for spot in spots if spot.latitude is not None]}


def _site(lot: Lot, static_ms: int) -> dict[str, Any]:
    site = lot.site
    item: dict[str, Any] = {
        "uid": site.uid,
        "name": site.name,
        "purpose": "CAR",
        "type": site.type,
        "address": site.address,
        "description": site.description,
        "lat": str(lot.latitude),
        "lon": str(lot.longitude),
        "capacity": lot.capacity,
        **_restricted(site.bays),
        "has_realtime_data": lot.time is not None,
        "static_data_updated_at": zulu(static_ms),
    }
    if lot.time is not None:
        item |= {"realtime_data_updated_at": zulu(lot.time), "realtime_opening_status": lot.status}
        if lot.status not in (CLOSED, UNKNOWN):
            item |= {"realtime_capacity": lot.known, "realtime_free_capacity": lot.free}
    return {key: value for key, value in item.items() if value is not None}


def _bay(spot: Spot, static_ms: int) -> dict[str, Any]:
    item: dict[str, Any] = {
        "uid": spot.uid,
        "name": spot.name,
        "purpose": "CAR",
        "type": spot.site.type if spot.site.type != "OTHER" else None,
        "address": spot.site.address,
        "lat": str(spot.latitude),
        "lon": str(spot.longitude),
        "restricted_to": [{"type": spot.restricted_to}] if spot.restricted_to else None,
        "has_realtime_data": spot.time is not None,
        "static_data_updated_at": zulu(static_ms),
    }
    if spot.time is not None:
        item |= {"realtime_data_updated_at": zulu(spot.time), "realtime_status": spot.status}
    return {key: value for key, value in item.items() if value is not None}


def _restricted(bays: Iterable[Any]) -> dict[str, int]:
    kept = [bay.restricted_to for bay in bays]
    names = {"DISABLED": "disabled", "WOMEN": "woman", "FAMILY": "family", "CHARGING": "charging",
             "CARSHARING": "carsharing", "TRUCK": "truck", "BUS": "bus"}  # fmt: skip
    return {f"capacity_{name}": kept.count(audience) for audience, name in names.items() if audience in kept}
