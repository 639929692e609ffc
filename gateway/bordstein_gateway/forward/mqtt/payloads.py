"""What is published of a reading: JSON with its place, a SenML record (RFC 8428), or the value alone. Pure."""

import base64
from collections.abc import Callable
from typing import Any

import msgspec

from ...boards.stations import Station
from ...decode.normalise import device_name
from ...store.types import StoredReading
from ..enriched import enriched
from ..times import zulu

Payload = Callable[[StoredReading, Station | None], bytes]


def _json(reading: StoredReading, station: Station | None) -> bytes:
    data = enriched(reading, station)
    data |= {"series": reading.series, "time": zulu(reading.time), "received": zulu(reading.received * 1000)}
    return msgspec.json.encode(data)


def _senml(reading: StoredReading, _: Station | None) -> bytes:
    value = reading.value
    record: dict[str, Any] = {
        "n": device_name(reading.device) + reading.series,
        "t": reading.time // 1000 if reading.time % 1000 == 0 else reading.time / 1000,
    }
    if reading.unit:
        record["u"] = reading.unit
    if isinstance(value, bool):
        record["vb"] = value
    elif isinstance(value, bytes):
        record["vd"] = base64.urlsafe_b64encode(value).decode().rstrip("=")
    else:
        record["vs" if isinstance(value, str) else "v"] = value
    return msgspec.json.encode([record])


def _value(reading: StoredReading, _: Station | None) -> bytes:
    value = reading.value
    return (
        value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else msgspec.json.encode(value)
    )


PAYLOADS: dict[str, Payload] = {"json": _json, "senml": _senml, "value": _value}
