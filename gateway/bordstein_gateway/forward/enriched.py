"""A reading with what is known of its place, as JSON for who knows nothing of boards."""

import base64
from typing import Any

from ..boards.stations import Station
from ..decode.normalise import flag_names
from ..store.types import StoredReading
from .times import urn

_PLACE = ("name", "latitude", "longitude", "site", "asset")


def enriched(reading: StoredReading, station: Station | None) -> dict[str, Any]:
    """device (RFC 9039), property, value (bytes in base64), unit (SenML's); flags and place where there are any."""
    value = reading.value
    data: dict[str, Any] = {
        "device": urn(reading.device),
        "property": reading.property,
        "value": base64.b64encode(value).decode() if isinstance(value, bytes) else value,
        "unit": reading.unit,
    }
    if reading.flags:
        data["flags"] = flag_names(reading.flags)
    place = {key: part for key in _PLACE if (part := getattr(station, key, None)) is not None}
    if place:
        data["place"] = place
    return data
