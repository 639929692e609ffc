"""The whole service: one on a store, its watchdog, and an end in order while readings flow."""

import asyncio
import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bordstein_gateway import notify, service
from bordstein_gateway.boards.presence import GRACE_MS, SILENCE_MS, wake
from bordstein_gateway.config.config import Config, Http, Mqtt
from bordstein_gateway.status import ServiceState
from bordstein_gateway.store import Device, Store, StoreError
from bordstein_gateway.store.sqlite.lock import only_writer
from bordstein_gateway.web.listen import NoAddress, listen
from tests.gateway.packs import DEVICE, pack, state, write
from tests.street.client import Client
from tests.street.processes import Process, free_port
from tests.street.servers import Gateway, Mosquitto, Town


@pytest.fixture
def broker(town: Town, tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(town, folder=tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def gateway(town: Town, broker: Mosquitto, tmp_path: Path) -> Iterator[Gateway]:
    with Gateway(town, broker, folder=tmp_path / "gateway") as gateway:
        yield gateway


# --- its store ------------------------------------------------------------------------------------------------------


def test_a_second_gateway_on_the_same_store_ends_with_a_sentence(gateway: Gateway, tmp_path: Path) -> None:
    second = Process("second", gateway.command, tmp_path / "second.log", gateway.environment)
    second.start()
    assert second.process is not None and second.process.wait(20) == 1
    (line,) = second.log.read_text().splitlines()
    assert f"Another bordstein-gateway runs on {gateway.store}; stop it" in line
    gateway.kill()
    gateway.start()  # a crash leaves no lock behind


def test_the_lock_is_free_again_at_the_end(tmp_path: Path) -> None:
    for _ in range(2):
        with only_writer(tmp_path / "store.sqlite"):
            pass


def test_a_lock_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreError, match=re.escape(str(tmp_path / "none"))),
        only_writer(tmp_path / "none/store.sqlite"),
    ):
        pass


def test_without_the_pages_address_no_message_is_taken(gateway: Gateway) -> None:
    assert gateway.stop() == 0
    gateway.log.unlink()
    with socket.create_server(("127.0.0.1", gateway.port)):
        gateway.start(wait=False)
        assert gateway.process is not None and gateway.process.wait(20) == 1
    (line,) = gateway.log.read_text().splitlines()
    assert f"Port {gateway.port} is taken; change http.port or end the other program." in line


@pytest.mark.parametrize("host", ["nowhere.invalid", "192.0.2.1"])
def test_a_foreign_address_for_the_pages_is_a_sentence(host: str) -> None:
    with pytest.raises(NoAddress, match=f"^{host} is no address of this machine; change http.host.$"):
        listen(Http(host=host, port=free_port()))


def test_a_data_folder_that_cannot_be_made_is_named(gateway: Gateway) -> None:
    assert gateway.stop() == 0
    gateway.log.unlink()
    gateway.config.write_text(gateway.config.read_text().replace(str(gateway.data), "/proc/bordstein"))
    gateway.start(wait=False)
    assert gateway.process is not None and gateway.process.wait(20) == 1
    (line,) = gateway.log.read_text().splitlines()
    assert "gateway.data: the folder /proc/bordstein can't be made" in line


def test_sigterm_while_readings_flow_ends_in_order_and_loses_nothing(
    gateway: Gateway, broker: Mosquitto, town: Town
) -> None:
    with Client(broker.port, town.context(town.device(DEVICE)), name=DEVICE) as board:
        board.subscribe(f"bordstein/v1/{DEVICE}/receipt")
        now, sent = int(time.time()) - 3600, 0
        for stop_at in (50, 100):
            while sent < stop_at:
                arrival = pack(1, sent, at=now + sent)
                board._client.publish(arrival.topic, arrival.payload, qos=1)  # flow: nobody waits for an answer
                sent += 1
            assert gateway.stop() == 0, gateway.tail()
            gateway.start()
        covered: set[int] = set()
        while covered != set(range(sent)):
            receipt = json.loads(board.receive().payload)
            for _, lo, hi in [(1, receipt.get("from", 0), receipt["seq"]), *receipt.get("more", [])]:
                covered |= set(range(lo, hi + 1))
    assert len(gateway.stored()) == sent
    (device,) = gateway.get("/api/latest")["devices"]
    assert (device["completeness"]["arrived"], device["completeness"]["missing"]) == (sent, 0)


# --- the watchdog ---------------------------------------------------------------------------------------------------


class Enough(Exception):
    """So many beats were seen."""


