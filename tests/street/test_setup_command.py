"""From a blank chip to a board whose readings are in the gateway, by one command: the real esptool and the real
mpremote on a virtual board whose cable has reset lines, a real broker, a real gateway."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bordstein_tools import signing
from tests.hardware.micropython import HARDWARE, command
from tests.hardware.scenarios import BOARDS
from tests.hardware.usb import UsbBoard
from tests.street.boards import mqtt_section
from tests.street.processes import until
from tests.street.servers import Gateway, Mosquitto, Town
from tests.tools.flash_image import image
from tools.dev.mpy import compile_to

DEVICE = "24a16000c0de"
SIGNED = 2_000_000_000


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where software is signed: a release of this firmware, and its public key."""
    folder = tmp_path_factory.mktemp("works")
    dict(compile_to(folder / "firmware"))
    key = signing.create(folder / "signing", None)
    files = {
        file.relative_to(folder / "firmware").as_posix(): file.read_bytes()
        for file in (folder / "firmware").glob("bordstein/**/*.mpy")
    }
    pack = signing.pack(files, key, version="0.1.0", floor="0.1.0", date=SIGNED)
    (folder / "bordstein-0.1.0.pack").write_bytes(pack)
    return folder


@pytest.fixture
def van(town: Town, own_broker: Mosquitto, works: Path, tmp_path: Path) -> Path:
    """The technician's folder: configuration, authority, image, software; no internet."""
    folder = tmp_path / "van"
    folder.mkdir()
    scenario = BOARDS[0]
    mqtt = {**mqtt_section(own_broker), "ca": "ca.der", "cert": "device.der", "key": "device.key.der"}
    made = {
        "name": "noch niemandes",
        "board": "esp32-devkitc",
        "mqtt": mqtt,
        "buses": scenario["buses"],
        "sensors": {"air": {**scenario["sensors"]["air"], "interval_s": 2}},
    }
    (folder / "config.json").write_text(json.dumps(made))
    (folder / "bordstein-ca").symlink_to(town.authority.directory)
    (folder / "micropython.bin").write_bytes(image("esp32"))
    return folder


def board_on_a_cable(folder: Path, **more: Any) -> UsbBoard:
    flash = folder / "chip"
    scenario = {"mac": DEVICE, "flash": str(flash), "chips": BOARDS[0]["chips"], "rtc": str(folder / "rtc")}
    file = folder / "scenario.json"
    file.write_text(json.dumps(scenario))
    return UsbBoard(flash, command(HARDWARE / "console.py", file), mac=DEVICE, **more)


def bordstein(van: Path, works: Path, board: UsbBoard, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(Path(sys.executable).with_name("bordstein"), "setup", "--port", board.url, "--image", "micropython.bin"),
            *("--release", str(works / "bordstein-0.1.0.pack"), "--public", str(works / "signing" / "release.pub")),
            *("--place", "Marktplatz 7", "--asset", "BS-0042", "--label", "label.pdf", "--yes", *words),
        ],
        cwd=van,
        env={**os.environ, "BORDSTEIN_LANG": "en", "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )


def test_a_blank_chip_reports_after_one_command_and_a_second_one_only_looks(
    van: Path, works: Path, own_gateway: Gateway, tmp_path: Path
) -> None:
    with board_on_a_cable(tmp_path) as board:
        done = bordstein(van, works, board, "--register", "boards.csv")
        assert done.returncode == 0, (done.stdout, done.stderr, board.log.read_text()[-2000:])
        assert f"device {DEVICE}: ready to mount" in done.stdout and "Traceback" not in done.stderr
        steps = [line for line in done.stderr.splitlines() if line.endswith("…")]
        assert [step.split()[0] for step in steps] == ["putting", "putting", "issuing", "writing", "waiting"], steps
        devices = {device["id"]: device for device in own_gateway.get("/api/latest")["devices"]}
        assert devices[DEVICE]["state"] in ("init", "ready")
        with (van / "boards.csv").open(encoding="utf-8") as file:
            (row,) = csv.DictReader(file)
        assert row["device"] == DEVICE and row["place"] == "Marktplatz 7" and row["asset"] == "BS-0042"
        assert (van / "label.pdf").read_bytes().startswith(b"%PDF")
        # No key of a board stays in the van, and none was printed.
        assert not list(van.rglob("device.key*")) and "PRIVATE" not in done.stdout + done.stderr
        stored = len(own_gateway.stored())
        again = bordstein(van, works, board, "--register", "boards.csv", "--json")
        assert again.returncode == 0, (again.stdout, again.stderr)
        assert json.loads(again.stdout)["ready"] is True and "issuing" not in again.stderr
        assert until(lambda: len(own_gateway.stored()) > stored, 30)


def test_without_a_gateway_it_is_not_ready_and_the_board_says_why(
    van: Path, works: Path, own_broker: Mosquitto, tmp_path: Path
) -> None:
    own_broker.stop()
    with board_on_a_cable(tmp_path) as board:
        done = bordstein(van, works, board, "--wait", "15")
    assert done.returncode == 1 and "NOT ready" in done.stdout and "link:" in done.stdout, (done.stdout, done.stderr)
    assert not (van / "label.pdf").exists() and not (van / "boards.csv").exists()


@pytest.mark.parametrize("pulled_after", [20000, 60000, 150000])
def test_a_cable_that_is_pulled_at_any_moment_leaves_a_board_that_the_same_command_finishes(
    van: Path, works: Path, own_gateway: Gateway, tmp_path: Path, pulled_after: int
) -> None:
    with board_on_a_cable(tmp_path) as board:
        board.unplug_at(pulled_after)
        done = bordstein(van, works, board)
        if board.unplugged.is_set():
            assert done.returncode == 1 and "Traceback" not in done.stderr and done.stderr.strip(), done
            board.plug()
        done = bordstein(van, works, board)
        assert done.returncode == 0 and "ready to mount" in done.stdout, (done.stdout, done.stderr)
