"""What is public, and who else may look: rules, logins, and the pages behind them."""

import asyncio
import base64
import re
import threading
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.requests import Request
from starlette.testclient import TestClient
from typer.testing import CliRunner

from bordstein_gateway.cli import main as cli
from bordstein_gateway.config import config, example
from bordstein_gateway.config.open_data import LICENCES, Publish
from bordstein_gateway.status import ServiceState
from bordstein_gateway.store import Store
from bordstein_gateway.web import app as web
from bordstein_gateway.web import readers
from bordstein_gateway.web.access import Access, Refused
from bordstein_gateway.web.publishing import Publishing
from tests.gateway.forwarding import DEVICE, measure

PASSWORD = "Kirschbaum am Rathaus"
TOKEN = "b7d1"
OTHER = "24a160000002"


@cache
def password_hash() -> str:
    """Of PASSWORD; made once, as it takes long on purpose."""
    return readers.hashed(PASSWORD)


def publishing(**publish: Any) -> Publishing:
    settings = msgspec.convert(publish, Publish)
    return Publishing(config.Config(mqtt=config.Mqtt(host="localhost"), publish=settings))


def test_without_a_section_nothing_is_public() -> None:
    nothing = Publishing(config.Config(mqtt=config.Mqtt(host="localhost")))
    assert not nothing.public(DEVICE, "air/pm10") and nothing.licence(DEVICE, "air/pm10") is None


def test_an_empty_section_publishes_nothing() -> None:
    assert not publishing().public(DEVICE, "air/pm10")


def test_the_nearest_rule_counts() -> None:
    rules = publishing(
        default=False,
        attribution="Stadt Musterstadt",
        properties={"pm10": {"publish": True, "licence": "CC-BY-4.0"}, "pm2_5": {"licence": "CC0-1.0"}},
        series=[
            {"device": DEVICE, "series": "air/pm10", "publish": False},
            {"device": OTHER, "publish": True, "licence": "https://example.org/l"},
            {"device": OTHER, "series": "air/pm2_5", "licence": "dl-de/by-2-0"},
        ],
    )
    assert not rules.public(DEVICE, "air/pm10") and rules.public("24a160000003", "roof/air/pm10")
    assert not rules.public(DEVICE, "air/pm2_5") and rules.public(OTHER, "air/pm2_5")
    names = [rules.licence(*key) for key in ((DEVICE, "air/pm10"), (OTHER, "air/pm10"), (OTHER, "air/pm2_5"))]
    assert [name and name.uri for name in names] == [
        LICENCES["CC-BY-4.0"],
        "https://example.org/l",
        LICENCES["dl-de/by-2-0"],
    ]
    assert [name and name.name for name in names] == ["CC-BY-4.0", "https://example.org/l", "dl-de/by-2-0"]


def test_a_boards_health_is_public_only_where_it_is_named() -> None:
    rules = publishing(
        default=True,
        properties={"voltage": {"publish": True}},
        series=[
            {"device": DEVICE, "publish": True},
            {"device": DEVICE, "series": "health/rssi"},
            {"device": DEVICE, "series": "health/uptime", "licence": "CC0-1.0"},
        ],
    )
    found = {name: rules.public(DEVICE, f"health/{name}") for name in ("voltage", "rssi", "uptime")}
    assert found == {"voltage": False, "rssi": True, "uptime": False}
    assert rules.public(DEVICE, "air/air_temperature")


def test_what_hides_a_series_hides_its_sums() -> None:
    rules = publishing(
        default=True,
        properties={"pedestrian_count": {"publish": False}, "pm10": {"licence": "CC0-1.0"}},
        series=[{"device": DEVICE, "series": "bin/fill_level", "publish": False}],
    )
    assert not rules.public(DEVICE, "gate/pedestrian_count/sum") and not rules.public(DEVICE, "bin/fill_level/sum")
    assert rules.public(OTHER, "bin/fill_level/sum")
    licence = rules.licence(OTHER, "dust/pm10/sum")
    assert licence is not None and licence.name == "CC0-1.0"


