"""The whole street with real parts, for some seconds: nothing is lost, doubled, changed or made up."""

import io
import json
import os
import threading
from pathlib import Path

import pytest
from rich.console import Console

from tests.hardware.scenarios import BOARDS
from tests.street import demo, table
from tests.street.account import Place
from tests.street.chaos import Chaos
from tests.street.demo import victims
from tests.street.processes import until
from tests.street.street import Street, Verdict


@pytest.fixture
def street(tmp_path: Path):
    with Street(tmp_path, BOARDS[:3]) as street:
        yield street


def taken(street: Street) -> int:
    street.read_flights()
    return sum(flight.taken for flight in street.flights.values())


def whole(street: Street) -> None:
    assert street.finish(60), "not everything arrived"
    verdict = street.verdict()
    assert verdict.whole, "\n".join(verdict.sentences())
    assert verdict.taken == verdict.stored == verdict.forwarded > 0


def test_every_reading_arrives_everywhere_once(street: Street) -> None:
    assert until(lambda: taken(street) >= 40, 60)
    whole(street)
    devices = {device["id"]: device for device in street.gateway.get("/api/latest")["devices"]}
    assert devices.keys() == {board.device for board in street.boards}
    for device in devices.values():
        account = device["completeness"]
        assert account["missing"] == 0 and account["expected"] == account["arrived"] > 0


@pytest.mark.parametrize("server", ["broker", "gateway"])
def test_a_server_killed_in_mid_load_loses_and_doubles_nothing(street: Street, server: str) -> None:
    victim = getattr(street, server)
    for number in range(1, 4):
        assert until(lambda number=number: taken(street) >= 15 * number, 60)
        victim.kill()
        victim.start()
    whole(street)


def test_chaos_loses_and_doubles_nothing(street: Street) -> None:
    seed = int(os.environ.get("BORDSTEIN_SEED", "11"))
    enough = threading.Event()
    chaos = Chaos(victims(street), seed, note=lambda _: len(chaos.hits) >= 3 and enough.set())
    chaos.start()
    try:
        assert until(lambda: enough.is_set() and taken(street) >= 60, 90)
    finally:
        chaos.stop()
    whole(street)


@pytest.mark.parametrize("terminal", [False, True])
def test_a_demonstration_says_its_numbers_in_the_last_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", str(int(terminal)))
    assert demo.main(["--seconds", "8", "--boards", "2"]) == 0
    said = capsys.readouterr().out
    numbers = json.loads(said.strip().splitlines()[-1])
    assert numbers["boards"] == 2 and numbers["lost"] == numbers["doubled"] == 0
    assert numbers["taken"] == numbers["stored"] == numbers["forwarded"] > 0
    counted = numbers["forwarders"]
    assert counted["sensorthings"] == counted["webhook"] == numbers["stored"]
    assert counted["ngsi_ld"] > 0
    assert numbers["rules_fired"] == 7 and numbers["cases"] >= 7 and numbers["mails"] >= 7
    assert "/app/ (login: demo, password: " in " ".join(said.split())
    assert ("Nothing was lost, doubled or changed." in " ".join(said.split())) == terminal


def test_the_closing_sentence_hides_no_loss() -> None:
    place = Place("store", 5)
    place.lost, place.doubled = [("device", "series", 1)], [("device", "series", 2)]
    said = demo.closing(Verdict(boards=1, taken=6, forwarded=5, places=[place]))
    assert "took 6 readings" in said and "1 lost, 1 doubled." in said and "Nothing" not in said


@pytest.mark.parametrize(
    ("width", "shown"), [(160, "air 21.5 °C  PM10 8 µg/m³  bay1 no"), (100, "air 21.5  PM10 8  bay1 no")]
)
def test_values_in_the_table_have_names(width: int, shown: str) -> None:
    last = {"air/air_temperature": "21.5 °C", "dust/pm10": "8 µg/m³", "bay1/parking_bay_occupied": "no"}
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(table.picture([table.Row("Aa, Pegel Kanalstraße", "ready", last)], [], "", []))
    assert f" {shown} " in console.export_text()