def beats(
    state: ServiceState, monkeypatch: pytest.MonkeyPatch, *, alive: bool = True, standing: float = 0.0
) -> tuple[int, int]:
    """How often in five rounds systemd was told (ready, alive). `standing`: seconds since the way in last turned."""
    told = {"ready": 0, "alive": 0}
    rounds = 0

    def tell(word: str) -> None:
        told[word] += 1

    async def sleep(seconds: float) -> None:
        nonlocal rounds
        rounds += 1
        state.ingest.last_turn = time.monotonic() - standing
        if rounds == 5:
            raise Enough

    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    monkeypatch.setattr(notify, "ready", lambda *_: tell("ready"))
    monkeypatch.setattr(notify, "alive", lambda *_: tell("alive"))
    monkeypatch.setattr(asyncio, "sleep", sleep)
    ingest: Any = SimpleNamespace(alive=alive, ready=SimpleNamespace(is_set=lambda: True))
    state.ingest.last_turn = time.monotonic() - standing
    with pytest.raises(Enough):
        asyncio.run(service._watch(state, ingest))
    return told["ready"], told["alive"]


def watched(store: Store) -> ServiceState:
    return ServiceState(Config(mqtt=Mqtt(host="localhost")), store)


def test_the_watchdog_is_fed_while_all_is_well(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    state = watched(store)
    state.ingest.trouble = "The broker is away."  # not the service's fault
    assert beats(state, monkeypatch) == (1, 5)


def test_the_watchdog_is_not_fed_when_the_store_takes_no_writes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    state = watched(store)
    state.ingest.store_trouble = "The disk is full."
    assert beats(state, monkeypatch) == (1, 0)


def test_the_watchdog_is_not_fed_when_the_way_in_stands_still_or_has_ended(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert beats(watched(store), monkeypatch, standing=16) == (1, 0)
    assert beats(watched(store), monkeypatch, alive=False) == (1, 0)


# --- who is there ---------------------------------------------------------------------------------------------------


def only(store: Store) -> Device:
    (device,) = store.devices()
    return device


@pytest.mark.parametrize(("age_ms", "present"), [(SILENCE_MS - 60_000, True), (SILENCE_MS + 1_000, False)])
def test_a_board_that_is_silent_for_too_long_is_gone(store: Store, age_ms: int, present: bool) -> None:
    write(store, [state("ready"), pack(1, 0)], time.time() - age_ms / 1000)
    assert only(store).present is present
    assert only(store).state == "ready"  # its own last word


@pytest.mark.parametrize(
    ("asleep_s", "wakes_s", "present", "overdue"),
    [
        (3600, 3600, True, False),  # asleep since an hour, for another one
        (3600, -60, True, False),  # late, but not by as long as it slept
        (3600, -3500, True, False),
        (3600, -3700, False, True),
        (60, -GRACE_MS // 1000 + 10, True, False),
        (60, -GRACE_MS // 1000 - 10, False, True),
    ],
)
def test_a_board_that_sleeps_is_there_until_it_is_overdue(
    store: Store, asleep_s: int, wakes_s: int, present: bool, overdue: bool
) -> None:
    now = int(time.time())
    begun = now - asleep_s + min(wakes_s, 0)
    write(store, [state("sleeping", wake=now + wakes_s)], begun)
    found = only(store)
    assert (found.wake, found.present, found.overdue) == ((now + wakes_s) * 1000, present, overdue)
    write(store, [state("ready")], now)
    assert (only(store).wake, only(store).present, only(store).overdue) == (None, True, False)


@pytest.mark.parametrize("nonsense", [None, "14:30", 1.5, True, -1, 0, 10**12, [1], {}])
def test_a_wake_that_is_none_is_left_out_and_the_rest_is_taken(store: Store, nonsense: Any) -> None:
    now = time.time()
    write(store, [state("sleeping", wake=nonsense, version="1.1")], now)
    found = only(store)
    assert (found.state, found.version, found.wake, found.present) == ("sleeping", "1.1", None, True)
    write(store, [state("sleeping", wake=nonsense)], now - SILENCE_MS / 1000 - 1)  # then it is as any other
    assert wake("sleeping", {"wake": nonsense}) is None and wake("ready", {"wake": 1_800_000_000}) is None


def test_a_state_that_the_broker_says_once_more_is_no_news(store: Store) -> None:
    now = int(time.time())
    slept = now - 7300
    write(store, [state("sleeping", wake=slept + 3600)], slept)
    before = only(store)
    assert before.overdue
    write(store, [state("sleeping", wake=slept + 3600, retained=True)], now)
    assert only(store) == before
    write(store, [state("sleeping", wake=now + 3600, retained=True)], now)
    assert only(store).state_received == now * 1000 and not only(store).overdue


def test_a_farewell_that_comes_after_the_board_is_back_is_not_heard(store: Store) -> None:
    now = time.time()
    write(store, [state("ready", boot=5)], now - 20)
    write(store, [state("lost", boot=4)], now - 10)
    assert (only(store).state, only(store).present) == ("ready", True)
    write(store, [state("lost", boot=5)], now - 5)
    assert (only(store).state, only(store).present) == ("lost", False)
    write(store, [pack(5, 0, at=now)], now)  # and yet it is there
    assert only(store).present
