"""What the benchmarks of the way out forward, and whom it goes to: readings of many boards, a receiver of each kind.

MQTT goes to a real Mosquitto, PostgreSQL to a real server; the rest to the strict stand-ins of tests/street, each a
process of its own, but for CAP, whose drafts are files. A webhook's events are only counted (sink.py).
"""

import contextlib
import json
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bordstein_gateway.config.config import AnyForward, Config, Device, Gateway, Mqtt
from bordstein_gateway.decode.normalise import Pack, Reading
from bordstein_gateway.store import Arrival, Store
from tests.bench.gateway import Broker
from tests.street import town_database
from tests.street.processes import Process, free_port
from tests.street.receivers import Engine, NgsiLd, Open311, OpenSenseMap, SensorThings
from tests.street.sensor_community_server import PATH

EVENTS = ("open311", "camunda7", "flowable", "cap")
"""Kinds that are told of events and not of each reading."""
KINDS = (
    *("sensorthings", "ngsi-ld", "mqtt", "postgresql", "webhook", "opensensemap", "sensor-community"),
    *EVENTS,
)
EVENT_EACH = 50
"""Of so many readings one is an event, and the next ends it."""
PACK = 4


class Series(NamedTuple):
    """What the boards measure."""

    name: str
    unit: str
    usual: float
    raised: float


AIR = Series("air/air_temperature", "Cel", 8.1, 8.6)
BIN = Series("bin/fill_level", "/", 0.2, 0.95)
_WHEN = [{"property": "fill_level", "above": 0.9, "clear": 0.5}]


def device(number: int) -> str:
    """A board's id."""
    return f"24a1600{number:05x}"


def places(devices: int) -> list[Device]:
    """Where they are: a kilometre apart, so that no two report the same bin."""
    return [
        Device(
            id=device(number), name=f"Straße {number}", latitude=48.0 + number % 25 / 100, longitude=7.0 + number / 50
        )
        for number in range(devices)
    ]


def arrival(number: int, readings: list[Reading], seq: int) -> Arrival:
    """A pack of a board."""
    id = device(number)
    return Arrival(id, f"bordstein/v1/{id}/readings", b"", Pack(id, 1, seq, False, "set", readings))


def fill(
    store: Store,
    count: int,
    series: Series = AIR,
    *,
    devices: int,
    pack: int = PACK,
    until_s: int = 60,
    first_seq: int = 0,
) -> int:
    """Boards that have reported each second until so many seconds ago; how many readings there are."""
    each = count // devices
    start = (int(time.time()) - until_s - each) * 1000

    def reading(number: int, place: int) -> Reading:
        raised = (number * each + place) % EVENT_EACH == EVENT_EACH // 2
        return Reading(series.name, start + place * 1000, series.raised if raised else series.usual, series.unit, 0)

    packs = [(number, first) for first in range(0, each, pack) for number in range(devices)]
    for some in range(0, len(packs), 200):
        store.write(
            [
                arrival(
                    number,
                    [reading(number, place) for place in range(first, min(first + pack, each))],
                    first_seq + first // pack,
                )
                for number, first in packs[some : some + 200]
            ]
        )
    return each * devices


def config(kind: str, section: dict[str, Any], folder: Path, devices: int) -> Config:
    """A gateway's configuration with this target only."""
    return Config(
        gateway=Gateway(name="musterstadt", data=str(folder)),
        mqtt=Mqtt(host="localhost"),
        devices=places(devices),
        forward={kind: msgspec.convert(section, AnyForward)},
    )


@contextlib.contextmanager
def receiver(kind: str, folder: Path, devices: int) -> Iterator[dict[str, Any]]:
    """One that runs; its [forward.…] section. `devices`: whose readings will come."""
    with contextlib.ExitStack() as stack:
        section = _section(kind, folder, devices, stack)
        yield section if kind == "cap" else {**section, "timeout": 60}


def _section(kind: str, folder: Path, devices: int, stack: contextlib.ExitStack) -> dict[str, Any]:
    ids = [device(number) for number in range(devices)]
    if kind == "mqtt":
        broker = stack.enter_context(Broker(folder))
        return {"kind": kind, "broker": {"host": "127.0.0.1", "port": broker.port, "tls": False}}
    if kind == "postgresql":
        database = stack.enter_context(town_database.TownDatabase())
        database.create_user()
        password = _secret(folder / "postgresql.password", town_database.PASSWORD)
        return {"kind": kind, "url": database.url, "password_file": password, "create": True}
    if kind == "webhook":
        return {"kind": kind, "url": _server(stack, folder, "tests.bench.sink"), "newest_first": True}
    if kind == "sensor-community":
        pins = {f"esp32-{id}": ["11"] for id in ids}
        module = "tests.street.sensor_community_server"
        url = _server(stack, folder, module, "--pins", json.dumps(pins), "--port")
        boards = [{"device": id, "sensor": f"esp32-{id}", "chips": {"air": "BME280"}} for id in ids]
        return {"kind": kind, "url": url + PATH, "board": boards, "live": 60}
    if kind == "cap":
        drafts = folder / "cap"
        return {"kind": kind, "folder": str(drafts), "sender": "leitstelle@musterstadt.de", "when": _WHEN}
    if kind == "sensorthings":
        return stack.enter_context(SensorThings(folder, "--count")).section()
    if kind == "ngsi-ld":
        return stack.enter_context(NgsiLd(folder)).section()
    if kind == "opensensemap":
        return stack.enter_context(OpenSenseMap(folder, {id: [AIR.name] for id in ids})).section()
    told = stack.enter_context(Open311(folder) if kind == "open311" else Engine(folder, kind))
    return {**told.section(), "when": _WHEN}


def _server(stack: contextlib.ExitStack, folder: Path, module: str, *arguments: object) -> str:
    """A module that takes its port as its last argument; its address."""
    port = free_port()
    command = [sys.executable, "-m", module, *arguments, port]
    server = stack.enter_context(Process(module, command, folder / f"{module}.log"))
    server.wait_ready(lambda: _listens(port), 20)
    return f"http://127.0.0.1:{port}"


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


def _secret(file: Path, text: str) -> str:
    file.write_text(text + "\n")
    file.chmod(0o600)
    return str(file)