# Logins


@pytest.fixture
def logins(tmp_path: Path) -> dict[str, str]:
    """[http] with both kinds."""
    (tmp_path / "readers").write_text(f"kraft:{password_hash()}\nnot a line\n")
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    return {"readers_file": str(tmp_path / "readers"), "reader_token_file": str(tmp_path / "token")}


def state_of(store: Store, http: dict[str, str], publish: Publish | None) -> ServiceState:
    settings = config.Config(
        mqtt=config.Mqtt(host="localhost"), http=msgspec.convert(http, config.Http), publish=publish
    )
    state = ServiceState(settings, store, started=time.time())
    state.ingest.last_turn = time.monotonic()
    state.ingest.connected = True
    return state


@pytest.fixture
def client(store: Store, logins: dict[str, str]) -> Iterator[TestClient]:
    measure(store, 1)
    with TestClient(web.app(state_of(store, logins, Publish()))) as client:
        yield client


def basic(name: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


PAGES = ("/", "/api/latest", "/metrics")


@pytest.mark.parametrize("page", PAGES)
def test_pages_that_show_all_need_a_login(client: TestClient, page: str) -> None:
    answer = client.get(page)
    assert answer.status_code == 401 and DEVICE not in answer.text
    assert answer.headers["www-authenticate"].startswith("Basic realm=")
    assert answer.text == "Diese Seite braucht eine Anmeldung. Öffentliche Daten stehen unter /open/.\n"
    assert client.get(page, params={"lang": "en"}).text.startswith("This page needs a login.")
    assert client.get(page, headers={"accept-language": "en-GB,de"}).text.startswith("This page needs a login.")
    for good in (basic("kraft", PASSWORD), {"authorization": f"Bearer {TOKEN}"}):
        assert client.get(page, headers=good).status_code == 200
    if page == "/":
        assert ">Offene Daten</a>" in client.get(page, headers=good).text


@pytest.mark.parametrize(
    "wrong",
    [
        basic("kraft", "Kirschbaum"),
        basic("niemand", PASSWORD),
        basic("", ""),
        {"authorization": "Basic \xe4\x00".encode("latin-1")},
        {"authorization": "Basic bm8="},
        {"authorization": "Bearer"},
        {"authorization": f"Bearer {TOKEN}x"},
        {"authorization": f"Digest {TOKEN}"},
        {"authorization": ""},
    ],
)
def test_a_wrong_login_is_a_sentence(client: TestClient, wrong: dict[str, str | bytes]) -> None:
    answer = client.get("/", headers=wrong)
    assert answer.status_code == 401 and "falsch" in answer.text and DEVICE not in answer.text
    assert client.get("/healthz", headers=wrong).status_code == 401


def test_health_says_no_details_to_everybody(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"service": "bordstein-gateway", "healthy": True}
    assert client.get("/healthz", headers={"authorization": f"Bearer {TOKEN}"}).json()["broker"] == "connected"


def test_who_is_taken_out_is_out_at_once(client: TestClient, logins: dict[str, str]) -> None:
    login = basic("kraft", PASSWORD)
    assert client.get("/", headers=login).status_code == 200
    Path(logins["readers_file"]).write_text("")
    assert client.get("/", headers=login).status_code == 401


def test_logins_alone_close_the_pages(store: Store, logins: dict[str, str]) -> None:
    client = TestClient(web.app(state_of(store, logins, None)))
    assert [client.get(page).status_code for page in PAGES] == [401, 401, 401]


def test_without_logins_and_section_pages_are_open(store: Store) -> None:
    client = TestClient(web.app(state_of(store, {}, None)))
    assert [client.get(page).status_code for page in PAGES] == [200, 200, 200]
    assert client.get("/", headers=basic("kraft", PASSWORD)).status_code == 200


def test_guessing_shuts_nobody_out(client: TestClient) -> None:
    """Guesses lock no name, and who is known is not asked again."""
    login = basic("kraft", PASSWORD)
    assert client.get("/", headers=login).status_code == 200
    assert client.get("/", headers=basic("kraft", "geraten")).status_code == 401
    assert client.get("/", headers=login).status_code == 200


def test_who_is_taken_out_while_his_password_is_checked_is_out(logins: dict[str, str]) -> None:
    access = Access(config.Config(mqtt=config.Mqtt(host="localhost"), http=msgspec.convert(logins, config.Http)))

    def request(login: dict[str, str]) -> Request:
        return Request({"type": "http", "headers": [(b"authorization", login["authorization"].encode())]})

    async def races() -> None:
        busy = threading.Event()
        access._worker.submit(busy.wait)
        waits = asyncio.create_task(access.full(request(basic("kraft", PASSWORD))))
        while not access._waiting:
            await asyncio.sleep(0.001)
        Path(logins["readers_file"]).write_text("")
        assert await access.full(request({"authorization": f"Bearer {TOKEN}"}))  # reads the files again
        busy.set()
        with pytest.raises(Refused):
            await waits
        with pytest.raises(Refused):
            await access.full(request(basic("kraft", PASSWORD)))

    asyncio.run(races())


# The verb


def run(*words: str, given: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, ["reader", *words], input=given)
    return result.exit_code, result.output + (str(result.exception) if result.exception else "")


def test_the_verb_enters_and_takes_out_readers(folder: Path) -> None:
    settings = folder / "gateway.toml"
    settings.write_text('[http]\nreaders_file = "readers"\n')  # which is not there yet, so nothing could be loaded
    assert run("add", "kraft", "-c", str(settings), given=f"{PASSWORD}\n") == (0, f"kraft is in {folder}/readers\n")
    assert run("add", "weber", "-c", str(settings), given=f"{PASSWORD}!\n")[0] == 0
    file = folder / "readers"
    assert file.stat().st_mode & 0o777 == 0o600 and PASSWORD not in file.read_text()
    assert run("list", "--file", str(file)) == (0, "kraft\nweber\n")
    known = readers.read(file.read_text())
    assert readers.fits(PASSWORD, known["kraft"]) and known["kraft"] != known["weber"]
    assert run("remove", "kraft", "-c", str(settings))[0] == 0
    assert run("list", "-c", str(settings)) == (0, "weber\n")


def test_what_the_verb_does_not_take_is_a_sentence(folder: Path) -> None:
    file = folder / "readers"
    assert "too short" in run("add", "kraft", "--file", str(file), given="kurz\n")[1]
    assert run("add", "kr:aft", "--file", str(file), given=PASSWORD)[0] == 2
    assert "Nobody in" in run("remove", "kraft", "--file", str(file))[1]
    (folder / "gateway.toml").write_text("[http]\n")
    assert "names no readers_file" in run("list", "-c", str(folder / "gateway.toml"))[1]
    (folder / "gateway.toml").write_text("[http\n")
    assert "gateway.toml:1: not TOML" in run("list", "-c", str(folder / "gateway.toml"))[1]
    assert not file.exists()


def test_the_examples_of_open_data_and_parking_are_right(folder: Path) -> None:
    (folder / "readers").write_text(f"kraft:{password_hash()}\n")
    head, _, rest = example.text().partition("# What is open to everybody")
    sections = rest.partition("# The town's work")[0]
    lines = [line.removeprefix("#").strip() for line in sections.splitlines() if re.match(r"#(?: {3}|\[|\w+ = )", line)]
    head = head.replace('#   readers_file = "readers"', 'readers_file = "readers"')
    (folder / "gateway.toml").write_text("\n".join([head, *lines]))
    loaded = config.load(folder / "gateway.toml")
    assert loaded.publish is not None and [rule.series for rule in loaded.publish.series] == ["air/pm10"]
    assert [[bay.uid for bay in site.bays] for site in loaded.parking.sites] == [["m-1"]]
    assert loaded.secret_files[-1] == str(folder / "readers")
