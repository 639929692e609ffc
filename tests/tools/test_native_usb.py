"""The chip's own USB (C3, S3): its port goes at a reset and returns under another name; the real programs follow it."""

import functools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bordstein_tools import cli
from bordstein_tools.board import ports
from bordstein_tools.board.cable import Cable
from bordstein_tools.texts import Problem
from tests.hardware.micropython import HARDWARE, command
from tests.hardware.usb import UsbBoard
from tests.street import van
from tests.tools import cabled
from tests.tools.flash_image import image

pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # of pyserial
SERIAL_NUMBER = "24:A1:60:12:34:56"
RESTARTING = b"""
import machine, time
for _ in range(15):
    print("on")
    time.sleep_ms(100)
machine.reset()
"""


@functools.total_ordering
class Listed:
    """As pyserial lists a port."""

    vid, pid = 0x303A, 0x1001

    def __init__(self, device: str, serial_number: str | None = SERIAL_NUMBER) -> None:
        self.device, self.serial_number = device, serial_number

    def __lt__(self, other: "Listed") -> bool:
        return self.device < other.device


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[UsbBoard]:
    flash = tmp_path / "chip"
    scenario = tmp_path / "scenario.json"
    scenario.write_text(json.dumps({"mac": cabled.DEVICE, "flash": str(flash), "rtc": str(tmp_path / "rtc")}))
    program = command(HARDWARE / "console.py", scenario)
    monkeypatch.setenv("BORDSTEIN_LANG", "en")
    with UsbBoard(flash, program, chip="esp32c3", mac=cabled.DEVICE, native=True) as board:
        other = Listed("/dev/other", "24:A1:60:00:00:00")
        monkeypatch.setattr(
            ports.list_ports, "comports", lambda: [other, *([Listed(url)] if (url := board.url) else [])]
        )
        yield board


def bordstein(*words: object) -> Any:
    done = CliRunner().invoke(cli.app, [*map(str, words), "--json"])
    assert done.exit_code == 0 and not done.stderr, (done.output, done.exception)
    return json.loads(done.stdout)


def test_flash_deploy_and_show_go_on_where_the_port_is_then(board: UsbBoard, tmp_path: Path) -> None:
    works = van.works(tmp_path / "works")
    (tmp_path / "image.bin").write_bytes(image("esp32c3"))
    flashed = bordstein("flash", "--port", board.url, "--image", tmp_path / "image.bin")
    assert flashed["port"] == board.url == board.urls[1]
    release = ("--release", works / "bordstein-0.1.0.pack", "--public", works / "signing" / "release.pub")
    deployed = bordstein("deploy", "--port", flashed["port"], *release)
    assert deployed["port"] == board.url == board.urls[2] and deployed["written"] > 10
    shown = bordstein("show", "--port", deployed["port"])
    assert (shown["device"], shown["software"]) == (cabled.DEVICE, "0.1.0")


def test_what_a_board_says_is_heard_on_after_each_of_its_restarts(board: UsbBoard) -> None:
    board.loader.flash.write_bytes(image("esp32c3") + bytes(4 << 20))
    board.press_reset()
    with Cable.open(board.url) as cable:
        cable.write("main.py", RESTARTING)
        cable.reset()
        assert cable.port == board.urls[1]
        heard: dict[str, str] = {}
        end = time.monotonic() + 30
        for line in cable.lines(lambda: len(heard) < 2 and time.monotonic() < end):
            if line == "on":
                heard[cable.port] = line
        assert len(heard) == 2 and set(heard) < set(board.urls)


def test_one_that_does_not_return_is_said(board: UsbBoard) -> None:
    known = ports.at(board.url)
    assert known.vanishes and known.serial_number == SERIAL_NUMBER
    board.unplug()
    board.url = ""
    with pytest.raises(Problem, match="is the board plugged in"):
        ports.again(known, 0)
