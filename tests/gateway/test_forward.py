"""The way out, against servers that are as strict as real ones and misbehave when told to."""

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from bordstein_gateway.forward.webhook import target as webhook
from bordstein_gateway.store import Store
from tests.gateway.forwarding import BASE, DEVICE, deliver, measure, one_failure, outbox, same, stored
from tests.street.receivers import OpenSenseMap, Receiver, SensorThings, Webhook

BOXES = {DEVICE: ["air/air_temperature"], "24a160000002": ["soil/soil_temperature"]}


@pytest.fixture(params=["sensorthings", "sensorthings without data arrays", "webhook", "opensensemap"])
def receiver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Receiver]:
    servers = {
        "sensorthings": lambda: SensorThings(tmp_path),
        "sensorthings without data arrays": lambda: SensorThings(tmp_path, "--without-data-array"),
        "webhook": lambda: Webhook(tmp_path),
        "opensensemap": lambda: OpenSenseMap(tmp_path, BOXES),
    }
    with servers[request.param]() as server:
        yield server


@pytest.fixture
def sensorthings(tmp_path: Path) -> Iterator[SensorThings]:
    with SensorThings(tmp_path) as server:
        yield server


def test_every_reading_arrives_once(receiver: Receiver, store: Store, tmp_path: Path) -> None:
    measure(store, 40)
    measure(store, 25, device="24a160000002", series="soil/soil_temperature")
    assert deliver(outbox(receiver, store, tmp_path, batch=30)) == []
    same(receiver, store)


@pytest.mark.parametrize("fault", ["hang", "after", "before", "half", "busy"])
def test_an_unclear_failure_loses_and_doubles_nothing(
    fault: str, receiver: Receiver, store: Store, tmp_path: Path
) -> None:
    if fault not in receiver.faults_known:
        pytest.skip("this server has no such fault")
    measure(store, 5)
    deliver(outbox(receiver, store, tmp_path))  # the target knows the series before things go wrong
    measure(store, 12, first=5)
    receiver.fault(fault)
    one_failure(outbox(receiver, store, tmp_path))
    receiver.fault(None)
    # A new outbox: the gateway was killed between the failure and the next try.
    deliver(outbox(receiver, store, tmp_path))
    same(receiver, store)


def test_a_gateway_killed_between_sending_and_noting_sends_nothing_twice(
    sensorthings: SensorThings, store: Store, tmp_path: Path
) -> None:
    measure(store, 20)
    box = outbox(sensorthings, store, tmp_path)
    place = store.place_get("sensorthings")
    store.place_set(place._replace(pending_to=20)).result()
    asyncio.run(box._target.send(store.readings_after(0, 13)))  # and then the power went
    deliver(outbox(sensorthings, store, tmp_path))
    same(sensorthings, store)


def test_a_dead_target_holds_its_place_and_gets_everything_when_it_is_back(
    sensorthings: SensorThings, store: Store, tmp_path: Path
) -> None:
    measure(store, 3)
    box = outbox(sensorthings, store, tmp_path)
    sensorthings.kill()
    failure = one_failure(box)
    assert "can't be reached" in str(failure) and not failure.unclear
    assert box.backlog() == 3
    sensorthings.start()
    deliver(outbox(sensorthings, store, tmp_path))
    same(sensorthings, store)


