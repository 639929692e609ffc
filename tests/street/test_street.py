"""The whole street with real parts, for some seconds: nothing is lost, doubled, changed or made up."""

import json
import os
import threading
from pathlib import Path

import pytest

from tests.hardware.scenarios import BOARDS
from tests.street import demo
from tests.street.chaos import Chaos
from tests.street.demo import victims
from tests.street.processes import until
from tests.street.street import Street


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


def test_a_demonstration_says_its_numbers_in_the_last_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main(["--seconds", "12", "--boards", "2"]) == 0
    last = capsys.readouterr().out.strip().splitlines()[-1]
    numbers = json.loads(last)
    assert numbers["boards"] == 2 and numbers["lost"] == numbers["doubled"] == 0
    assert numbers["taken"] == numbers["stored"] == numbers["forwarded"] > 0
