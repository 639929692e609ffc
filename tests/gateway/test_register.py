"""The register of boards: from a technician's file or over HTTP to the page, the targets and the releases, all without
a restart of the service."""

import asyncio
import json
import re
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from bordstein_gateway.boards import registering
from bordstein_gateway.boards.stations import Stations
from bordstein_gateway.config import config
from bordstein_gateway.config.config import Device, Http, SensorThings
from bordstein_gateway.config.config import Webhook as WebhookSettings
from bordstein_gateway.forward.sensorthings.target import SensorThingsTarget
from bordstein_gateway.forward.webhook.target import WebhookTarget
from bordstein_gateway.status import ServiceState
from bordstein_gateway.store import Store
from bordstein_gateway.store.schema import APPLICATION_ID, MIGRATIONS
from bordstein_gateway.texts import said
from bordstein_gateway.web import app as web
from tests.gateway.forwarding import DEVICE, configuration, measure
from tests.gateway.loopback import Loopback
from tests.gateway.test_cli import configured, gateway
from tests.street.processes import until
from tests.street.receivers import Webhook
from tests.street.sensorthings_server import ROOT, Server
from tests.street.servers import Gateway as GatewayService
from tests.street.servers import Mosquitto, Town

OTHER = "24a160000002"
FIRST, LATER = "2026-11-02T08:00:00Z", "2026-11-20T08:00:00Z"
HEAD = "device,urn,asset,place,board,software,set_up"
ROW = f"{DEVICE},urn:dev:mac:24a160fffe000001,BS-0042,Marktplatz 7,esp32-devkitc,0.2.0,2026-11-02T09:00:00+01:00"
TOKEN = "a-token-nobody-guesses"


def enter(store: Store, **entry: Any) -> str:
    (outcome,) = store.register([registering.checked({"device": DEVICE, **entry})]).result()
    return outcome


# --- the store -------------------------------------------------------------------------------------------------------


def test_what_is_not_said_stays_and_what_comes_late_changes_nothing(store: Store) -> None:
    assert enter(store, place="Marktplatz 7", asset="BS-0042", set_up=LATER, groups="nord mitte") == "new"
    assert enter(store, place="Marktplatz 7", asset="BS-0042", set_up=LATER) == "same"
    assert enter(store, place="Rathaus", set_up=FIRST) == "older"
    assert enter(store, latitude="53,5", longitude="10", place="", asset="-") == "changed"
    found = store.registered()[DEVICE]
    assert (found.place, found.asset, found.latitude, found.longitude) == ("Marktplatz 7", None, 53.5, 10.0)
    assert (found.groups, found.set_up, found.state) == (["mitte", "nord"], LATER, "active")


