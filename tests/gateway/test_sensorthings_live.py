"""Live Observations: from a board's pack to who watches, through a real broker with the shipped access list."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from bordstein_gateway.config import config
from bordstein_gateway.config.config import Config, Mqtt, SensorThingsApi
from bordstein_gateway.config.open_data import Publish
from bordstein_gateway.sensorthings_api.app import _endpoint
from tests.street.client import Client
from tests.street.servers import Gateway, Mosquitto, Town

BOARD = "24a160000001"
NAME = "urn:dev:mac:24a160fffe000001:"
AIR, WET = "air/air_temperature", "air/relative_humidity"


def pack(seq: int, at: int, value: float) -> str:
    records: list[dict[str, Any]] = [
        {"bn": NAME, "bt": at, "n": AIR, "u": "Cel", "v": value},
        {"n": WET, "u": "%RH", "v": 50},
        {"n": "boot", "v": 1},
        {"n": "seq", "v": seq},
    ]
    return json.dumps(records)


def test_published_readings_are_at_the_broker_when_they_are_stored(town: Town, tmp_path: Path) -> None:
    broker = Mosquitto(town, folder=tmp_path / "broker")
    acl = tmp_path / "broker" / "acl"
    commented = "#user masterportal\n#topic read v1.1/#\n"
    assert commented in acl.read_text()
    acl.write_text(acl.read_text().replace(commented, commented.replace("#user", "user").replace("#topic", "topic")))
    (tmp_path / "token").write_text("let-me-in")
    (tmp_path / "token").chmod(0o600)
    settings: dict[str, Any] = {
        "http": {"reader_token_file": str(tmp_path / "token")},
        "publish": {"url": "https://daten.example"},
        "publish.properties.air_temperature": {"publish": True},
        "sensorthings_api": {"mqtt": True, "retain": True},
    }
    now = int(time.time())
    watching = town.context(town.gateway("masterportal"))
    with (
        broker,
        Gateway(town, broker, settings=settings, folder=tmp_path / "gateway") as gateway,
        Client(broker.port, watching, name="watcher") as watcher,
        Client(broker.port, town.context(town.device(BOARD)), name=BOARD) as board,
    ):
        assert watcher.subscribe("v1.1/#") == ["Granted QoS 1"]
        topic = f"bordstein/v1/{BOARD}/readings"
        assert board.publish(topic, pack(0, now - 60, 20.5)) == "Success"
        messages = [watcher.receive(), watcher.receive()]
        assert {message.topic for message in messages} == {"v1.1/Datastreams(1)/Observations", "v1.1/Observations"}
        for message in messages:
            assert message.qos == 1 and not message.retain
            content = json.loads(message.payload)
            assert content["result"] == 20.5
            assert content["Datastream@iot.navigationLink"] == "https://daten.example/v1.1/Observations(1)/Datastream"
            assert content == gateway.get("/v1.1/Observations(1)")
        # A late reading is published, but does not become what the broker keeps.
        assert board.publish(topic, pack(1, now - 3600, 10.5)) == "Success"
        assert [json.loads(watcher.receive().payload)["result"] for _ in range(2)] == [10.5, 10.5]
        with Client(broker.port, watching, name="latecomer") as latecomer:
            latecomer.subscribe("v1.1/Datastreams(1)/Observations")
            kept = latecomer.receive()
            assert kept.retain and json.loads(kept.payload)["result"] == 20.5
        assert watcher.messages.empty()  # nothing that is not public came
        broker.stop()
        broker.start()
        with (
            Client(broker.port, watching, name="watcher-2") as watcher,
            Client(broker.port, town.context(town.device(BOARD)), name=f"{BOARD}") as board,
        ):
            watcher.subscribe("v1.1/Observations")
            assert board.publish(topic, pack(2, now, 21.5)) == "Success"
            assert json.loads(watcher.receive().payload)["result"] == 21.5


def test_mistakes_are_named(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text('[mqtt]\nhost = "localhost"\ntls = false\n[sensorthings_api]\nmqtt = true\n')
    assert any("toml:5: " in one and "without [publish] nothing is public" in one for one in config.problems(file))
    file.write_text('[mqtt]\nhost = "localhost"\ntls = false\n[sensorthings_api]\nretain = true\n')
    assert any("toml:5: " in one and "needs mqtt = true" in one for one in config.problems(file))


@pytest.mark.parametrize(
    ("host", "mqtt", "endpoint"),
    [("mqtt.example", True, "mqtts://mqtt.example:8883"), ("localhost", True, ""), ("mqtt.example", False, None)],
)
def test_the_landing_page_says_where_to_watch(host: str, mqtt: bool, endpoint: str | None) -> None:
    settings = Config(mqtt=Mqtt(host=host), publish=Publish(), sensorthings_api=SensorThingsApi(mqtt=mqtt))
    assert _endpoint(settings) == endpoint
