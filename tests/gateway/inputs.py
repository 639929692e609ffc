"""For the tests of [input.…]: what a configuration makes of a message, and genuine ChirpStack v4 uplinks."""

import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from chirpstack_api.integration import JoinEvent, UplinkEvent
from google.protobuf.json_format import MessageToJson

from bordstein_gateway.config.config import AnyInput
from bordstein_gateway.inputs.reading import Inputs
from bordstein_gateway.store import Arrival, Store
from tests.gateway.packs import NOON

DATA = Path(__file__).parents[1] / "data" / "vectors" / "lorawan"
EUI = "a84041ffff123456"
TOPIC = f"application/a1/device/{EUI}/event/"
LORA = """
[lora]
kind = "chirpstack"
[[lora.map]]
match = { profile = "bin*" }
[lora.map.values]
fill_pct = { to = "bin/fill_level", unit = "%" }
tilted = "bin/tilted"
"""


def inputs(tables: str | dict[str, Any], store: Store | None = None) -> Inputs:
    """Of the tables below [input]."""
    values = tomllib.loads(tables) if isinstance(tables, str) else tables
    return Inputs(msgspec.convert(values, dict[str, AnyInput]), store)


def uplink(
    count: int = 0,
    *,
    at: float = NOON,
    address: str = "0189ea12",
    fields: dict[str, Any] | None = None,
    data: bytes = b"\1\2",
    profile: str = "bin sensor",
    eui: str = EUI,
    rssi: int = -101,
    snr: float = 4.5,
    gateway_ahead: float = 0.0,
) -> bytes:
    """An uplink as ChirpStack's own protobuf makes JSON of it. `fields` None: nothing was decoded."""
    event = UplinkEvent(deduplication_id=f"{eui}-{count}-{at}", dev_addr=address, f_cnt=count, f_port=2, data=data)
    event.time.FromDatetime(datetime.fromtimestamp(at + gateway_ahead, UTC))
    info = event.device_info
    info.application_id, info.application_name, info.device_profile_name = "a1", "waste", profile
    info.device_name, info.dev_eui, info.tags["objekt"] = "bin-12", eui, "papierkorb"
    if fields is not None:
        event.object.update(fields)
    heard = event.rx_info.add(gateway_id="0016c001f153a14c", rssi=rssi, snr=snr)
    heard.ns_time.FromDatetime(datetime.fromtimestamp(at, UTC))
    event.rx_info.add(gateway_id="0016c001f153a14d", rssi=rssi - 9, snr=snr - 3)
    return MessageToJson(event).encode()


def join(at: float, address: str, eui: str = EUI) -> bytes:
    """A device has joined."""
    event = JoinEvent(deduplication_id=f"join-{at}", dev_addr=address)
    event.time.FromDatetime(datetime.fromtimestamp(at, UTC))
    event.device_info.dev_eui = eui
    return MessageToJson(event).encode()


def read(some: Inputs, topic: str, payload: bytes | str | dict[str, Any], *, at: float = NOON, **more: Any) -> Any:
    """A message that came at `at`."""
    if isinstance(payload, dict):
        payload = json.dumps(payload)
    assert some.takes(topic), topic
    return some.read(topic, payload.encode() if isinstance(payload, str) else payload, more.get("retained", False), at)


def values(message: Any) -> dict[str, Any]:
    """Series to value of what was read, without its health."""
    assert isinstance(message, Arrival) and message.pack is not None, message
    return {one.series: one.value for one in message.pack.readings if not one.series.startswith("health/")}
