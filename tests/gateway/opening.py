"""A town with open data, for the feeds' tests: some series are public, some are not, and bays in every state."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from starlette.testclient import TestClient

from bordstein_gateway.config import config
from bordstein_gateway.config.open_data import Publish
from bordstein_gateway.config.parking import Parking
from bordstein_gateway.decode.normalise import CLOCK_UNSURE, OUT_OF_RANGE
from bordstein_gateway.status import ServiceState
from bordstein_gateway.store import StateReport
from bordstein_gateway.web import app as web
from tests.gateway.loopback import Log

MARKET, ROOF, SECRET = "24a160000001", "24a160000002", "24a160000009"
TOKEN = "c0ffee"
LOGIN = {"authorization": f"Bearer {TOKEN}"}
HIDDEN = ("keller", "4711", "Geheimhaus", SECRET, "health/", "voltage", "3.777")
"""What nobody may read without a login, in whatever form."""

BAYS = {
    "free": "24a160000010",
    "taken": "24a160000011",
    "stale": "24a160000012",
    "starting": "24a160000013",
    "gone": "24a160000014",
    "unsure": "24a160000015",
    "silent": "24a160000016",
    "ahead": "24a160000017",
}
"""State -> board."""
PUBLISH = {
    "default": True,
    "publisher": 'Stadt "Musterstadt"\\Süd',
    "url": "https://daten.musterstadt.de/",
    "homepage": "https://www.musterstadt.de",
    "contact": "daten@musterstadt.de",
    "contributor_id": "http://dcat-ap.de/def/contributors/musterstadt",
    "municipality_key": "07131038",
    "attribution": "Stadt Musterstadt",
    "properties": {"pm10": {"licence": "dl-de/by-2-0"}},
    "series": [{"device": SECRET, "publish": False}],
}


def now_ms() -> int:
    return int(time.time()) * 1000


def fill(log: Log) -> None:
    """Readings of the last minutes."""
    now = now_ms()
    log.add([6.25, 6.5], device=MARKET, start=now - 61_000, step=60_000)
    log.add([11.5], device=MARKET, series="dust/pm10", unit="ug/m3", start=now - 3 * 3_600_000)
    log.add([3.777], device=MARKET, series="health/voltage", unit="V", start=now - 2000)
    log.add([8.5], device=ROOF, start=now - 4000)
    log.add([9.5], device=ROOF, series="roof/air_temperature", start=now - 4000)
    log.add([999.0], device=ROOF, series="dust/pm2_5", unit="ug/m3", start=now - 4000, flags=OUT_OF_RANGE)
    log.add([4711.25], device=SECRET, series="keller/water_level", unit="m", start=now - 2000)
    for state, device in BAYS.items():
        if state == "silent":
            continue
        at = {"stale": now - 3_600_000, "ahead": now + 600_000}.get(state, now - 5000)
        flags = CLOCK_UNSURE if state == "unsure" else 0
        name = "bay/parking_bay_occupied"
        log.add([state != "free"], device=device, series=name, unit="/", start=at, flags=flags)
    said = [
        StateReport(BAYS[state], word, 1, None, None, None, None, "{}", False)
        for state, word in (("starting", "init"), ("gone", "lost"), ("taken", "ready"))
    ]
    log.store.write([], said)


def town(
    log: Log, folder: Path, publish: Mapping[str, Any] | None = PUBLISH, parking: Mapping[str, Any] | None = None
) -> ServiceState:
    """A service with this configuration."""
    (folder / "token").write_text(TOKEN)
    settings = config.Config(
        mqtt=config.Mqtt(host="localhost"),
        http=config.Http(reader_token_file=str(folder / "token")),
        devices=[
            config.Device(id=MARKET, name="Marktplatz 7", latitude=53.55110001, longitude=9.9937),
            config.Device(id=SECRET, name="Geheimhaus", latitude=53.5, longitude=9.9),
            *(
                config.Device(id=device, name=f"Platz <{state}> & mehr", latitude=53.56 + place / 100, longitude=10.0)
                for place, (state, device) in enumerate(BAYS.items())
            ),
        ],
        publish=None if publish is None else msgspec.convert(publish, Publish),
        parking=msgspec.convert(parking or {"site": [site(*BAYS)]}, Parking),
    )
    state = ServiceState(settings, log.store, started=time.time())
    state.ingest.last_turn = time.monotonic()
    state.ingest.connected = True
    return state


def site(*states: str, **more: Any) -> dict[str, Any]:
    """A site with bays in these states."""
    bays = [{"device": BAYS[state], "uid": f"psp-{state}"} for state in states]
    return {"uid": "marktplatz", "name": "Marktplatz", "bay": bays, **more}


def client(state: ServiceState) -> TestClient:
    return TestClient(web.app(state))
