"""A town of twelve stations for the pages' tests, with two weeks of readings: some silent, some doubtful, with gaps.

town = town_of(folder)            a service's state over a new store
client = town.login("worker")     an HTTP client that is logged in; as nobody: town.client()
"""

import hashlib
import json
import math
import secrets
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bordstein_gateway.cases.types import Case
from bordstein_gateway.config.config import AnyForward, Config, Device, Gateway, Mqtt
from bordstein_gateway.config.office import Desk, Pages
from bordstein_gateway.config.open_data import Publish
from bordstein_gateway.decode.normalise import OUT_OF_RANGE, STUCK, Pack, Reading
from bordstein_gateway.forward.starting import start
from bordstein_gateway.status import ServiceState
from bordstein_gateway.store import Arrival, ConfigReport, Place, StateReport, Store, accounts
from bordstein_gateway.store import cases as case_rows
from bordstein_gateway.web import app as web

DAY_MS = 86_400_000
STEP_MS = 900_000
DAYS = 14
NAMES = (
    *("Marktplatz 7", "Rathausgasse 2", "Bahnhofstraße 11", "Am Kai 3", "Lindenallee 40", "Schulhof Nord"),
    *("Feuerwache", "Kirchplatz", "Stadtpark Ost", "Brücke Süd", "Bauhof", "Hinterhof <geheim>"),
)
DEVICES = tuple(f"24a1600000{number:02x}" for number in range(1, 13))
MARKET, TOWN_HALL, STATION, QUAY, LIME, SCHOOL, FIRE, CHURCH, PARK, BRIDGE, DEPOT, YARD = DEVICES
SILENT, DOUBTFUL, GAPS, REFUSED, WITH_CASE, SECRET = QUAY, STATION, MARKET, LIME, FIRE, YARD
"""What is special about whom; of the last nothing is published."""
PUBLISH = {
    "default": True,
    "publisher": "Stadt Musterstadt",
    "title": "Sensordaten Musterstadt",
    "attribution": "Stadt Musterstadt",
    "licence": "dl-de/by-2-0",
    "series": [
        {"device": SECRET, "publish": False},
        {"device": MARKET, "series": "bin/fill_level", "publish": False},
    ],
}
_SERIES = (("air/air_temperature", "Cel"), ("air/relative_humidity", "%RH"), ("bin/fill_level", "%"))


class Town:
    """A service's state, its application, and browsers that are logged in."""

    def __init__(self, state: ServiceState, now_ms: int) -> None:
        self.state = state
        self.store = state.store
        self.now = now_ms
        self.app: Starlette = web.app(state)
        self._accounts = accounts.Accounts(state.store)

    def client(self) -> TestClient:
        """Nobody's."""
        return TestClient(self.app, follow_redirects=False)

    def login(self, role: str, name: str | None = None, desks: tuple[str, ...] = ("depot",)) -> TestClient:
        """Logged in with an account of this role, without the time a password takes."""
        client = self.client()
        client.cookies.set("bordstein", self.cookie(role, name, desks))
        return client

    def cookie(self, role: str, name: str | None = None, desks: tuple[str, ...] = ("depot",)) -> str:
        """What the browser of somebody with this role holds in the cookie "bordstein"."""
        account = accounts.Account(name or role, f"Eva {role.title()}", role, desks, created=self.now)
        self.store.submit(lambda connection: accounts.put(connection, account)).result(10)
        token = secrets.token_urlsafe(8)
        digest = hashlib.sha256(token.encode()).hexdigest()
        login = accounts.Login(digest, account.name, f"csrf-{account.name}", self.now, self.now, self.now + DAY_MS)
        self._accounts.begin(login).result(10)
        return token

    @staticmethod
    def csrf(role: str) -> str:
        """What the forms of a login hold."""
        return f"csrf-{role}"


def town_of(folder: Path, *, now_ms: int | None = None, publish: Mapping[str, Any] | None = PUBLISH) -> Town:
    """New, in this folder. Its store is closed by who asked."""
    now = int(time.time()) * 1000 if now_ms is None else now_ms
    store = Store.open(folder / "bordstein.sqlite")
    config = configuration(folder, publish)
    state = ServiceState(config, store, started=time.time())
    state.ingest.last_turn = time.monotonic()
    state.ingest.connected = True
    state.forwarders = list(start(config, store))
    fill(store, now)
    return Town(state, now)


def configuration(folder: Path, publish: Mapping[str, Any] | None = PUBLISH) -> Config:
    """With two targets that nobody listens at, three desks and all stations' places."""
    targets = {
        "portal": {"kind": "webhook", "url": "http://127.0.0.1:9/portal"},
        "archiv": {"kind": "webhook", "url": "http://127.0.0.1:9/archiv"},
    }
    devices = [
        Device(
            id=device,
            name=name,
            description="Lampenmast" if number % 2 else None,
            latitude=51.45 + 0.01 * math.sin(number * 2.1) + number / 3000,
            longitude=7.01 + 0.02 * math.cos(number * 1.7),
            groups=["mitte" if number < 6 else "rand"],
        )
        for number, (device, name) in enumerate(zip(DEVICES, NAMES, strict=True))
    ]
    return Config(
        gateway=Gateway(data=str(folder)),
        mqtt=Mqtt(host="localhost"),
        devices=devices,
        forward={name: msgspec.convert(section, AnyForward) for name, section in targets.items()},
        publish=None if publish is None else msgspec.convert(dict(publish), Publish),
        desk={
            "depot": Desk(title="Bauhof", title_en="Depot"),
            "order": Desk(title="Ordnungsamt", title_en="Public order"),
            "green": Desk(title="Grünflächen", title_en="Parks"),
        },
        pages=Pages(contact="barrierefrei@musterstadt.de"),
    )


