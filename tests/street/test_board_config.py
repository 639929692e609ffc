"""A board told from the town hall: the command of the gateway, a real broker with the shipped rights, real firmware."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from bordstein_gateway.store import Store
from tests import warm
from tests.hardware.scenarios import BOARDS
from tests.street.boards import Board
from tests.street.processes import until
from tests.street.servers import Gateway, Mosquitto, Town

DEVICE = "24a160000001"


@pytest.fixture
def broker(own_broker: Mosquitto) -> Mosquitto:
    return own_broker


@pytest.fixture
def gateway(own_gateway: Gateway) -> Gateway:
    return own_gateway


@pytest.fixture
def board(town: Town, broker: Mosquitto, gateway: Gateway, tmp_path: Path) -> Iterator[Board]:
    with Board(town, broker, DEVICE, BOARDS[0], folder=tmp_path / "board", keeps=["config.json"]) as board:
        assert until(lambda: reported(gateway).get("running") == 0, 60), board.process.tail()
        yield board


def reported(gateway: Gateway) -> dict[str, Any]:
    for device in gateway.get("/api/latest")["devices"]:
        if device["id"] == DEVICE:
            return device["config"] or {}
    return {}


def intervals(gateway: Gateway) -> dict[str, int]:
    """What the board's state says."""
    with contextlib.closing(Store.open(gateway.store)) as store:
        return next(device.report.get("interval", {}) for device in store.devices() if device.device == DEVICE)


def run(gateway: Gateway, *arguments: object) -> subprocess.CompletedProcess[str]:
    words = ("board", *arguments, "--config", gateway.config)
    done = warm.run("bordstein-gateway", *words, env={"COLUMNS": "200"}, timeout=120)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def wanted(board: Board, folder: Path, **changes: Any) -> Path:
    """A file with the board's configuration, without what the gateway need not know, and with changes."""
    made = {key: value for key, value in board.config.items() if key != "mqtt"}
    file = folder / "wanted.json"
    file.write_text(json.dumps({**made, "trial_s": 15, **changes}))
    return file


def test_a_new_interval_is_kept_and_a_wrong_broker_is_left_again(
    town: Town, gateway: Gateway, board: Board, broker: Mosquitto, tmp_path: Path
) -> None:
    sensors = {name: {**sensor, "interval_s": 4} for name, sensor in board.config["sensors"].items()}
    done = run(gateway, "config", DEVICE, wanted(board, tmp_path, sensors=sensors), "--wait", 60)
    assert done.returncode == 0 and "the board keeps it" in done.stdout, (done, board.process.tail())
    runs = {"wanted": 1, "reported": 1, "running": 1, "ok": True, "problems": [], "changed": False}
    end = x509.load_der_x509_certificate(town.device(DEVICE).certificate_der.read_bytes()).not_valid_after_utc
    runs |= {"certificate": f"{end:%Y-%m-%d}"}
    # The command hears the board's report from the broker, perhaps before the gateway has stored it.
    assert until(lambda: reported(gateway) == runs, 30), reported(gateway)
    starts = board.starts
    board.cut_power()
    board.power_on()
    assert until(lambda: board.starts > starts and set(intervals(gateway).values()) == {4}, 30)

    lost = {**board.config["mqtt"], "port": 1}
    done = run(gateway, "config", DEVICE, wanted(board, tmp_path, mqtt=lost), "--wait", 90)
    assert done.returncode == 1 and "no answer from the gateway within 15 s" in done.stderr, (
        done,
        board.process.tail(),
    )
    back = {"wanted": 2, "reported": 2, "running": 1, "ok": False}
    assert until(lambda: back.items() <= reported(gateway).items(), 30), reported(gateway)
    assert until(lambda: set(intervals(gateway).values()) == {4}, 30)
    assert board.crash is None


def test_commands_give_their_result_and_a_board_that_goes_is_blank(
    town: Town, gateway: Gateway, board: Board, tmp_path: Path
) -> None:
    read = run(gateway, "command", DEVICE, "sample", "--sensor", "air")
    assert read.returncode == 0 and json.loads(read.stdout) == {"read": ["air"], "failed": []}
    assert run(gateway, "command", DEVICE, "interval", "--sensor", "air", "--seconds", 7).stdout == "done\n"
    assert until(lambda: intervals(gateway)["air"] == 7, 20)
    lines = run(gateway, "command", DEVICE, "log").stdout
    assert f"device {DEVICE}" in lines
    refused = run(gateway, "command", DEVICE, "calibrate", "--sensor", "air", "--what", "dry")
    assert (
        refused.returncode == 1 and refused.stderr == "air has nothing that could be calibrated, or is not there yet\n"
    )
    silent = run(gateway, "command", "24a1600000ff", "reboot", "--wait", 1)
    assert silent.returncode == 1 and "no answer within 1 s" in silent.stderr

    flash = tmp_path / "board" / "flash"
    key = town.device(DEVICE).key_der.read_bytes()
    assert key in flash.read_bytes()
    assert run(gateway, "command", DEVICE, "decommission").returncode == 2
    gone = run(gateway, "command", DEVICE, "decommission", "--confirm", DEVICE)
    assert (gone.returncode, gone.stdout) == (0, "done\n"), gone
    assert until(lambda: "this board is blank" in board.process.tail(40), 60), board.process.tail()
    assert key not in flash.read_bytes() and board.crash is None
    assert reported(gateway) == {}
