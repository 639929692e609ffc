"""A board that sleeps between its readings: real firmware that really ends at each sleep, a real broker that keeps what
waits for it, a real gateway that shows it asleep."""

import contextlib
from pathlib import Path
from typing import Any

from bordstein_gateway.store import Store
from tests.hardware.scenarios import BOARDS
from tests.street import account
from tests.street.boards import Board
from tests.street.processes import until
from tests.street.recorder import Flight
from tests.street.servers import Gateway, Mosquitto, Town
from tests.street.test_board_config import DEVICE, run

AIR = {"air": {**BOARDS[0]["sensors"]["air"], "interval_s": 15}}
SLEEPS = {"sensors": AIR, "sleep": {"every_s": 15, "send_each": 2, "stay_s": 0}, "spool": {"batch_s": 3600}}


def seen(gateway: Gateway) -> dict[str, Any]:
    return next((device for device in gateway.get("/api/latest")["devices"] if device["id"] == DEVICE), {})


def said(gateway: Gateway) -> dict[str, Any]:
    with contextlib.closing(Store.open(gateway.store)) as store:
        return next((device.report for device in store.devices() if device.device == DEVICE), {})


def test_a_board_sleeps_sends_what_it_read_and_fetches_what_waits(town: Town, tmp_path: Path) -> None:
    with (
        Mosquitto(town, folder=tmp_path / "broker") as broker,
        Gateway(town, broker, folder=tmp_path / "gateway") as gateway,
        Board(town, broker, DEVICE, BOARDS[0], folder=tmp_path / "board", config=SLEEPS) as board,
    ):
        assert until(lambda: seen(gateway).get("state") == "sleeping", 30), board.process.tail()
        assert seen(gateway)["wake"] and not seen(gateway)["overdue"]
        boot, first = said(gateway)["next"]

        # It sleeps: the broker keeps the command, and the clerk is told so.
        sent = run(gateway, "command", DEVICE, "sample", "--wait", 1)
        assert sent.returncode == 0 and "asleep until" in sent.stdout + sent.stderr, sent
        assert until(lambda: '"read": ["air"]' in run(gateway, "results", DEVICE).stdout, 60), board.process.tail()
        assert until(lambda: said(gateway)["next"][1] >= first + 2 and seen(gateway)["state"] == "sleeping", 60)
        assert said(gateway)["next"][0] == boot and said(gateway)["reset"] == "power-on" and board.starts >= 3
        assert said(gateway)["interval"] == {"air": 15}

        # What it had taken by then is in the store, once and as it was.
        board.cut_power()
        number = tuple(said(gateway)["next"])
        flight = Flight(board.recorder)
        flight.read()
        packs = [pack for pack in flight.packs if pack.number < number]
        taken = [reading for pack in packs for reading in pack.readings_of(DEVICE)]
        stored = gateway.stored()
        assert len(stored) >= len(taken) >= 3 * 3
        for reading in taken:
            if reading.exact:
                assert account.same(stored[DEVICE, reading.series, reading.time], reading.value)
        assert sum(reading.exact for reading in taken) >= len(taken) - 3  # the first: the clock was not set yet
        assert board.crash is None
