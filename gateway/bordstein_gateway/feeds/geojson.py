"""GeoJSON (RFC 7946): one Feature a station, with its newest values.

Flat members are for maps (`air_temperature: 6.5`; of twins on one board `roof_air_temperature`), `values` has all that
is known of each. Positions are WGS 84, longitude first; a station without a place has the geometry null.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from .. import properties
from ..decode.normalise import flag_names
from ..forward.times import urn, zulu
from ..store.types import Latest
from .view import View


def collection(view: View, latest: Iterable[Latest], now_ms: int, stale_ms: int) -> dict[str, Any]:
    """A FeatureCollection of the values, which come by device. A value older than stale_ms is not `fresh`."""
    features = []
    for device, group in groupby(latest, key=lambda value: value.device):
        station = view.station(device)
        if station.decommissioned:
            continue
        values = list(group)
        features.append(_feature(view, device, values, now_ms - stale_ms))
    return {"type": "FeatureCollection", "features": features}


def _feature(view: View, device: str, values: list[Latest], since_ms: int) -> dict[str, Any]:
    station = view.station(device)
    often = [value.property for value in values]
    flat = {
        value.property if often.count(value.property) == 1 else value.series.replace("/", "_"): plain(value.value)
        for value in values
    }
    point = None
    if station.latitude is not None and station.longitude is not None:
        point = {"type": "Point", "coordinates": [round(station.longitude, 7), round(station.latitude, 7)]}
    newest = max(value.time for value in values)
    return {
        "type": "Feature",
        "id": urn(device),
        "geometry": point,
        "properties": {
            **flat,
            "device": device,
            "name": station.name or device,
            "site": station.site,
            "time": zulu(newest),
            "fresh": newest >= since_ms,
            "values": [_value(view, value, since_ms) for value in values],
        },
    }


def _value(view: View, value: Latest, since_ms: int) -> dict[str, Any]:
    row = properties.row_of(value.series)
    licence = view.licence(value.device, value.series)
    return {
        "series": value.series,
        "property": value.property,
        "label": {"de": row.de, "en": row.en} if row else {"de": value.property, "en": value.property},
        "definition": row.definition if row else None,
        "value": plain(value.value),
        "unit": value.unit,
        "ucum": row.ucum if row and value.unit == row.unit else None,
        "time": zulu(value.time),
        "flags": flag_names(value.flags),
        "fresh": value.time >= since_ms,
        "licence": licence.uri if licence else None,
    }


def plain(value: Any) -> Any:
    """As JSON has it."""
    return value.hex() if isinstance(value, bytes) else value
