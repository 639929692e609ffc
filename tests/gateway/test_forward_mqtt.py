"""Republishing to a real broker: what newcomers get is the newest value, whatever was sent in which order."""

import asyncio
import json
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bordstein_gateway.boards.stations import Station
from bordstein_gateway.config import config as config_module
from bordstein_gateway.config.config import Config, Device, Gateway, Mqtt, MqttForward
from bordstein_gateway.decode.normalise import pack
from bordstein_gateway.forward import lanes
from bordstein_gateway.forward.mqtt.payloads import PAYLOADS
from bordstein_gateway.forward.mqtt.topics import topic, wrong
from bordstein_gateway.forward.outbox import Outbox
from bordstein_gateway.forward.schedule import Schedule
from bordstein_gateway.forward.starting import build
from bordstein_gateway.forward.trying import tried
from bordstein_gateway.store.types import StoredReading
from bordstein_gateway.texts import said
from tests.gateway.loopback import SECOND, START, Log, turned
from tests.gateway.test_config import MQTT
from tests.street.city_broker import CityBroker, Listener
from tests.street.servers import Town

DEVICE = "24a160000001"
PLACE = Device(id=DEVICE, name="Marktplatz 7", latitude=53.5511, longitude=9.9937)


@pytest.fixture(scope="module")
def broker(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CityBroker]:
    with CityBroker(town, tmp_path_factory.mktemp("city")) as broker:
        yield broker


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path / "store.sqlite")
    yield log
    log.store.close()


def settings(broker: CityBroker, root: str, **more: Any) -> MqttForward:
    """Below a root of its own: the tests share a broker."""
    section = {"kind": "mqtt", "topic": f"stadt/{root}/{{place}}/{{series}}", "batch": 3, "broker": broker.section()}
    return msgspec.convert({**section, **more}, MqttForward)


def drain(log: Log, settings: MqttForward, *devices: Device) -> list[str]:
    config = Config(gateway=Gateway(name="town"), mqtt=Mqtt(host="localhost"), devices=list(devices))

    async def run() -> list[str]:
        target = build("city", settings, config, log.store)
        schedule = Schedule("city", settings, log.store, jitter=lambda: 0.0)
        box = Outbox("city", settings, log.store, target, schedule=schedule, aside_pause=0.0, settle=0.0)
        try:
            return await turned(box)
        finally:
            await target.close()

    return asyncio.run(run())


def test_each_series_has_its_topic_and_a_newcomer_gets_its_last_value(broker: CityBroker, log: Log) -> None:
    log.add([8.15, 9.5], start=START + 250, flags=1)
    log.add([70], series="air/relative_humidity", unit="%RH")
    with Listener(broker, "stadt/a/#") as listener:
        assert drain(log, settings(broker, "a"), PLACE) == []
        heard = listener.until(lambda heard: len(heard) >= 3)
    assert [json.loads(payload)["value"] for _, payload, _ in heard] == [8.15, 9.5, 70]
    with Listener(broker, "stadt/a/#") as late:
        kept = {
            where: json.loads(payload) for where, payload, retained in late.until(lambda h: len(h) >= 2) if retained
        }
    assert set(kept) == {"stadt/a/Marktplatz 7/air/air_temperature", "stadt/a/Marktplatz 7/air/relative_humidity"}
    temperature = kept["stadt/a/Marktplatz 7/air/air_temperature"]
    assert temperature.pop("received")
    assert temperature == {
        "device": "urn:dev:mac:24a160fffe000001",
        "property": "air_temperature",
        "value": 9.5,
        "unit": "Cel",
        "flags": ["out_of_range"],
        "place": {"name": "Marktplatz 7", "latitude": 53.5511, "longitude": 9.9937},
        "series": "air/air_temperature",
        "time": "2026-11-24T12:00:01.250Z",
    }


@pytest.mark.parametrize("newest_first", [True, False])
def test_a_back_fill_never_takes_the_newest_value_from_a_newcomer(
    broker: CityBroker, log: Log, newest_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "JUMP_READINGS", 1)
    monkeypatch.setattr(lanes, "JUMP_AGE_S", 0.0)
    root = f"b{newest_first}"
    for number in range(20):
        log.add([float(number)], start=START + number * SECOND)
    log.add([99.0], start=START - 60 * SECOND)  # came late
    with Listener(broker, f"stadt/{root}/#") as listener:
        assert drain(log, settings(broker, root, newest_first=newest_first)) == []
        heard = listener.until(lambda heard: len(heard) >= 21)
    values = [json.loads(payload)["value"] for _, payload, _ in heard]
    assert sorted(values) == [*(float(number) for number in range(20)), 99.0]
    assert (values[-1] == 99.0) is not newest_first
    with Listener(broker, f"stadt/{root}/#") as late:
        (kept,) = late.until(len)
    assert json.loads(kept[1])["value"] == 19.0