def test_a_refused_reading_goes_to_the_dead_letters_with_the_reason_and_can_be_tried_again(
    sensorthings: SensorThings, store: Store, tmp_path: Path
) -> None:
    measure(store, 9)
    sensorthings.fault("rows")
    box = outbox(sensorthings, store, tmp_path)
    deliver(box)
    dead = store.dead_letters("sensorthings")
    refused = [row.id for row in store.readings_after(0, 100) if row.time // 1000 % 60 % 3 == 0]
    assert [letter.reading_id for letter in dead] == refused != []
    assert all("taste" in letter.reason for letter in dead)
    assert len(sensorthings.arrived()) == 9 - len(refused)
    sensorthings.fault(None)
    assert store.dead_retry("sensorthings").result() == len(refused)
    deliver(outbox(sensorthings, store, tmp_path))
    assert store.dead_letters("sensorthings") == []
    same(sensorthings, store)


def test_a_refill_gives_a_replaced_target_what_it_misses_and_doubles_nothing(
    sensorthings: SensorThings, store: Store, tmp_path: Path
) -> None:
    measure(store, 30)
    deliver(outbox(sensorthings, store, tmp_path))
    sensorthings.kill()
    sensorthings.start()  # it keeps nothing: another, empty server at the same address
    measure(store, 5, first=30)
    deliver(outbox(sensorthings, store, tmp_path))
    assert len(sensorthings.arrived()) == 5
    store.refill_add("sensorthings", BASE * 1000, (BASE + 100) * 1000).result()
    deliver(outbox(sensorthings, store, tmp_path))
    assert store.refills("sensorthings") == []
    same(sensorthings, store)


def test_each_series_readings_arrive_in_their_order(sensorthings: SensorThings, store: Store, tmp_path: Path) -> None:
    for first in range(0, 40, 10):
        measure(store, 10, first=first)
        measure(store, 10, first=first, device="24a160000002")
    deliver(outbox(sensorthings, store, tmp_path, batch=7))
    for device in (DEVICE, "24a160000002"):
        times = [key[2] for key, _ in sensorthings.arrived() if key[0] == device]
        assert times == sorted(times) and len(times) == 40


def test_only_the_wanted_properties_and_devices_go_out(
    sensorthings: SensorThings, store: Store, tmp_path: Path
) -> None:
    measure(store, 3)
    measure(store, 3, series="soil/soil_temperature")
    measure(store, 3, device="24a160000002")
    measure(store, 3, series="health/uptime", first=50)
    deliver(outbox(sensorthings, store, tmp_path, properties=["air_temperature"], devices=[DEVICE]))
    assert {key[:2] for key, _ in sensorthings.arrived()} == {(DEVICE, "air/air_temperature")}


def test_a_boards_health_is_not_forwarded_unless_it_is_named(
    sensorthings: SensorThings, store: Store, tmp_path: Path
) -> None:
    measure(store, 2, series="health/uptime")
    deliver(outbox(sensorthings, store, tmp_path))
    assert sensorthings.arrived() == []
    assert store.place_get("sensorthings").next_id == 3


def test_what_the_server_must_know_is_made_once_and_shared(
    sensorthings: SensorThings, store: Store, tmp_path: Path
) -> None:
    measure(store, 2)
    measure(store, 2, device="24a160000002")
    deliver(outbox(sensorthings, store, tmp_path))
    store.remote_clear("sensorthings").result()  # a restored backup: the gateway has forgotten, the server has not
    measure(store, 2, first=10)
    deliver(outbox(sensorthings, store, tmp_path))
    counts = sensorthings.statistics()
    made = {kind: counts[kind] for kind in ("Things", "Locations", "Sensors", "ObservedProperties", "Datastreams")}
    assert made == {"Things": 2, "Locations": 1, "Sensors": 1, "ObservedProperties": 1, "Datastreams": 2}
    things = _get(sensorthings, "/Things?$filter=name eq 'Marktplatz 7'".replace(" ", "%20"))
    assert things["value"][0]["properties"]["deviceId"] == "urn:dev:mac:24a160fffe000001"
    stream = _get(sensorthings, "/Datastreams(1)")
    assert stream["unitOfMeasurement"]["definition"].endswith("#Cel")


def test_extra_members_and_credentials_reach_the_server(
    sensorthings: SensorThings, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("geheim\n")
    measure(store, 1)
    box = outbox(
        sensorthings,
        store,
        tmp_path,
        members={"properties": {"owner": "Tiefbauamt"}},
        user="bordstein",
        password_file=str(tmp_path / "password"),
        headers={"X-Town": "Musterstadt"},
    )
    request = box._target._http.build_request("GET", "http://127.0.0.1/")
    assert request.headers["x-town"] == "Musterstadt"
    deliver(box)
    properties = _get(sensorthings, "/Things(1)")["properties"]
    assert properties == {"owner": "Tiefbauamt", "deviceId": "urn:dev:mac:24a160fffe000001"}


def test_a_wrong_secret_is_told_in_a_sentence_and_nothing_is_given_up(store: Store, tmp_path: Path) -> None:
    measure(store, 2)
    with Webhook(tmp_path) as receiver:
        wrong = tmp_path / "wrong"
        wrong.write_text("something else")
        failure = one_failure(outbox(receiver, store, tmp_path, secret_file=str(wrong)))
        assert "does not let the gateway in" in str(failure)
        assert store.dead_letters() == []
        deliver(outbox(receiver, store, tmp_path))
        same(receiver, store)


def test_a_targets_own_pause_is_kept(store: Store, tmp_path: Path) -> None:
    measure(store, 1)
    with Webhook(tmp_path) as receiver:
        receiver.fault("busy")
        assert one_failure(outbox(receiver, store, tmp_path)).wait == 1


def test_an_events_id_is_the_same_for_the_same_reading_only(store: Store) -> None:
    measure(store, 3)
    ids = [webhook.event_id(row) for row in store.readings_after(0, 10)]
    assert len(set(ids)) == 3
    assert ids[0] == f"{DEVICE}/air/air_temperature/{BASE * 1000}"


def test_run_delivers_and_ends_when_told(receiver: Receiver, store: Store, tmp_path: Path) -> None:
    measure(store, 10)

    async def run() -> None:
        box = outbox(receiver, store, tmp_path)
        task = asyncio.create_task(box.run())
        while box.backlog():
            await asyncio.sleep(0.01)
        box.stop()
        await task
        assert box.status.sent == 10 and box.status.trouble == ""

    asyncio.run(run())
    assert dict(receiver.arrived()) == stored(store)


def _get(server: Receiver, path: str) -> dict:
    with urllib.request.urlopen(server.section()["url"] + path) as answer:
        return json.loads(answer.read())
