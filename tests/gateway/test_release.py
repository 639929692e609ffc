"""Releases: published to chosen boards, offered and served over a real Mosquitto, watched, and stopped in time."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from bordstein_gateway.boards.releases import PackError, inspect, keep
from bordstein_gateway.store import BoardUpdate, StateReport, Store
from bordstein_gateway.store import releases as store_releases
from bordstein_tools.keys import signing
from tests.gateway.test_cli import configured, gateway
from tests.gateway.test_ingest import Service
from tests.street.client import Client
from tests.street.processes import until
from tests.street.servers import Mosquitto, Town

BOARDS = [f"24a1600000{number:02x}" for number in range(1, 41)]
FILES = {"bordstein/__init__.mpy": b"new", "bordstein/app.mpy": bytes(range(256)) * 20}


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory):
    return signing.create(tmp_path_factory.mktemp("signing"), None)


def packed(key, version: str = "0.2.0") -> bytes:
    return signing.pack(FILES, key, version=version, floor="0.1.0", date=1_800_000_000)


@pytest.fixture
def pack(tmp_path: Path, key) -> Path:
    path = tmp_path / "new.pack"
    path.write_bytes(packed(key))
    return path


def publish(store: Store, boards: list[str], **options: float) -> int:
    rules = {"percent": 10, "least": 3, "at_once": 20, **options}
    return store.release_publish("0.2.0", "ab" * 32, boards, **rules).result()


def says(store: Store, order: int, board: str, result: str, why: str = "") -> None:
    report = StateReport(
        board, "ready", 1, "0.1.0", None, None, None, "{}", False, None, BoardUpdate(order, result, why)
    )
    store.write((), [report])


def offered(store: Store, now_ms: int = 0) -> list[str]:
    """The boards that are offered something now; the broker takes it."""
    offers = store.release_offers(now_ms)
    store.release_offered(offers).result()
    return [offer.device if offer.version else f"not {offer.device}" for offer in offers]


# --- the store -------------------------------------------------------------------------------------------------------


def test_a_few_boards_at_a_time_and_the_next_when_one_is_through(store: Store) -> None:
    order = publish(store, BOARDS[:5], at_once=2)
    assert offered(store) == BOARDS[:2]
    assert offered(store) == []
    says(store, order, BOARDS[0], "fetching")
    says(store, order, BOARDS[1], "done")
    assert offered(store) == [f"not {BOARDS[1]}", BOARDS[2]]
    rollout = store.rollout(order)
    assert rollout and (rollout.waiting, rollout.under_way, rollout.done, rollout.failed) == (3, 1, 1, 0)


def test_boards_that_are_away_keep_nobody_waiting_for_ever(store: Store) -> None:
    publish(store, BOARDS[:4], at_once=2)
    assert offered(store) == BOARDS[:2]
    later = store.rollouts()[0].created + store_releases.SILENT_MS + 1000
    assert offered(store, later) == BOARDS[2:4]


def sleeps(store: Store, boards: list[str], at_ms: int, for_ms: int) -> None:
    text = json.dumps({"state": "sleeping", "wake": (at_ms + for_ms) // 1000})
    reports = [StateReport(board, "sleeping", 1, "0.1.0", None, None, None, text, False) for board in boards]
    store.write((), reports, (), at_ms)


def test_boards_that_sleep_have_places_of_their_own_and_keep_them_until_they_had_their_chance(store: Store) -> None:
    publish(store, BOARDS[:8], at_once=2)
    now = store.rollouts()[0].created
    hour = 3_600_000
    sleeps(store, BOARDS[:5], now - hour, 4 * hour)
    assert offered(store, now) == [*BOARDS[:2], *BOARDS[5:7]]
    later = now + store_releases.SILENT_MS + 60_000
    assert offered(store, later) == BOARDS[7:8]  # those that are awake and silent are away; who sleeps is not
    assert offered(store, now + 3 * hour) == []
    # The first woke and sleeps again, without a word about the release; the second is overdue.
    sleeps(store, BOARDS[:1], now + 3 * hour, 4 * hour)
    assert offered(store, now + 3 * hour) == BOARDS[2:3]
    sleeps(store, BOARDS[2:5], now + 3 * hour, 9 * hour)
    assert offered(store, now + 8 * hour) == BOARDS[3:5]


def test_a_board_that_follows_an_order_between_sleeps_has_not_failed(store: Store) -> None:
    order = publish(store, BOARDS[:2], at_once=1)
    now = store.rollouts()[0].created
    sleeps(store, BOARDS[:2], now, 3_600_000)
    assert offered(store, now) == BOARDS[:1]
    says(store, order, BOARDS[0], "trying")
    sleeps(store, BOARDS[:1], now + 1000, 86_400_000)
    sleeps(store, BOARDS[1:2], now + 1000, 86_400_000)
    assert offered(store, now + 80_000_000) == []
    found = store.rollout(order)
    assert found and (found.stopped, found.under_way, found.waiting, found.failed) == (None, 1, 1, 0)


def test_a_board_that_has_begun_is_offered_it_again_after_a_while(store: Store) -> None:
    order = publish(store, BOARDS[:3])
    offered(store)
    says(store, order, BOARDS[0], "fetching")
    says(store, order, BOARDS[1], "trying")
    begun = store.rollouts()[0].created
    assert offered(store, begun + store_releases.SILENT_MS) == []
    assert offered(store, begun + store_releases.AGAIN_MS + 60_000) == [BOARDS[0]]


def test_too_many_failures_stop_an_order(store: Store) -> None:
    order = publish(store, BOARDS[:10])
    offered(store)
    for board, result in zip(BOARDS, ("done", "failed", "failed", "done", "failed"), strict=False):
        assert store.rollout(order).stopped is None
        says(store, order, board, result, "no receipt")
    assert (store.rollout(order).reason, store.rollout(order).failed) == ("too many boards failed", 3)
    assert sorted(offered(store)) == sorted(f"not {board}" for board in BOARDS[:10])
    assert offered(store) == []


def test_few_failures_among_many_do_not(store: Store) -> None:
    order = publish(store, BOARDS, at_once=40)
    for board in BOARDS[:30]:
        says(store, order, board, "done")
    for board in BOARDS[30:33]:
        says(store, order, board, "refused")
    assert store.rollout(order).stopped is None  # 3 of 33
    says(store, order, BOARDS[33], "failed")
    assert store.rollout(order).stopped is not None  # 4 of 34


def test_what_a_board_says_twice_or_of_another_order_counts_once(store: Store) -> None:
    order = publish(store, BOARDS[:3], least=1)
    says(store, order, BOARDS[0], "done")
    says(store, order, BOARDS[0], "failed")
    says(store, order - 1, BOARDS[1], "failed")
    says(store, order, BOARDS[5], "failed")
    assert store.rollout(order).stopped is None and store.rollout(order).done == 1


def test_a_newer_order_replaces_the_older_one(store: Store) -> None:
    first = publish(store, BOARDS[:2])
    assert offered(store) == BOARDS[:2]
    second = publish(store, BOARDS[1:3])
    assert second > first
    assert [board.state for board in store.rollout_boards(first)] == ["waiting", "replaced"]
    assert offered(store) == [f"not {BOARDS[1]}", BOARDS[1], BOARDS[2]]


# --- the file --------------------------------------------------------------------------------------------------------


def test_a_pack_says_what_it_is_and_each_damaged_one_is_found(pack: Path) -> None:
    assert inspect(pack).version == "0.2.0" and "virtual" in inspect(pack).boards
    whole = pack.read_bytes()
    for broken in (b"", whole[:-1], whole + b"x", b"X" + whole[1:], whole[:-9] + b"?" + whole[-8:], whole[:500]):
        pack.write_bytes(broken)
        with pytest.raises(PackError):
            inspect(pack)


# --- the service -----------------------------------------------------------------------------------------------------


@pytest.fixture
def service(town: Town, tmp_path: Path) -> Iterator[Service]:
    with Mosquitto(town, folder=tmp_path / "broker") as broker, Service(town, broker, tmp_path, 4) as service:
        service.port = broker.port  # type: ignore[attr-defined]
        yield service


def board(town: Town, service: Service) -> Client:
    return Client(service.port, town.context(town.device(BOARDS[0])), name=BOARDS[0])  # type: ignore[attr-defined]


def test_a_release_is_offered_served_in_pieces_and_taken_back_when_it_is_done(
    town: Town, service: Service, pack: Path, tmp_path: Path
) -> None:
    found = inspect(pack)
    keep(pack, found, tmp_path / "releases")
    rules = {"percent": 10, "least": 3, "at_once": 20}
    order = service.store.release_publish("0.2.0", found.digest, BOARDS[:1], **rules).result(10)
    topic = f"bordstein/v1/{BOARDS[0]}"
    with board(town, service) as client:
        client.subscribe(f"{topic}/release")
        client.subscribe(f"{topic}/release/data")
        assert json.loads(client.receive().payload) == {"order": order, "version": "0.2.0", "sha256": found.digest}
        whole = pack.read_bytes()
        got = b""
        while len(got) < len(whole):
            wanted = {"order": order, "version": "0.2.0", "offset": len(got), "length": 1536}
            assert client.publish(f"{topic}/release/get", json.dumps(wanted)) == "Success"
            piece = client.receive().payload
            assert struct.unpack(">II", piece[:8]) == (order, len(got)) and len(piece) <= 8 + 1536
            got += piece[8:]
        assert got == whole
        for offset, length, expected in ((len(whole), 10, b""), (0, 5000, whole[:2048])):
            client.publish(f"{topic}/release/get", json.dumps({"order": order, "offset": offset, "length": length}))
            assert client.receive().payload[8:] == expected
        # An order that is not there gets no answer, and stops nothing.
        client.publish(f"{topic}/release/get", json.dumps({"order": 5, "offset": 0, "length": 10}))
        state = {"state": "ready", "boot": 2, "version": "0.2.0", "update": {"order": order, "result": "done"}}
        client.publish(f"{topic}/state", json.dumps(state), retain=True)
        message = client.receive()
        assert (message.topic, message.payload) == (f"{topic}/release", b"")
    assert service.store.rollout(order).done == 1


def test_an_offer_outlives_the_gateway_and_is_made_again(
    town: Town, service: Service, pack: Path, tmp_path: Path
) -> None:
    order = publish(service.store, BOARDS[:1])
    with board(town, service) as client:
        client.subscribe(f"bordstein/v1/{BOARDS[0]}/release")
        assert json.loads(client.receive().payload)["order"] == order
    with board(town, service) as client:  # the broker keeps it
        client.subscribe(f"bordstein/v1/{BOARDS[0]}/release")
        assert client.receive().retain


def test_a_request_that_cannot_be_read_is_kept_aside(town: Town, service: Service) -> None:
    with board(town, service) as client:
        client.publish(f"bordstein/v1/{BOARDS[0]}/release/get", b'{"order": "x"}')
    assert until(lambda: service.store.quarantine_count() == 1, 20)


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def config(folder: Path) -> Path:
    """Four boards, two of them in a group; the gateway has run."""
    Store.open(folder / "bordstein.sqlite").close()
    devices = [
        f'[[device]]\nid = "{board}"\ngroups = ["{("mitte", "hafen")[n % 2]}"]\n' for n, board in enumerate(BOARDS[:4])
    ]
    return configured(folder, "".join(devices))


def release(config: Path, *words: object, lang: str = "en"):
    return gateway("release", *words, "--config", config, lang=lang)


def boards(config: Path) -> list[str]:
    """The boards of the newest order."""
    with_store = Store.open(config.parent / "bordstein.sqlite")
    try:
        return [board.device for board in with_store.rollout_boards(with_store.rollouts()[-1].order)]
    finally:
        with_store.close()


def test_publish_to_boards_to_a_group_and_to_a_part(config: Path, pack: Path) -> None:
    run = release(config, "publish", pack, "--device", BOARDS[2])
    assert run.returncode == 0 and "release 0.2.0 for 1 boards" in run.stdout and boards(config) == [BOARDS[2]]
    assert list((config.parent / "releases").glob("*.pack"))
    release(config, "publish", pack, "--group", "hafen")
    assert boards(config) == [BOARDS[1], BOARDS[3]]
    release(config, "publish", pack, "--group", "hafen", "--percent", 50)
    (first,) = boards(config)
    release(config, "publish", pack, "--percent", 75)
    assert len(boards(config)) == 3
    release(config, "publish", pack, "--percent", 100)
    assert boards(config) == BOARDS[:4] and first in BOARDS


def test_publish_says_what_is_wrong(config: Path, pack: Path) -> None:
    assert release(config, "publish", pack).returncode == 2
    for words, sentence in (
        ((pack, "--device", "24a1600000ff"), "there is no board"),
        ((pack, "--group", "nirgends"), "has the group nirgends"),
        ((config, "--percent", 100), "not a whole release"),
        ((pack.with_name("none"), "--percent", 100), "can't be read"),
    ):
        run = release(config, "publish", *words)
        assert run.returncode == 1 and sentence in run.stderr, run.stderr


def test_publish_leaves_out_boards_of_another_kind(config: Path, key) -> None:
    store = Store.open(config.parent / "bordstein.sqlite")
    for device, kind in zip(BOARDS, ("esp32-devkitc", "virtual", "olimex-esp32-poe-iso"), strict=False):
        text = json.dumps({"state": "ready", "board": kind})
        store.write((), [StateReport(device, "ready", 1, "0.1.0", None, None, None, text, False)])
    store.close()
    file = config.parent / "some.pack"
    names = ["esp32-devkitc"]
    file.write_bytes(signing.pack(FILES, key, version="0.2.0", floor="0.1.0", date=1_800_000_000, names=names))
    run = release(config, "publish", file, "--percent", 100)
    assert boards(config) == [BOARDS[0], BOARDS[3]] and f"not for {BOARDS[1]}, {BOARDS[2]}" in run.stdout
    assert release(config, "publish", file, "--device", BOARDS[1]).returncode == 1


def test_status_and_stop(config: Path, pack: Path) -> None:
    assert "no release was published" in release(config, "status").stdout
    assert release(config, "stop").returncode == 1
    release(config, "publish", pack, "--percent", 100)
    row = json.loads(release(config, "status", "--json").stdout)
    assert (row["version"], row["state"], row["waiting"], row["failed"]) == ("0.2.0", "runs", 4, 0)
    order = row["order"]
    rows = [json.loads(line) for line in release(config, "status", order, "--json").stdout.splitlines()]
    assert [(row["device"], row["state"]) for row in rows] == [(board, "waiting") for board in BOARDS[:4]]
    assert "Auftrag" in release(config, "status", lang="de").stdout
    assert "angehalten" in release(config, "stop", lang="de").stdout
    assert release(config, "stop", order).returncode == 1
    assert json.loads(release(config, "status", "--json").stdout)["state"] == "stopped"
    assert release(config, "status", 5).returncode == 1
