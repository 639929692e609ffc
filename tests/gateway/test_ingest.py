"""The way in against a real Mosquitto: acknowledged is what is on disk, and nothing else."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bordstein_gateway.config.config import Config, Gateway, Mqtt
from bordstein_gateway.decode.normalise import device_name
from bordstein_gateway.ingest import broker as broker_module
from bordstein_gateway.ingest.ingest import Ingest
from bordstein_gateway.status import IngestStatus
from bordstein_gateway.store import Arrival, StateReport, Store, StoreError
from tests.gateway.forwarding import BASE, DEVICE, stored
from tests.gateway.packs import pack as board_pack
from tests.street.client import Client
from tests.street.processes import until
from tests.street.servers import GATEWAY_USER, Mosquitto, Town

TOPIC = f"bordstein/v1/{DEVICE}/readings"
SERIES = "air/air_temperature"


@pytest.fixture
def broker(town: Town, tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(town, folder=tmp_path / "broker") as broker:
        yield broker


class Service:
    """The way in, in this process: store and ingest thread, without pages and forwarders."""

    def __init__(self, town: Town, broker: Mosquitto, folder: Path, protocol: int) -> None:
        self.protocol = protocol
        issued = town.gateway()
        mqtt: dict[str, Any] = {
            "host": "localhost",
            "port": broker.port,
            "client_id": GATEWAY_USER,
            "ca": str(issued.ca),
            "cert": str(issued.certificate),
            "key": str(issued.key),
            "protocol": protocol,
        }
        self.store = Store.open(folder / "store.sqlite")
        self.status = IngestStatus()
        self.ingest = Ingest(Config(gateway=Gateway(data=str(folder)), mqtt=Mqtt(**mqtt)), self.store, self.status)

    def __enter__(self) -> "Service":
        self.ingest.start()
        assert self.ingest.ready.wait(20), self.status.trouble
        return self

    def __exit__(self, *_: object) -> None:
        self.ingest.stop()
        self.store.close()

    def holds(self, count: int) -> bool:
        """Waits until the store holds so many readings."""
        return until(lambda: self.store.newest_id() >= count, 20)


@pytest.fixture(params=[4, 5], ids=["MQTT 3.1.1", "MQTT 5"])
def service(request: pytest.FixtureRequest, town: Town, broker: Mosquitto, tmp_path: Path) -> Iterator[Service]:
    with Service(town, broker, tmp_path, request.param) as service:
        yield service


@pytest.fixture
def board(town: Town, broker: Mosquitto) -> Iterator[Client]:
    with Client(broker.port, town.context(town.device(DEVICE)), name=DEVICE) as client:
        client.subscribe(f"bordstein/v1/{DEVICE}/receipt")
        yield client


def pack(seq: int, *, boot: int = 1, value: float = 8.5, at: int | None = None) -> bytes:
    records = [
        {"bn": device_name(DEVICE), "bt": BASE + seq if at is None else at, "n": "boot", "v": boot},
        {"n": "seq", "v": seq},
        {"n": SERIES, "u": "Cel", "v": value},
    ]
    return json.dumps(records).encode()


def covered(board: Client, wanted: set[tuple[int, int]]) -> None:
    """Waits until receipts name all of these (boot, seq), and no others."""
    seen: set[tuple[int, int]] = set()
    while seen != wanted:
        receipt = json.loads(board.receive().payload)
        assert abs(receipt["time"] - time.time()) < 60
        for boot, lo, hi in [(receipt["boot"], receipt.get("from", 0), receipt["seq"]), *receipt.get("more", [])]:
            seen |= {(boot, seq) for seq in range(lo, hi + 1)}
        assert seen <= wanted


def test_what_is_stored_gets_a_receipt(service: Service, board: Client) -> None:
    for seq in range(30):
        assert board.publish(TOPIC, pack(seq)) == "Success"
    covered(board, {(1, seq) for seq in range(30)})
    assert len(stored(service.store)) == 30


def test_a_receipt_names_no_pack_that_did_not_come(service: Service, board: Client) -> None:
    for seq in (5, 6, 9):
        board.publish(TOPIC, pack(seq))
    board.publish(TOPIC, pack(3, boot=2, at=BASE + 1000))
    covered(board, {(1, 5), (1, 6), (1, 9), (2, 3)})


def test_a_pack_that_comes_twice_counts_once_and_gets_its_receipt_again(service: Service, board: Client) -> None:
    board.publish(TOPIC, pack(0))
    covered(board, {(1, 0)})
    board.publish(TOPIC, pack(0))
    covered(board, {(1, 0)})
    assert len(stored(service.store)) == 1
    assert service.store.stats().packs_double == 1


def test_the_same_key_with_another_value_is_kept_aside(service: Service, board: Client) -> None:
    board.publish(TOPIC, pack(0))
    board.publish(TOPIC, pack(1, at=BASE, value=9.5))
    covered(board, {(1, 0), (1, 1)})
    assert list(stored(service.store).values()) == [8.5]
    (kept,) = service.store.quarantined()
    assert "stored as 8.5" in kept.reason and "9.5" in kept.reason


def test_a_pack_without_a_clock_that_comes_twice_counts_once(service: Service, board: Client) -> None:
    records = [
        {"bn": device_name(DEVICE), "n": "boot", "v": 1},
        {"n": "seq", "v": 0},
        {"n": "clock", "vs": "unset"},
        {"n": SERIES, "u": "Cel", "v": 8.5, "t": -3},
    ]
    for age in (0, -2):
        records[3]["t"] = -3 + age
        board.publish(TOPIC, json.dumps(records))
        covered(board, {(1, 0)})
    assert len(stored(service.store)) == 1


@pytest.mark.parametrize(
    "nonsense", [b"", b"\xff\x00", b"{}", b"[", b'[{"n":"x y","v":1}]', pack(7).replace(b"Cel", b"")]
)
def test_what_cannot_be_read_is_kept_raw_and_stops_nothing(service: Service, board: Client, nonsense: bytes) -> None:
    board.publish(TOPIC, nonsense)
    board.publish(TOPIC, pack(0))
    assert service.holds(1)
    for kept in service.store.quarantined():
        assert kept.payload == nonsense and kept.reason
    assert until(lambda: service.status.acknowledged >= 2, 20)


# --- what lay in the quarantine -------------------------------------------------------------------------------------


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[Ingest]:
    """A way in that was not started: its parts are called one by one."""
    store = Store.open(tmp_path / "store.sqlite")
    yield Ingest(Config(mqtt=Mqtt(host="localhost")), store, IngestStatus())
    store.close()


def put_aside(idle: Ingest, kind: str, payload: bytes, at: int) -> None:
    """As by a version that could not read it; somebody wants it to be read again."""
    refused = Arrival(DEVICE, f"bordstein/v1/{DEVICE}/{kind}", payload, None, "not known yet")
    idle.store.write([refused], now_ms=at * 1000)
    idle.store.quarantine_retry().result()


@pytest.mark.parametrize(("first", "word"), [(BASE + 10, "ready"), (BASE - 10, "sleeping")])
def test_an_old_state_from_the_quarantine_replaces_no_newer_one(idle: Ingest, first: int, word: str) -> None:
    text = '{"state":"ready","boot":9,"next":[9,5]}'
    now = StateReport(DEVICE, "ready", 9, "1.2", (9, 5), None, None, text, False)
    idle.store.write([], [now], now_ms=first * 1000)
    put_aside(idle, "state", b'{"state":"sleeping","boot":9,"next":[9,6],"version":"1.1"}', BASE)
    idle._read_quarantine()
    (device,) = idle.store.devices()
    older = word == "ready"
    assert (device.state, device.version, device.next) == (word, *(("1.2", (9, 5)) if older else ("1.1", (9, 6))))
    assert device.state_received == max(first, BASE) * 1000
    assert idle.store.quarantined() == []


@pytest.mark.parametrize(
    ("kind", "payload"),
    [("readings", b""), ("state", b'{"state":"ready"}'), ("command/result", b'{"id":1}'), ("readings", b"still none")],
)
def test_what_is_read_again_is_no_sign_of_life(idle: Ingest, kind: str, payload: bytes) -> None:
    put_aside(idle, kind, payload or pack(0), BASE)
    seen = idle.store.devices()[0].last_seen
    idle._read_quarantine()
    assert [device.last_seen for device in idle.store.devices()] == [seen] == [BASE * 1000]
    assert (idle.store.newest_id(), len(idle.store.quarantined())) == (not payload, payload == b"still none")


def test_a_full_disk_acknowledges_nothing_and_loses_nothing(service: Service, board: Client) -> None:
    board.publish(TOPIC, pack(0))
    covered(board, {(1, 0)})
    acknowledged = service.status.acknowledged

    def fill(connection: Any) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    service.store.submit(fill).result(20)
    text = "x" * 2000
    for seq in range(1, 40):
        records = json.loads(pack(seq))
        records[2] = {"n": "note/text", "vs": text}
        board.publish(TOPIC, json.dumps(records))
    assert until(lambda: service.status.store_trouble, 20)
    assert "full" in service.status.store_trouble.lower()
    on_disk = service.store.newest_id()
    assert on_disk < 40 and service.status.acknowledged - acknowledged <= on_disk
    service.store.database.writer.execute("PRAGMA max_page_count = 1000000")  # somebody made room
    assert service.holds(40)
    assert until(lambda: service.status.acknowledged - acknowledged >= 39, 20)
    assert service.status.store_trouble == ""


def test_the_network_gone_and_back_loses_nothing(service: Service, board: Client, broker: Mosquitto) -> None:
    for seq in range(10):
        board.publish(TOPIC, pack(seq))
    covered(board, {(1, seq) for seq in range(10)})
    broker.kill()
    assert until(lambda: not service.status.connected, 20)
    assert "localhost" in service.status.trouble
    broker.start()
    assert until(lambda: service.status.connected, 60), service.status.trouble


# --- a store that takes no writes -----------------------------------------------------------------------------------


def test_pauses_grow_until_messages_are_written_again(idle: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    store, write, now = idle.store, idle.store.write, 100.0

    def full(arrivals: Any, *more: Any) -> Any:
        """A disk with room for a heartbeat only."""
        if arrivals:
            raise StoreError("The disk is full.")
        return write(arrivals, *more)

    def come() -> float:
        """A message comes and can't be written; the pause that follows."""
        idle._take(TOPIC.encode(), pack(0), False)
        idle._commit(now)
        assert idle._store_paused and idle.status.store_trouble == "The disk is full."
        return idle._store_again - now

    monkeypatch.setattr(store, "write", full)
    pauses = []
    for _ in range(7):
        pauses.append(come())
        now = idle._store_again
        idle._try_store(now)
        assert not idle._store_paused and idle.status.store_trouble
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    idle._commit(now + 1)  # somebody's job is no proof
    assert idle.status.store_trouble
    idle._commit(now + 20)  # a while without any message is
    assert idle.status.store_trouble == ""
    assert come() == 1
    now = idle._store_again
    idle._try_store(now)
    monkeypatch.setattr(store, "write", write)
    idle._take(TOPIC.encode(), pack(0), False)
    idle._commit(now)
    assert idle.status.store_trouble == "" and store.newest_id() == 1
    monkeypatch.setattr(store, "write", full)
    assert come() == 1


