"""Present state to an NGSI-LD broker that is as strict as real ones, and misbehaves when told to."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from bordstein_gateway import web_contexts
from bordstein_gateway.config import Config, Device, Gateway, Mqtt, NgsiLd
from bordstein_gateway.forward.ngsi_ld.settings import Entity
from bordstein_gateway.forward.outbox import Outbox
from bordstein_gateway.forward.starting import start
from bordstein_gateway.forward.target import Retry
from tests.gateway.forwarding import deliver
from tests.gateway.loopback import START, Log, Loopback
from tests.street.ngsi_ld_server import Broker

DEVICE, OTHER = "24a160000001", "24a160000002"
AIR = f"urn:ngsi-ld:WeatherObserved:musterstadt:{DEVICE}"
PLACES = [
    Device(id=DEVICE, name="Marktplatz 7", latitude=53.5511, longitude=9.9937, groups=["marktplatz"]),
    Device(id=OTHER, name="Marktplatz 8", latitude=53.5512, longitude=9.9938, groups=["marktplatz"]),
]
SITE = Entity(type="OnStreetParking", id="marktplatz", groups=["marktplatz"])


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path / "store.sqlite")
    yield log
    log.store.close()


@pytest.fixture(scope="module")
def contexts() -> Iterator[str]:
    """Where a gateway serves its contexts."""
    with Loopback(Starlette(routes=[Route("/contexts/{name}", web_contexts.endpoint)])) as gateway:
        yield gateway.url + "/contexts"


@pytest.fixture(scope="module")
def host() -> Iterator[Loopback]:
    """One server for all tests of this module; what it runs is swapped."""
    with Loopback(lambda *_: None) as host:
        yield host


class Town:
    """A broker, and a gateway's outbox to it."""

    def __init__(self, log: Log, broker: Broker, url: str, contexts: str) -> None:
        self.log, self.broker, self.url, self.contexts = log, broker, url, contexts

    def outbox(self, *, devices: list[Device] | None = None, **options: Any) -> Outbox:
        """As after a start of the gateway."""
        given = {"context_url": self.contexts, "timeout": 1, "unknown_after": 0, **options}
        config = Config(
            gateway=Gateway(name="musterstadt"),
            mqtt=Mqtt(host="localhost"),
            devices=PLACES if devices is None else devices,
            forward={"platform": NgsiLd(url=self.url, **given)},
        )
        (one,) = start(config, self.log.store)
        one._aside_pause = 0.0
        return one

    def send(self, **options: Any) -> list[Retry]:
        """All there is to do; the failures on the way."""
        return deliver(self.outbox(**options))

    def value(self, entity: str, attribute: str) -> Any:
        return self.broker.entities[entity][attribute].get("value")

    def dead(self) -> list[str]:
        """Why readings were refused."""
        return [letter.reason for letter in self.log.store.dead_letters("platform")]


@pytest.fixture
def town(log: Log, host: Loopback, contexts: str, request: pytest.FixtureRequest) -> Town:
    broker = Broker(**getattr(request, "param", {"fetch": True}))
    application = broker.app()
    host._server.config.loaded_app.app = application  # the proxy-headers wrapper round the application
    return Town(log, broker, host.url, contexts)


def test_a_station_is_what_it_measures(town: Town) -> None:
    log = town.log
    log.add([8.15, 8.25])
    log.add([71.5], series="air/relative_humidity", unit="%RH")
    log.add([101_325], series="air/air_pressure", unit="Pa")
    log.add([12.5], series="dust/pm10", unit="ug/m3", start=START + 250)
    assert town.send() == [] and town.dead() == []
    assert town.broker.entities[AIR] == {
        "id": AIR,
        "type": "WeatherObserved",
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [9.9937, 53.5511]}},
        "name": {"type": "Property", "value": "Marktplatz 7"},
        "dateObserved": {"type": "Property", "value": {"@type": "DateTime", "@value": "2026-11-24T12:00:01Z"}},
        "temperature": _seen(8.25, "CEL", "2026-11-24T12:00:01Z"),
        "relativeHumidity": _seen(0.715, "C62", "2026-11-24T12:00:00Z"),
        "atmosphericPressure": _seen(1013.25, "A97", "2026-11-24T12:00:00Z"),
    }
    dust = f"urn:ngsi-ld:AirQualityObserved:musterstadt:{DEVICE}"
    assert town.broker.entities[dust]["pm10"] == _seen(12.5, "GQ", "2026-11-24T12:00:00.250Z")
    assert set(town.broker.entities) == {AIR, dust}


def _seen(value: Any, code: str, at: str) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": at, "unitCode": code}