def test_a_time_far_ahead_takes_no_topic_from_the_readings_that_follow(broker: CityBroker, log: Log) -> None:
    log.add([99.0], start=4_000_000_000_000, flags=4)  # of an unsure clock
    log.add([7.0])
    log.add([8.0], start=START + 10 * SECOND)
    assert drain(log, settings(broker, "ahead")) == []
    with Listener(broker, "stadt/ahead/#") as late:
        (kept,) = late.until(len)
    assert json.loads(kept[1])["value"] == 8.0


def test_only_the_newest_where_there_is_no_time_in_a_message(broker: CityBroker, log: Log) -> None:
    log.add([1.5, 2.5, 3.5])
    log.add([True], series="bay/parking_bay_occupied", unit="/", start=START)
    with Listener(broker, "stadt/c/#") as listener:
        drain(log, settings(broker, "c", format="value"))
        drain(log, settings(broker, "c", format="value"))
        heard = listener.until(lambda heard: len(heard) >= 2)
    assert [(where.split("/", 3)[3], payload) for where, payload, _ in heard] == [
        ("air/air_temperature", b"3.5"),
        ("bay/parking_bay_occupied", b"true"),
    ]


def test_the_topic_of_a_board_that_was_renamed_is_emptied(broker: CityBroker, log: Log) -> None:
    log.add([1.0])
    drain(log, settings(broker, "d"))
    log.add([2.0], start=START + 60 * SECOND)
    drain(log, settings(broker, "d"), PLACE)
    with Listener(broker, "stadt/d/#") as late:
        kept = late.until(len)
    assert [where for where, _, _ in kept] == ["stadt/d/Marktplatz 7/air/air_temperature"]


def test_what_the_broker_forbids_is_a_dead_letter_and_a_wrong_template_none(broker: CityBroker, log: Log) -> None:
    wrong_root = settings(broker, "e", topic="verboten/{place}/{series}")
    log.add([1.0])
    (*_, trouble) = drain(log, wrong_root)
    assert "verboten" in trouble and "check this target's settings" in trouble
    assert log.store.dead_letters() == []
    assert drain(log, settings(broker, "e")) == []
    log.add([2.0], device="24a160000002")
    some = settings(broker, "e", topic="{place}/{series}")
    assert drain(log, settings(broker, "e"), PLACE) == []
    log.add([3.0], start=START + 60 * SECOND)
    log.add([4.0], device="24a160000002", start=START + 60 * SECOND)
    names = [Device(id=DEVICE, name="stadt"), Device(id="24a160000002", name="verboten")]
    log.store.remote_set("city#taken", {"settings": Schedule("city", some, log.store)._settings}).result()
    assert drain(log, some, *names) == []
    (dead,) = log.store.dead_letters()
    assert "takes nothing on verboten/air/air_temperature" in dead.reason and "authorized" in dead.reason


def test_a_broker_killed_in_between_loses_nothing(town: Town, tmp_path: Path, log: Log) -> None:
    log.add([float(number) for number in range(10)])
    with CityBroker(town, tmp_path / "city") as broker:
        section = settings(broker, "f")
        broker.kill()
        (*_, trouble) = drain(log, section)
        assert "Nobody listens at" in trouble
        broker.start()
        with Listener(broker, "stadt/f/#") as listener:
            assert drain(log, section) == []
            values = {json.loads(payload)["value"] for _, payload, _ in listener.until(lambda h: len(h) >= 10)}
    assert values == {float(number) for number in range(10)}


def test_a_trial_is_acknowledged_and_not_retained(broker: CityBroker, tmp_path: Path) -> None:
    def trial(**more: Any) -> tuple[bool, str]:
        section = settings(broker, "g", **more)
        return tried(
            Config(gateway=Gateway(name="town"), mqtt=Mqtt(host="localhost"), forward={"city": section}), "city"
        )

    with Listener(broker, "stadt/g/#") as listener:
        taken, sentence = trial()
        ((where, payload, _),) = listener.until(len)
    assert taken and f"({where})" in sentence and "hat den Probewert angenommen" in said(sentence, "de")
    assert where == "stadt/g/Bordstein-Probe - trial/trial/air_temperature"
    assert json.loads(payload)["place"]["name"] == "Bordstein-Probe / trial"
    taken, sentence = trial(topic="verboten/{place}/{series}")
    assert not taken and "look at its access list and at topic" in sentence


# --- topics and payloads ---------------------------------------------------------------------------------------------

READINGS = st.builds(
    StoredReading,
    id=st.just(1),
    device=st.just(DEVICE),
    series=st.sampled_from(["air/air_temperature", "bay/parking_bay_occupied", "air_temperature"]),
    property=st.just("air_temperature"),
    unit=st.sampled_from(["Cel", "", "/"]),
    time=st.integers(0, 4_000_000_000_000),
    value=st.one_of(st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False), st.text(), st.binary()),
    flags=st.integers(0, 63),
    received=st.integers(0, 4_000_000_000),
)
NAMES = st.one_of(st.none(), st.text(min_size=1, max_size=40), st.just("$SYS"))


