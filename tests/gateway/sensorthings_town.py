"""A store with a small town in it, and the SensorThings API over it: for tests of what is served."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from bordstein_gateway.config.config import Config, Device, Gateway, Mqtt
from bordstein_gateway.decode.normalise import STUCK, Pack, Reading, Value
from bordstein_gateway.status import ServiceState
from bordstein_gateway.store import Arrival, Store
from tests.street.processes import until

BASE = 1_790_000_000_000
"""2026-09-21T14:13:20Z, ms: the first reading."""
MARKET, QUAY, DEPOT = "24a160000001", "24a160000002", "24a160000003"
DEVICES = [
    Device(id=MARKET, name="Marktplatz 7", description="Lampenmast", latitude=53.5511, longitude=9.9937),
    Device(id=QUAY, name="Käpt'n-Kai", latitude=54.2, longitude=10.5),
]
AIR, WET, BAY, WORD = "air/air_temperature", "air/relative_humidity", "bay/parking_bay_occupied", "x/unheard_of"


def put(store: Store, device: str, series: str, values: list[Value], *, first: int = BASE, unit: str = "Cel") -> None:
    """One reading a minute; every tenth is marked as stuck."""
    readings = [
        Reading(series, first + number * 60_000, value, unit, STUCK if number % 10 == 9 else 0)
        for number, value in enumerate(values)
    ]
    store.write([Arrival(device, "", b"", Pack(device, None, None, False, "set", readings))])


def town(folder: Path) -> ServiceState:
    """Two boards whose places are known, and one nobody has entered."""
    store = Store.open(folder / "bordstein.sqlite")
    for shift, device in enumerate((MARKET, QUAY)):
        put(store, device, AIR, [20.0 + shift + number / 8 for number in range(130)])
        put(store, device, WET, [50.5 + number % 7 for number in range(45)], unit="%RH")
    put(store, MARKET, BAY, [number % 3 == 0 for number in range(30)], unit="/")
    put(store, DEPOT, AIR, [280.5, 281.0], unit="K")
    put(store, DEPOT, WORD, ["o'clock", b"\x01\xff", "grün"], unit="")
    config = Config(gateway=Gateway(data=str(folder)), mqtt=Mqtt(host="localhost"), devices=DEVICES)
    return ServiceState(config, store, started=time.time())


@contextmanager
def served(app: Starlette) -> Iterator[str]:
    """The address of an application that runs on a loopback port."""
    one = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=2))
    thread = threading.Thread(target=server.run, args=([one],))
    thread.start()
    try:
        assert until(lambda: server.started, 30, 0.01)
        yield f"http://127.0.0.1:{one.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)


def walk(get: Any, url: str) -> Iterator[dict[str, Any]]:
    """All entities of a set, from page to page, with the sets nested in them completed from page to page, too."""
    while url:
        page = get(url)
        for entity in page["value"]:
            yield _complete(get, entity)
        url = page.get("@iot.nextLink", "")


def _complete(get: Any, entity: dict[str, Any]) -> dict[str, Any]:
    for name, value in entity.items():
        if isinstance(value, list) and all(isinstance(one, dict) and "@iot.id" in one for one in value):
            entity[name] = [_complete(get, one) for one in value]
    for name in [name for name in entity if name.endswith("@iot.nextLink")]:
        entity[name.partition("@")[0]] += walk(get, entity.pop(name))
    return entity
