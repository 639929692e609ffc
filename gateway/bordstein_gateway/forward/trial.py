"""The trial record of `bordstein-gateway forward test`: one that nobody takes for a measurement, in every system."""

import time
from typing import Any

import msgspec

from ..config.config import Config, Device
from ..properties import TABLE
from ..store.types import StoredReading
from ..texts import both

DEVICE = "02b07d57e100"
"""The board that a trial is from: a locally administered address (IEEE 802, bit 0x02), which no board is made with."""
NAME = "Bordstein-Probe / trial"
DESCRIPTION = "Probewert von bordstein-gateway forward test / trial record"
SENSOR = "trial"
_MIDDLE = 51.163, 10.448
"""Of Germany: where nothing else is known."""


def reading(property: str = "air_temperature", value: Any = None) -> StoredReading:
    """A reading of now, of any row of the property table; the value is a plausible one where none is given."""
    row = TABLE[property]
    if value is None:
        middle = min(max(20.0, row.min), row.max)
        value = {"number": middle, "count": round(middle), "boolean": False}[row.kind]
    now = time.time()
    return StoredReading(0, DEVICE, f"{SENSOR}/{property}", property, row.unit, int(now) * 1000, value, 0, int(now))


def configured(config: Config) -> Config:
    """The configuration with the trial's board among its [[device]], at another one's place where one is known."""
    places = [(device.latitude, device.longitude) for device in config.devices if device.latitude is not None]
    latitude, longitude = places[0] if places else _MIDDLE
    board = Device(id=DEVICE, name=NAME, description=DESCRIPTION, latitude=latitude, longitude=longitude)
    return msgspec.structs.replace(config, devices=[*config.devices, board])


def taken(where: str, how_de: str, how_en: str) -> str:
    """The sentence of a trial that went well: `where` took it, and what is said beside it."""
    return both(f"{where} hat den Probewert angenommen{how_de}.", f"{where} took the trial record{how_en}.")


def reached(where: str) -> str:
    """The sentence of a connection that came up."""
    return both(f"{where} antwortet und lässt das Gateway ein.", f"{where} answers and lets the gateway in.")