@given(READINGS, NAMES, NAMES, NAMES)
def test_whatever_a_place_is_called_its_topic_is_one_that_may_be_published_to(
    reading: StoredReading, name: str | None, site: str | None, asset: str | None
) -> None:
    found = topic(
        "stadt/{site}/{place}/{asset}/{sensor}/{series}", reading, Station(DEVICE, name, site=site, asset=asset)
    )
    assert not set("+#\0") & set(found) and "//" not in found and not found.endswith("/")
    assert found.count("/") == 5 + reading.series.count("/")
    assert found.split("/")[0] == "stadt"
    assert not topic("{name}/{series}", reading, Station(DEVICE, name)).startswith("$")


@given(READINGS)
def test_a_senml_record_says_what_was_measured(reading: StoredReading) -> None:
    (record,) = json.loads(PAYLOADS["senml"](reading, None))
    assert record["n"] == f"urn:dev:mac:24a160fffe000001:{reading.series}"
    assert round(record["t"] * 1000) == reading.time
    kind = {bool: "vb", bytes: "vd", str: "vs"}.get(type(reading.value), "v")
    assert sum(key in record for key in ("v", "vb", "vs", "vd")) == 1 and kind in record
    if not isinstance(reading.value, bytes):
        assert record[kind] == reading.value


def test_a_senml_record_can_be_read_by_the_gateway_itself() -> None:
    reading = StoredReading(1, DEVICE, "air/air_temperature", "air_temperature", "Cel", START, 21.5, 0, START // 1000)
    (record,) = json.loads(PAYLOADS["senml"](reading, None))
    numbers = [{"n": f"urn:dev:mac:24a160fffe000001:{name}", "t": record["t"], "v": 1} for name in ("boot", "seq")]
    (found,) = pack(DEVICE, json.dumps([*numbers, record]).encode(), START / 1000).readings
    assert (found.series, found.time, found.value, found.unit) == ("air/air_temperature", START, 21.5, "Cel")


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("stadt/{place}/{series}", ""),
        ("{device}/{property}", ""),
        ("stadt/{plaze}/{series}", "there is no {plaze}"),
        ("stadt/{place/{series}", "a curly bracket is missing|there is no"),
        ("stadt/{}/{series}", "there is no {}"),
        ("stadt/{place!r}/{series}", "only a name"),
        ("stadt/{place:>5}/{series}", "only a name"),
        ("stadt/+/{place}/{series}", "no + and no #"),
        ("/stadt/{place}/{series}", "empty level"),
        ("$SYS/{place}/{series}", "empty level"),
        ("stadt//{place}/{series}", "empty level"),
        ("stadt/{site}/{series}", "series would share a topic"),
        ("stadt/{place}", "series would share a topic"),
    ],
)
def test_a_template_is_checked(template: str, why: str) -> None:
    found = wrong(template)
    assert any(part in found for part in why.split("|")) if why else found == ""


@given(st.text(alphabet=string.printable + "äöü{}", max_size=30))
def test_no_template_breaks_the_check_and_none_that_passes_breaks_a_topic(template: str) -> None:
    if not wrong(template):
        reading = StoredReading(1, DEVICE, "air/pm10", "pm10", "ug/m3", START, 1.0, 0, 0)
        assert topic(template, reading, None)


@pytest.mark.parametrize(
    ("section", "why"),
    [
        ('topic = "stadt/{plaze}/{series}"\n', "forward.city.topic: there is no {plaze}"),
        ('format = "value"\nhistory = true\n', "forward.city.history: with format"),
        ('format = "xml"\n', 'one of "json", "senml", "value"'),
    ],
)
def test_mistakes_of_the_target_are_named(folder: Path, section: str, why: str) -> None:
    path = folder / "gateway.toml"
    path.write_text(f'{MQTT}[forward.city]\nkind = "mqtt"\n{section}[forward.city.broker]\nhost = "x"\n')
    (problem,) = config_module.problems(path)
    assert why in problem


@pytest.mark.parametrize(
    ("broker", "why"),
    [
        ("", "forward.city.broker: host is missing"),
        ('host = "x"\ncert = "gateway.pem"\n', "forward.city.broker.cert: key is missing"),
        (
            'host = "x"\ntls = false\nusername = "u"\npassword_file = "ca.pem"\n',
            "broker.tls: the password would travel",
        ),
        ('host = "x"\ntls = false\nca = "ca.pem"\n', "broker.ca: has no use with tls = false"),
        ('host = "x"\nusername = "u"\n', "forward.city.broker.username: password_file is missing"),
        ('host = "x"\npassword = "geheim"\n', "name that file as password_file"),
    ],
)
def test_mistakes_of_the_broker_are_named(folder: Path, broker: str, why: str) -> None:
    path = folder / "gateway.toml"
    path.write_text(f'{MQTT}[forward.city]\nkind = "mqtt"\n[forward.city.broker]\n{broker}')
    (problem,) = config_module.problems(path)
    assert why in problem and "geheim" not in problem
