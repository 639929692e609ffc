"""Devices of four other systems, a real broker and the gateway's own process: nothing is lost when it is killed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bordstein_gateway.store import Store
from tests.gateway.inputs import EUI, LORA, TOPIC, join, uplink
from tests.gateway.test_input_lorawan import UPLINKS
from tests.street.client import Client
from tests.street.processes import until
from tests.street.servers import Gateway, Mosquitto, Town

LAST = 40
LOST = (7, 8, 21)
INPUTS = f"""
{LORA.replace("[[lora", "[[input.lora").replace("[lora", "[input.lora")}
[input.ttn]
kind = "tts"
[[input.ttn.map]]
values = {{ airtemperature = "air/air_temperature" }}
[input.plugs]
kind = "tasmota"
enterprise = 4711
timezone = "Europe/Berlin"
[[input.plugs.map]]
values = {{ "BME280.Temperature" = "air/air_temperature" }}
[input.nodes]
kind = "esphome"
topic = "esphome/+"
devices = {{ "pump" = "24a160abcdef" }}
[[input.nodes.map]]
values = {{ "sensor/water_level" = {{ to = "shaft/water_level", unit = "cm" }} }}
"""
# 2026-06-01T12:00:00Z: in the past of any machine that runs this.
BEGIN = 1_780_315_200


@pytest.fixture(scope="module")
def broker(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    folder = tmp_path_factory.mktemp("others")
    broker = Mosquitto(town, folder=folder / "broker")
    access = folder / "broker" / "acl"
    rights = access.read_text().replace("#topic read pumpenhaus/#", "topic read esphome/#")
    topics = ("application/#", "v3/#", "tele/#", "esphome/#")
    access.write_text(rights + "\nuser others\n" + "".join(f"topic readwrite {topic}\n" for topic in topics))
    with broker:
        yield broker


def test_uplinks_reach_the_store_with_their_gaps_and_survive_a_killed_gateway(
    town: Town, broker: Mosquitto, tmp_path: Path
) -> None:
    gateway = Gateway(town, broker, folder=tmp_path / "gateway")
    gateway.config.write_text(gateway.config.read_text() + INPUTS)
    (recorded,) = [one for one in UPLINKS if one["topic"].startswith("v3/") and one["topic"].endswith("/up")]
    with gateway, Client(broker.port, town.context(town.gateway("others"))) as others:
        assert others.publish(TOPIC + "join", join(BEGIN - 60, "0189ea12")) == "Success"
        for count in range(LAST):
            if count == LAST // 2:
                gateway.kill()
            if count not in LOST:
                payload = uplink(count, at=BEGIN + 60 * count, fields={"fill_pct": count})
                for _ in range(2):  # every uplink twice, as after a broken connection
                    assert others.publish(TOPIC + "up", payload) == "Success"
            if count == LAST - 2:
                gateway.start()
        others.publish(recorded["topic"], json.dumps(recorded["message"]))
        said = {"Time": "2026-06-01T14:00:00", "BME280": {"Temperature": 21.5}}
        others.publish("tele/kiosk/SENSOR", json.dumps(said))
        others.publish("tele/kiosk/LWT", "Offline", retain=True)
        others.publish("esphome/pump/sensor/water_level/state", "93.5")
        others.publish(TOPIC + "up", b"no JSON")
        wanted = {
            (EUI, "bin/fill_level", (BEGIN + 60 * count) * 1000): count / 100
            for count in range(LAST)
            if count not in LOST
        }
        wanted["70b3d5e050013950", "air/air_temperature", 1705907185014] = 19.9
        wanted["4711-kiosk", "air/air_temperature", BEGIN * 1000] = 21.5
        assert until(lambda: len(gateway.stored()) == len(wanted) + 1, 30), gateway.tail()
        stored = gateway.stored()
        (water,) = (key for key in stored if key[0] == "24a160fffeabcdef")
        assert stored.pop(water) == 0.935
        assert stored == wanted
        assert until(lambda: gateway.get("/api/latest")["quarantine"] == 1, 20)
        devices = {one["id"]: one for one in gateway.get("/api/latest")["devices"]}
        assert devices[EUI]["urn"] == f"urn:dev:mac:{EUI}" and not devices[EUI]["board"] and devices[EUI]["present"]
        assert devices["4711-kiosk"]["urn"] == "urn:dev:org:4711-kiosk" and devices["4711-kiosk"]["state"] == "lost"
        assert not devices["4711-kiosk"]["completeness"]["numbered"]
        page = gateway.get("/?lang=en")
        assert "can&#39;t be counted" in page and "reporting" in page
        assert 'bordstein_input_messages_total{input="lora",what="uplink"} ' in gateway.get("/metrics")
        assert "bordstein_receipts_total 0.0" in gateway.get("/metrics")  # none of them would know what that is
    store = Store.open(gateway.store)
    (day,) = store.completeness(EUI, "2026-06-01", "2026-06-01")
    store.close()
    assert (day.expected, day.arrived, day.missing) == (LAST, LAST - len(LOST), len(LOST))
    assert [tuple(gap) for gap in day.gaps] == [(1, 7, 8), (1, 21, 21)]
    assert day.double >= LAST - len(LOST)