def test_in_a_pause_nothing_turns_in_circles_and_nothing_is_read(idle: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(idle._selector, "select", lambda timeout: waits.append(timeout) or [])
    idle.store.attach(lambda: None)
    job = idle.store.submit(lambda _: None)
    idle._store_paused, idle._store_again = True, 107.0
    for now in (100.0, 106.75, 108.0):
        idle._wait(now)
    assert waits == [1.0, 0.25, 0.0]
    left: list[str] = []
    monkeypatch.setattr(idle._broker, "turn", lambda *_, **__: None)
    monkeypatch.setattr(idle._broker, "socket", lambda: None if left else idle._woken)
    monkeypatch.setattr(idle._broker, "leave", lambda why, _: left.append(why))
    idle._store_again = time.monotonic() + 3600
    idle._turn()
    assert "until the store takes writes again" in left[0]
    assert not job.done()
    idle.store.detach()
    assert job.done()


# --- a broker that takes few messages at a time ---------------------------------------------------------------------


_LAST = (999).to_bytes(2, "big")


class Strict:
    """An MQTT 5 broker with a Receive Maximum; the first connection ends when it is reached, unacknowledged.

    Source: MQTT 5.0 section 3.2.2.3.3.
    """

    def __init__(self, packs: dict[str, bytes], most: int) -> None:
        self.most = most
        self.receipts: set[str] = set()
        self.exceeded = False
        self.connections = 0
        self._packs = packs
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(20)

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with peer, suppress(OSError):
                self._talk(peer)

    def _talk(self, peer: socket.socket) -> None:
        data, out, asked, answered = b"", b"", False, False
        while more := peer.recv(1 << 16):
            data += more
            while (found := _packet(data)) is not None:
                kind, body, data = found
                if kind == 1:
                    peer.sendall(b"\x20\x06\x00\x00\x03\x21" + self.most.to_bytes(2, "big"))
                elif kind == 8:
                    peer.sendall(b"\x90\x07" + body[:2] + b"\x00" + b"\x01" * 4)
                    if self.connections == 1:
                        peer.sendall(b"".join(publish_5(*one, mid) for mid, one in enumerate(self._packs.items(), 1)))
                elif kind == 3:
                    size = int.from_bytes(body[:2], "big")
                    out += b"\x40\x02" + body[2 + size : 4 + size]
                    self.receipts.add(body[2 : 2 + size].decode().split("/")[2])
                elif kind == 4 and body[:2] == _LAST:
                    answered = True
            if len(out) > 4 * self.most:
                self.exceeded = True
                return
            if len(out) == 4 * self.most and not asked:
                # When the gateway has acknowledged this, whatever it wanted to send before has come, too.
                peer.sendall(publish_5(f"bordstein/v1/{DEVICE}/state", b'{"state":"ready"}' + b" " * 100, 999))
                asked = True
            if answered:
                if self.connections == 1:
                    return
                peer.sendall(out)
                out, asked, answered = b"", False, False


def _packet(data: bytes) -> tuple[int, bytes, bytes] | None:
    """(kind, body, rest) of the first whole packet."""
    size = shift = 0
    for place, digit in enumerate(data[1:5], 2):
        size |= (digit & 127) << shift
        shift += 7
        if digit < 128:
            end = place + size
            return (data[0] >> 4, data[place:end], data[end:]) if len(data) >= end else None
    return None


def publish_5(topic: str, payload: bytes, mid: int) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic.encode() + mid.to_bytes(2, "big") + b"\x00" + payload
    assert 127 < len(body) < 1 << 14
    return bytes([0x32, len(body) & 127 | 128, len(body) >> 7]) + body


def test_a_broker_gets_no_more_receipts_at_a_time_than_it_takes(tmp_path: Path) -> None:
    boards = [f"24a1600000{number:02x}" for number in range(30)]
    packs = {f"bordstein/v1/{board}/readings": board_pack(1, 0, device=board).payload for board in boards}
    strict = Strict(packs, 5)
    store = Store.open(tmp_path / "store.sqlite")
    mqtt = Mqtt(host="127.0.0.1", port=strict.port, tls=False, protocol=5)
    ingest = Ingest(Config(mqtt=mqtt), store, IngestStatus())
    ingest.start()
    try:
        assert until(lambda: strict.receipts == set(boards) or strict.exceeded, 20)
        assert not strict.exceeded and strict.connections == 2
    finally:
        ingest.stop()
        store.close()
        strict.close()


def test_a_second_gateway_with_the_same_client_id_is_said_until_it_is_gone(
    service: Service, town: Town, broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "second").mkdir()
    with Service(town, broker, tmp_path / "second", service.protocol) as second:
        for one in (service, second):
            assert until(lambda one=one: "(a second gateway?)" in one.status.trouble, 30), one.status
            assert GATEWAY_USER in one.status.trouble
        assert until(lambda: service.status.connected, 20)
        assert "(a second gateway?)" in service.status.trouble  # also while it is connected
    assert until(lambda: service.status.connected, 20)
    monkeypatch.setattr(broker_module, "_SHORT_S", 0.0)  # a connection has lasted for long enough
    assert until(lambda: not service.status.trouble, 20), service.status


def test_a_broker_that_is_started_anew_is_no_second_gateway(
    service: Service, broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_module, "_LONGEST_S", 0.1)  # between two tries
    for count in range(1, 4):
        broker.kill()
        assert until(lambda: "Nobody listens" in service.status.trouble, 20), service.status
        broker.start()
        assert until(lambda count=count: service.status.connected and not service.status.trouble, 40), count
