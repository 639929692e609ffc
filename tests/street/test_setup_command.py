"""From a blank chip to a board whose readings are in the gateway, by one command: the real esptool and the real
mpremote on a virtual board whose cable has reset lines, a real broker, a real gateway."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hardware.usb import UsbBoard
from tests.street import van as vans
from tests.street.processes import until
from tests.street.servers import Gateway, Mosquitto, Town
from tests.street.van import DEVICE, REGISTER, board_on_a_cable
from tests.tools.typed import Terminal


@pytest.fixture
def van(town: Town, own_broker: Mosquitto, tmp_path: Path) -> Path:
    return vans.van(tmp_path / "van", town, own_broker)


def bordstein(van: Path, works: Path, board: UsbBoard, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(Path(sys.executable).with_name("bordstein"), "setup", "--port", board.url, *vans.software(works)),
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
        done = bordstein(van, works, board)
        assert done.returncode == 0, (done.stdout, done.stderr, board.log.read_text()[-2000:])
        assert f"device {DEVICE}: ready to mount" in done.stdout and "Traceback" not in done.stderr
        steps = [line for line in done.stderr.splitlines() if line.endswith("…")]
        assert [step.split()[0] for step in steps] == (
            ["looking", "putting", "putting", "issuing", "writing", "self-test", "restarting"]
        ), steps
        items = [line.split(":")[0] for line in done.stdout.splitlines() if line.startswith("✓ ")]
        assert items[0] == "✓ sensor air" and "✓ receipt" in items and "✓ clock" in items, items
        devices = {device["id"]: device for device in own_gateway.get("/api/latest")["devices"]}
        assert devices[DEVICE]["state"] in ("init", "ready")
        with (van / REGISTER).open(encoding="utf-8") as file:
            (row,) = csv.DictReader(file)
        assert row["device"] == DEVICE and row["place"] == "Marktplatz 7" and row["asset"] == "BS-0042"
        assert (van / "label.pdf").read_bytes().startswith(b"%PDF")
        # No key of a board stays in the van, and none was printed.
        assert not list(van.rglob("device.key*")) and "PRIVATE" not in done.stdout + done.stderr
        stored = len(own_gateway.stored())
        again = bordstein(van, works, board, "--json")
        assert again.returncode == 0, (again.stdout, again.stderr)
        assert json.loads(again.stdout)["ready"] is True and "issuing" not in again.stderr
        assert until(lambda: len(own_gateway.stored()) > stored, 30)


def test_without_a_gateway_it_is_not_ready_and_the_board_says_why(
    van: Path, works: Path, own_broker: Mosquitto, tmp_path: Path
) -> None:
    own_broker.stop()
    with board_on_a_cable(tmp_path) as board:
        done = bordstein(van, works, board, "--wait", "15")
    assert done.returncode == 1 and "NOT ready" in done.stdout, (done.stdout, done.stderr)
    assert "✗ broker (TLS): " in done.stdout and "→" in done.stdout, done.stdout
    assert not (van / "label.pdf").exists() and not (van / REGISTER).exists()


def test_five_answers_at_a_terminal_are_enough_and_the_board_is_in_the_gateways_register(
    van: Path, works: Path, town: Town, own_broker: Mosquitto, tmp_path: Path
) -> None:
    (van / "register.token").write_text("token-of-this-town")
    (van / REGISTER).write_text("device,asset,place\n24a160000041,BS-0041,Rathaus\n")
    settings = {"http": {"register_token_file": str(van / "register.token")}}
    folder = tmp_path / "board"
    folder.mkdir()
    vans.with_micropython(folder)
    with (
        Gateway(town, own_broker, folder=tmp_path / "gateway", settings=settings) as gateway,
        board_on_a_cable(folder) as board,
    ):
        vans.town_file(van, own_broker, url=gateway.url, token_file="register.token")
        with Terminal("setup", "--port", board.url, *vans.software(works), folder=van) as terminal:
            questions = (
                ("mitte  Stadtmitte", "Site [nord]:", b"2\r"),
                ("Asset number [BS-0042]:", b"\r"),
                ("Where it will hang", b"Marktplatz 7\r"),
                ("Network (or name of a Wi-Fi) [stadt]:", b"\r"),
                ("Sensors [luft]:", b"\r"),
            )
            for *shown, answer in questions:
                terminal.wait_for(*shown)
                terminal.type(answer)
            terminal.wait_for("ready to mount", seconds=90)
            assert terminal.ends() == 0 and "registered: " + gateway.url in terminal.said, terminal.said
            assert not any(secret in terminal.said for secret in vans.SECRETS)
        with (van / REGISTER).open(encoding="utf-8") as file:
            assert [row["asset"] for row in csv.DictReader(file)] == ["BS-0041", "BS-0042"]
        (found,) = gateway.get("/api/latest")["devices"]
        assert (found["id"], found["name"], found["asset"]) == (DEVICE, "Marktplatz 7", "BS-0042"), found