def test_a_decommissioned_board_is_active_again_once_it_is_set_up_anew(store: Store) -> None:
    enter(store, place="Marktplatz 7", set_up=FIRST)
    before = store.register_changed()
    store.decommission(DEVICE).result()
    store.decommission(OTHER).result()
    assert store.registered()[DEVICE].state == "decommissioned" and list(store.registered()) == [DEVICE]
    assert store.register_changed() > before
    assert enter(store, place="Rathaus", set_up=FIRST) == "changed"
    assert store.registered()[DEVICE].state == "decommissioned"
    enter(store, set_up=LATER)  # a list that came late: it was set up so before it was decommissioned
    assert store.registered()[DEVICE].state == "decommissioned"
    enter(store, set_up=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    found = store.registered()[DEVICE]
    assert (found.state, found.decommissioned) == ("active", None)


def test_the_technicians_file_says_when_a_board_left(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "boards.csv"
    file.write_text(
        f"device,asset,set_up,decommissioned\n{DEVICE},BS-0042,{FIRST},{LATER}\n{OTHER},BS-0043,{LATER},{FIRST}\n"
    )
    store.register(registering.read(file)).result()
    left, back = store.registered()[DEVICE], store.registered()[OTHER]
    assert (left.state, left.decommissioned) == ("decommissioned", LATER)
    assert (back.state, back.decommissioned) == ("active", None), "it was set up anew since"


def test_a_store_of_the_fourth_version_gets_the_table(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "store.sqlite")
    connection.executescript(
        f"{';'.join(MIGRATIONS[:4])}; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 4;"
    )
    connection.close()
    store = Store.open(tmp_path / "store.sqlite")
    assert store.registered() == {} and store.register_changed() == 0 and enter(store) == "new"
    store.close()


def test_the_configuration_counts_before_the_register(store: Store) -> None:
    stations = Stations([Device(id=DEVICE, name="Rathaus", groups=["nord"]), Device(id=OTHER)], store)
    first = stations.all()
    assert first[DEVICE].name == "Rathaus" and not first[DEVICE].registered and stations.all() is first
    enter(store, place="Marktplatz 7", site="Altstadt", latitude=53.5, longitude=10, groups=["mitte"], asset="BS-1")
    found = stations.all()[DEVICE]
    assert (found.name, found.groups, found.latitude, found.asset) == ("Rathaus", ("nord",), 53.5, "BS-1")


# --- entries ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"device": "24a16"}, "device: .*12 lower-case hex digits"),
        ({"device": None}, "device: is missing"),
        ({"device": 7}, "device: "),
        ({"urn": "urn:dev:mac:24a160fffe000002"}, "urn: is not that of device"),
        ({"latitude": "53.5"}, "belong together"),
        ({"latitude": "north", "longitude": "10"}, "latitude: .*-90 to 90"),
        ({"latitude": 91, "longitude": 10}, "latitude: "),
        ({"latitude": True, "longitude": 10}, "latitude: "),
        ({"latitude": "nan", "longitude": 10}, "latitude: "),
        ({"longtitude": "10"}, "longtitude is not known here; known is longitude"),
        ({"groups": "a/b"}, "groups: "),
        ({"groups": ["a", 1]}, "groups: "),
        ({"place": "a\nb"}, "place: "),
        ({"place": "x" * 501}, "place: "),
        ({"place": 7}, "place: "),
        ({"set_up": "yesterday"}, "set_up: "),
        ({"set_up": "2999-01-01T00:00:00Z"}, "set_up: .*future"),
        ({"state": "lost"}, "state: .*active or decommissioned"),
    ],
)
def test_a_mistake_in_an_entry_is_a_sentence(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(registering.RegisterError, match=problem) as caught:
        registering.checked({"device": DEVICE, **given})
    assert all(said(one, "de") != str(one) for one in caught.value.problems)


@pytest.mark.parametrize("head", [HEAD, HEAD.replace(",", ";")])
def test_a_file_from_a_spreadsheet_is_read(tmp_path: Path, head: str) -> None:
    row = ROW.replace(",", ";") if ";" in head else ROW
    (tmp_path / "x.csv").write_bytes(f"\ufeff{head}\r\n\r\n{row}\r\n".encode())
    (entry,) = registering.read(tmp_path / "x.csv")
    assert entry["place"] == "Marktplatz 7" and entry["set_up"] == FIRST and "urn" not in entry


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def place(folder: Path) -> Path:
    """A configuration and a store."""
    path = configured(folder, f'[[device]]\nid = "{OTHER}"\nname = "Rathaus"\n')
    Store.open(folder / "bordstein.sqlite").close()
    return path


def imported(place: Path, text: str, lang: str = "en") -> Any:
    (place.parent / "boards.csv").write_text(text)
    return gateway("board", "import", place.parent / "boards.csv", "--config", place, lang=lang)


def test_boards_are_imported_listed_and_exported(place: Path, folder: Path) -> None:
    wide = f"{HEAD},site,groups\n{ROW},Altstadt,mitte nord\n{OTHER},,BS-0043,Kirchhof,,,,,\n"
    assert imported(place, wide).stdout == "2 boards: 2 new, 0 changed, 0 as before\n"
    assert "2 wie bisher" in imported(place, wide, "de").stdout
    with_json = gateway("board", "import", folder / "boards.csv", "--json", "--config", place)
    assert json.loads(with_json.stdout) == {"new": 0, "changed": 0, "same": 2, "older": 0}
    listed = gateway("board", "list", "--config", place).stdout.splitlines()
    assert "Marktplatz 7" in listed[1] and "BS-0042" in listed[1] and "has never reported" in listed[1]
    assert "Rathaus" in listed[2] and "BS-0043" in listed[2]
    exported = gateway("board", "export", "--config", place).stdout
    assert "mitte nord" in exported
    assert imported(place, exported).stdout == "2 boards: 0 new, 0 changed, 2 as before\n"


def test_every_mistake_in_a_file_is_named_by_its_line_and_nothing_is_imported(place: Path) -> None:
    wrong = f"{HEAD},latitude\n{ROW},\nxyz,,,,,,,\n{ROW},\n{OTHER},,,,,,gestern,53\n{OTHER},,,,,,,,,\n"
    done = imported(place, wrong)
    assert done.returncode == 1 and done.stdout == ""
    wanted = ("3: device: .*12 lower-case hex", "4: device: .* in line 2 already", "5: set_up: ", "6: more cells")
    for line, problem in zip(done.stderr.splitlines(), wanted, strict=True):
        assert re.search("boards.csv:" + problem, line), line
    assert gateway("board", "export", "--config", place).stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (f"{HEAD},ort\n".encode(), "1: ort is not known here"),
        (b"asset\n", "1: expected are names of columns"),
        (b"device,device\n", "1: expected are names of columns"),
        (b"", "1: expected are names of columns"),
        (b"device,place\n24a160000001,K\xf6nig\n", "not in UTF-8"),
        (b'device\n"24a160000001\n', "not CSV"),
        (b"device\n" + b"24a160000001\n" * 400_000, "larger than 4 MB"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_none_is_a_sentence(tmp_path: Path, content: bytes | None, problem: str) -> None:
    if content is not None:
        (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(registering.RegisterError, match=problem):
        registering.read(tmp_path / "x.csv")


def test_a_token_goes_over_no_network_in_the_clear(folder: Path) -> None:
    (folder / "token").write_text(TOKEN)
    line = '[http]\nregister_token_file = "token"\n'
    assert config.problems(configured(folder, line)) == []
    (problem,) = config.problems(configured(folder, line + 'host = "0.0.0.0"\n'))
    assert "register_token_file" in problem and "127.0.0.1" in problem
    (folder / "token").write_text("")
    assert "is empty" in config.problems(configured(folder, line))[0]


# --- over HTTP -------------------------------------------------------------------------------------------------------


@pytest.fixture
def state(tmp_path: Path, store: Store) -> Iterator[ServiceState]:
    (tmp_path / "token").write_text(TOKEN + "\n")
    settings = configuration(Webhook(tmp_path), tmp_path)
    settings.devices = []
    settings.http = Http(register_token_file=str(tmp_path / "token"))
    yield ServiceState(settings, store)


def post(state: ServiceState, content: Any, token: str = TOKEN) -> Any:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return TestClient(web.app(state)).post("/api/devices", content=body, headers=headers)


def test_a_board_is_registered_and_is_on_the_page_at_once(state: ServiceState) -> None:
    measure(state.store, 1)
    client = TestClient(web.app(state))
    assert client.get("/api/latest").json()["devices"][0]["name"] is None
    facts = {"device": DEVICE, "place": "Marktplatz 7", "asset": "BS-0042", "board": "", "set_up": FIRST}
    first = post(state, facts)
    assert (first.status_code, first.json()) == (201, {"device": DEVICE, "outcome": "new"})
    assert (post(state, facts).status_code, post(state, facts).json()["outcome"]) == (200, "same")
    device = client.get("/api/latest").json()["devices"][0]
    assert (device["name"], device["asset"], device["decommissioned"]) == ("Marktplatz 7", "BS-0042", False)
    assert "Marktplatz 7" in client.get("/").text
    state.store.decommission(DEVICE).result()
    assert "außer Betrieb" in client.get("/").text


def test_who_has_no_token_enters_nothing(state: ServiceState, tmp_path: Path) -> None:
    for token in ("", "x", TOKEN + "x", "ü"):
        answer = TestClient(web.app(state)).post(
            "/api/devices", content=b"{}", headers={"authorization": f"Bearer {token}".encode()} if token else {}
        )
        assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
        assert "Token" in answer.json()["problems"][0]["de"] and TOKEN not in answer.text
    (tmp_path / "token").write_text("")
    assert post(state, {"device": DEVICE}).status_code == 403
    state.config.http = Http()
    off = post(state, {"device": DEVICE}, "")
    assert off.status_code == 403 and "register_token_file" in off.json()["problems"][0]["en"]
    assert state.store.registered() == {}


@pytest.mark.parametrize(
    ("content", "status", "problem"),
    [
        (b"{", 400, "no JSON object"),
        (b"[" * 9000, 400, "no JSON object"),
        ([], 400, "no JSON object"),
        ({"device": "x", "place": 3}, 400, "device: "),
        (b'{"device": "24a160000001", "place": "\\ud800"}', 400, "place: "),
        (b'{"\\udfff": "x"}', 400, "is not known"),
        ({"device": DEVICE, "place": "x" * 20_000}, 413, "16384 bytes"),
    ],
)
def test_what_is_no_entry_is_refused(state: ServiceState, content: Any, status: int, problem: str) -> None:
    answer = post(state, content)
    assert answer.status_code == status and problem in answer.json()["problems"][0]["en"]
    assert state.store.registered() == {}


def test_a_running_service_sees_what_is_posted_and_what_is_imported_beside_it(town: Town, tmp_path: Path) -> None:
    """Also while the broker is away: registering needs none."""
    (tmp_path / "token").write_text(TOKEN)
    broker = Mosquitto(town, folder=tmp_path / "broker")  # not started
    settings = {"http": {"register_token_file": str(tmp_path / "token")}}
    with running(GatewayService(town, broker, settings=settings, folder=tmp_path / "gateway")) as service:
        url, headers = f"{service.url}/api/devices", {"authorization": f"Bearer {TOKEN}"}
        with httpx2.Client(trust_env=False) as client:
            assert client.post(url, json={"device": DEVICE, "place": "Rathaus"}, headers=headers).status_code == 201
            assert imported(service.config, f"{HEAD}\n{ROW}\n").stdout.startswith("1 boards: 0 new, 1 changed")
            answer = client.post(url, json={"device": DEVICE, "place": "Marktplatz 7"}, headers=headers)
        assert answer.json()["outcome"] == "same"


@contextmanager
def running(service: GatewayService) -> Iterator[GatewayService]:
    service.start(wait=False)
    try:
        assert until(lambda: answers(service), 30), service.log.read_text()
        yield service
    finally:
        service.stop()


def answers(service: GatewayService) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", service.port), 1):
        return True
    return False


# --- the targets -----------------------------------------------------------------------------------------------------


def deliver(store: Store, url: str, *places: str) -> None:
    """Readings before and after each change, through one target; then through a new one, as after a restart."""

    async def run() -> None:
        target = SensorThingsTarget("x", SensorThings(url=url), [], store)
        await target.send(store.readings_after(0, 10))
        for number, name in enumerate(places, 1):
            enter(store, place=name, latitude=53.5 + number, longitude=10, asset="BS-1")
            measure(store, 1, first=number)
            await target.send(store.readings_after(number, 10))
        await target.close()
        target = SensorThingsTarget("x", SensorThings(url=url), [], store)
        await target.send(store.readings_after(0, 1))
        await target.close()

    asyncio.run(run())


def test_a_thing_gets_the_name_and_place_that_its_board_was_given_later(store: Store) -> None:
    server = Server()
    measure(store, 1)
    with Loopback(server.app()) as there:
        deliver(store, there.url + ROOT, "Marktplatz 7", "Rathaus")
    (thing,) = server.model.entities["Things"].values()
    assert thing["name"] == "Rathaus" and thing["properties"]["assetNumber"] == "BS-1"
    (located,) = server.model.related("Things", 1, "Locations")[1]
    assert server.model.entities["Locations"][located]["location"]["coordinates"] == [10.0, 55.5]
    (stream,) = server.model.entities["Datastreams"].values()
    assert stream["name"].endswith(", Rathaus)")


def test_a_server_that_changes_nothing_still_gets_its_readings(store: Store) -> None:
    server = Server()
    app = server.app()
    app.routes[:] = [route for route in app.routes if "PATCH" not in (getattr(route, "methods", None) or ())]
    measure(store, 1)
    with Loopback(app) as there:
        deliver(store, there.url + ROOT, "Marktplatz 7")
    assert len(server.model.dump()) == 3 and len(server.model.entities["Things"]) == 1


def test_an_event_has_the_place_that_its_board_was_given_meanwhile(store: Store, tmp_path: Path) -> None:
    measure(store, 1)
    seen: list[Any] = []

    async def take(request: Request) -> Response:
        seen.extend(event["data"].get("place") for event in await request.json())
        return Response(status_code=204)

    with Loopback(Starlette(routes=[Route("/", take, methods=["POST"])])) as there:
        settings = configuration(Webhook(tmp_path), tmp_path)
        settings.devices = []

        async def run() -> None:
            target = WebhookTarget(WebhookSettings(url=there.url), settings, store)
            await target.send(store.readings_after(0, 1))
            enter(store, place="Marktplatz 7")
            await target.send(store.readings_after(0, 1))
            await target.close()

        asyncio.run(run())
    assert seen == [None, {"name": "Marktplatz 7"}]
