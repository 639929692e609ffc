"""A board updates itself over MQTT and TLS, with the real firmware, broker and gateway, and loses no reading by it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bordstein_tools import signing
from tests.hardware.scenarios import BOARDS
from tests.street.boards import Board
from tests.street.processes import until
from tests.street.street import Street
from tools.dev.mpy import compile_to
from tools.dev.release import files


def gateway(street: Street, *words: object) -> str:
    """What a command of the running gateway says."""
    program = Path(sys.executable).with_name("bordstein-gateway")
    done = subprocess.run(
        [program, "release", *map(str, words), "--config", street.gateway.config], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def state(street: Street, board: Board) -> dict[str, Any]:
    """What the town knows of a board."""
    return next(device for device in street.gateway.get("/api/latest")["devices"] if device["id"] == board.device)


def order(street: Street) -> dict[str, Any]:
    """The newest order as `release status` shows it."""
    return json.loads(gateway(street, "status", "--json").splitlines()[-1])


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("signing")
    return signing.create(folder, None), folder / "release.pub"


@pytest.fixture
def street(tmp_path: Path, keys):
    firmware = tmp_path / "firmware"
    firmware.mkdir()
    dict(compile_to(firmware, "0.1.0"))
    with Street(
        tmp_path / "street", BOARDS[:1], firmware=firmware, on_flash=True, files={"release.pub": keys[1]}
    ) as street:
        yield street


def taken(street: Street) -> int:
    street.read_flights()
    return sum(flight.taken for flight in street.flights.values())


def published(street: Street, tmp_path: Path, keys, content: dict[str, bytes]) -> None:
    pack = tmp_path / "new.pack"
    pack.write_bytes(signing.pack(content, keys[0], version="0.2.0", floor="0.1.0", date=2_000_000_000))
    gateway(street, "publish", pack, "--percent", 100)


def test_a_board_updates_itself_and_goes_on_measuring_without_losing_a_reading(
    street: Street, tmp_path: Path, keys
) -> None:
    (board,) = street.boards
    assert until(lambda: taken(street) >= 10, 60)
    published(street, tmp_path, keys, files("0.2.0"))
    assert until(lambda: order(street)["done"] == 1, 120, 1), board.process.log.read_text()[-3000:]
    assert "bordstein 0.2.0" in board.process.log.read_text()
    before = taken(street)
    assert until(lambda: taken(street) >= before + 10, 60)
    assert order(street)["state"] == "finished"
    assert street.finish(60), "not everything arrived"
    verdict = street.verdict()
    assert verdict.whole, "\n".join(verdict.sentences())