def fill(store: Store, now: int) -> None:
    """Readings, states, configurations, a roll-out, dead letters, what can't be read, an open case."""
    first = now - now % STEP_MS - DAYS * DAY_MS
    for number, device in enumerate(DEVICES):
        end = now - 3 * DAY_MS if device == SILENT else now
        seq = 0
        for day in range(first, end, DAY_MS):
            arrivals = []
            for at in range(day, min(day + DAY_MS, end), STEP_MS):
                if not _missing(device, at, now):
                    readings = list(_readings(number, device, at, now))
                    arrivals.append(Arrival(device, "", b"", Pack(device, 1, seq, False, "set", readings)))
                seq += 1
            store.write(arrivals, now_ms=min(day + DAY_MS, end))
    heard = [device for device in DEVICES if device != SILENT]
    words = {SILENT: "lost"}
    states = [
        StateReport(device, words.get(device, "ready"), 1, "1.4.0", None, 0, 900, _said(device), device == SILENT)
        for device in DEVICES
    ]
    store.write([], states, now_ms=now)
    store.want_config(REFUSED, '{"sensors":{"air":{"every":600}}}').result(10)
    store.want_config(MARKET, '{"sensors":{"air":{"every":900}}}').result(10)
    store.write(
        [],
        [],
        [
            ConfigReport(REFUSED, 1, False, ["sensors.air.every: 600 is not a multiple of 900"], 0, "ab", None, False),
            ConfigReport(MARKET, 1, True, [], 1, "cd", None, False, certificate="2036-11-23"),
        ],
        now_ms=now,
    )
    store.release_publish("1.4.1", "ab" * 32, heard, percent=10, least=3, at_once=5).result(10)
    newest = store.newest_id()
    dead = [(newest - number, "422: the portal knows no such station") for number in range(5)]
    store.place_set(Place("portal", newest - 100, None), dead).result(10)
    store.place_set(Place("archiv", newest + 1, None)).result(10)
    store.pause_set("archiv", None, "Umzug des Archivs").result(10)
    store.write([Arrival(CHURCH, f"bordstein/v1/{CHURCH}/readings", b"[{", None, "no JSON")], now_ms=now)
    store.submit(lambda connection: case_rows.add(connection, a_case(now), 2026)).result(10)


def a_case(now: int, object: str = WITH_CASE) -> Case:
    """A new one of a rule "bin-full"."""
    values: dict[str, Any] = dict.fromkeys(Case._fields, "") | dict.fromkeys(("account", "taken", "ended", "recovered"))
    texts = {"rule": "bin-full", "object": object, "title": "Papierkorb voll", "place": "Feuerwache", "state": "new"}
    texts |= {"stage": "full", "priority": "normal", "desk": "depot", "reason": ""}
    numbers = {"sheet_version": 1, "opened": now - 3_600_000, "changed": now - 3_600_000, "escalated": 0}
    return Case(**{**values, **texts, **numbers, "id": 0, "event": {}, "ledger": {}})


def _missing(device: str, at: int, now: int) -> bool:
    """GAPS has no readings of some hours two days ago, and one day lost half of its packs."""
    age = now - at
    if device != GAPS:
        return False
    return 2 * DAY_MS < age < 2 * DAY_MS + 6 * 3_600_000 or (5 * DAY_MS < age < 6 * DAY_MS and at // STEP_MS % 2 == 0)


def _readings(number: int, device: str, at: int, now: int) -> Iterator[Reading]:
    hours = at / 3_600_000
    warm = 9 + 6 * math.sin((hours - 9) / 24 * 2 * math.pi) + number / 4
    values = (round(warm, 2), round(75 - 2 * warm, 1), round((hours * 3 + number * 9) % 100, 1))
    odd = device == DOUBTFUL and now - at < 2 * 3_600_000
    for (series, unit), value in zip(_SERIES, values, strict=True):
        if odd and series == "air/air_temperature":
            yield Reading(series, at, 812.5, unit, OUT_OF_RANGE)
        else:
            yield Reading(series, at, value, unit, STUCK if odd and series == "bin/fill_level" else 0)
    if number % 4 == 0:
        yield Reading("bay/parking_bay_occupied", at, int(hours * 2 + number) % 5 < 3, "/", 0)
    if at % 3_600_000 == 0:
        yield Reading("health/battery_level", at, 14.0 if device == CHURCH else 90.0 - number, "%EL", 0)
        yield Reading("health/rssi", at, -60.0 - number, "dBm", 0)
        yield Reading("health/voltage", at, 3.777, "V", 0)


def _said(device: str) -> str:
    return json.dumps({"state": "ready", "board": "esp32-generic", "boot": 1, "ram": 120_000})
