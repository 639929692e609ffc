"""A real gateway with a backlog: newest first, killed on the way, paused by somebody beside it."""

import time
from pathlib import Path

import pytest

from bordstein_gateway.store import Store
from tests.gateway.forwarding import measure, same
from tests.street.processes import until
from tests.street.receivers import SensorThings
from tests.street.servers import Gateway, Mosquitto, Town

COUNT = 500
NAME = "sensorthings"


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path / "town")


def test_a_backlog_is_sent_newest_first_and_once_though_the_gateway_is_killed_and_paused(
    town: Town, tmp_path: Path
) -> None:
    receiver = SensorThings(tmp_path)
    with receiver, Mosquitto(town, folder=tmp_path / "broker") as broker:
        section = {**receiver.section(), "batch": 20, "backfill_rate": 150}
        gateway = Gateway(town, broker, forward={NAME: section}, folder=tmp_path / "gateway")
        store = Store.open(gateway.store)
        measure(store, COUNT)
        first = store.readings_after(0, 1)[0].received
        assert until(lambda: time.time() - first > 3, 20), "a backlog is one once it is some seconds old"
        with gateway:
            assert until(lambda: len(receiver.arrived()) > COUNT / 4, 60)
            gateway.kill()
            gateway.start()
            (order,) = store.backfills(NAME)
            assert store.place_get(NAME).next_id == COUNT + 1 and order.first_id == 1
            store.pause_set(NAME, reason="moving house").result()  # as the command line does, beside the gateway
            assert until(lambda: "paused" in gateway.log.read_text(), 60)
            before = len(receiver.arrived())
            (order,) = store.backfills(NAME)
            assert COUNT - order.last_id <= before < COUNT, "a marked block may be there"
            store.pause_end(NAME).result()
            assert until(lambda: not store.backfills(NAME), 60)
        arrived = [time for (_, _, time), _ in receiver.arrived()]
        assert arrived[:20] == sorted(arrived)[-20:], "the newest came first"
        same(receiver, store)
        store.close()
