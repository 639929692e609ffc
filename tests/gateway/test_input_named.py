"""Tasmota's and ESPHome's messages: names, times and what is left out."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bordstein_gateway.decode.normalise import flag_names
from bordstein_gateway.store import StateReport, Store
from tests.gateway.inputs import inputs, read, values
from tests.gateway.packs import NOON

PLUG = "tele/tasmota_9CF9D1/"
TASMOTA = """
[plugs]
kind = "tasmota"
devices = { "tasmota_9CF9D1" = "24:A1:60:9C:F9:D1" }
timezone = "Europe/Berlin"
[[plugs.map]]
match = { device = "tasmota_*" }
[plugs.map.values]
"BME280.Temperature" = "air/air_temperature"
"SENSOR.BME280.Pressure" = "air/air_pressure"
Switch1 = "lid/presence"
"""
SENSOR = {
    "Time": "2026-11-24T13:00:00",
    "Switch1": "ON",
    "BME280": {"Temperature": 7.5, "Humidity": 81.2, "Pressure": 1013.2},
    "PressureUnit": "hPa",
    "TempUnit": "C",
}


def test_tasmotas_sensors_in_local_time() -> None:
    some = inputs(TASMOTA)
    found = read(some, PLUG + "SENSOR", SENSOR, at=NOON + 3)
    assert found.pack.device == "24a160fffe9cf9d1" and found.foreign
    assert (found.pack.boot, found.pack.seq, found.pack.relative) == (None, None, False)
    assert values(found) == {"air/air_temperature": 7.5, "air/air_pressure": 101320.0, "lid/presence": True}
    assert {one.time for one in found.pack.readings} == {NOON * 1000}
    assert some.sources["plugs"].unmapped == ["BME280.Humidity"]


def test_tasmota_in_fahrenheit() -> None:
    said = {**SENSOR, "BME280": {"Temperature": 45.5}, "TempUnit": "F"}
    assert values(read(inputs(TASMOTA), PLUG + "SENSOR", said))["air/air_temperature"] == 7.5


@pytest.mark.parametrize(
    ("text", "arrived", "wanted"),
    [
        ("2026-11-24T13:00:00", NOON + 3600, NOON),
        ("2026-11-24T13:00:00+01:00", NOON + 3600, NOON),
        ("2026-11-24T12:00:00Z", NOON + 3600, NOON),
        ("1970-01-01T00:00:11", NOON, NOON),
        ("2026-11-24T14:00:00", NOON, NOON),
        ("", NOON, NOON),
        # 2026-10-25: 02:30 is there twice, at 00:30 and at 01:30 UTC.
        ("2026-10-25T02:30:00", datetime(2026, 10, 25, 0, 30, 2, tzinfo=UTC).timestamp(), 1792888200),
        ("2026-10-25T02:30:00", datetime(2026, 10, 25, 1, 30, 2, tzinfo=UTC).timestamp(), 1792891800),
    ],
)
def test_tasmotas_time_is_its_own_where_that_can_be(text: str, arrived: float, wanted: float) -> None:
    found = read(inputs(TASMOTA), PLUG + "SENSOR", {**SENSOR, "Time": text}, at=arrived)
    assert {one.time for one in found.pack.readings} == {wanted * 1000}


def test_without_a_time_zone_that_of_arrival_counts() -> None:
    found = read(inputs(TASMOTA.replace('timezone = "Europe/Berlin"', "")), PLUG + "SENSOR", SENSOR, at=NOON + 9)
    assert found.pack.relative and {one.time for one in found.pack.readings} == {(NOON + 9) * 1000}


def test_tasmotas_state_is_health_and_its_last_will_is_presence() -> None:
    some = inputs(TASMOTA)
    said = {"Time": "2026-11-24T13:00:00", "UptimeSec": 611, "Vcc": 3.1, "Wifi": {"RSSI": 44, "Signal": -78}}
    found = read(some, PLUG + "STATE", said)
    assert {one.series: one.value for one in found.pack.readings} == {"health/uptime": 611, "health/rssi": -78}
    for payload, state in (("Online", "ready"), ("Offline", "lost")):
        report = read(some, PLUG + "LWT", payload, retained=True)
        assert isinstance(report, StateReport) and (report.state, report.retained) == (state, True)


def test_names_without_a_mac_need_the_operators_number() -> None:
    some = inputs(TASMOTA)
    refused = read(some, "tele/tasmota_000001/SENSOR", SENSOR)
    assert (
        refused.pack is None
        and "the MAC of tasmota_000001 is not known; name it under [input.plugs.dev" in refused.reason
    )
    some = inputs(TASMOTA.replace('"24:A1:60:9C:F9:D1" }', '"pump-3" }\nenterprise = 4711'))
    assert read(some, PLUG + "SENSOR", SENSOR).device == "4711-pump-3"
    assert read(some, "tele/tasmota_000001/SENSOR", SENSOR).device == "4711-tasmota.5f000001"


@pytest.mark.parametrize("payload", [b"\xff", b"[1]", b"{", b'{"a":' * 3000])
def test_what_is_no_json_is_kept(payload: bytes) -> None:
    some = inputs(TASMOTA)
    found = some.read(PLUG + "SENSOR", payload, False, NOON)
    assert found is not None and "not JSON" in found.reason  # type: ignore[union-attr]
    assert (
        "no [[input.plugs.map]] matches other"
        in read(inputs(TASMOTA.replace("devices", "enterprise = 1\ndevices")), "tele/other/SENSOR", SENSOR).reason
    )


NODE = """
[nodes]
kind = "esphome"
devices = { "pump house" = "24a160abcdef" }
[[nodes.map]]
match = { device = "pump*" }
[nodes.map.values]
"sensor/water_level" = { to = "shaft/water_level", unit = "cm" }
"binary_sensor/lid" = { to = "lid/presence", words = { "ON" = false, "OFF" = true } }
"text_sensor/door" = { to = "door/presence", words = { "closed" = false } }
"""


def test_esphomes_states_have_the_time_of_arrival() -> None:
    some = inputs(NODE)
    for topic, payload, wanted in (
        ("sensor/water_level", "93.40", {"shaft/water_level": 0.934}),
        ("binary_sensor/lid", "ON", {"lid/presence": False}),
        ("binary_sensor/lid", "OFF", {"lid/presence": True}),
        ("text_sensor/door", "Closed", {"door/presence": False}),
    ):
        found = read(some, f"pump house/{topic}/state", payload, at=NOON + 0.25)
        assert values(found) == wanted
        assert found.device == "24a160fffeabcdef" and found.pack.relative
        assert [(one.time, one.flags) for one in found.pack.readings] == [(NOON * 1000 + 250, 0)]
    assert isinstance(read(some, "pump house/status", "online"), StateReport)


def test_of_esphome_nothing_is_made_up() -> None:
    """Neither from values that the broker kept, nor from what says that there is none, nor from other nodes."""
    some = inputs(NODE)
    assert read(some, "pump house/sensor/water_level/state", "93", retained=True) is None
    assert read(some, "pump house/sensor/water_level/state", "nan") is None
    assert read(some, "pump house/sensor/other/state", "5") is None
    assert read(some, "kitchen/sensor/water_level/state", "5") is None
    assert dict(some.counts["nodes"]) == {"retained": 1, "unmapped": 1, "unmatched": 1}
    (reading,) = read(some, "pump house/text_sensor/door/state", "ajar").pack.readings
    assert flag_names(reading.flags) == ["wrong_type"]


def test_what_the_broker_held_back_is_marked() -> None:
    some = inputs(NODE)
    some.kept = True
    (reading,) = read(some, "pump house/sensor/water_level/state", "93").pack.readings
    assert flag_names(reading.flags) == ["clock_unsure"]


def test_what_has_no_numbers_has_no_share(store: Store) -> None:
    some = inputs(NODE)
    for second in range(3):
        message: Any = read(some, "pump house/sensor/water_level/state", "93.4", at=NOON + second)
        store.write([message], now_ms=(NOON + second) * 1000)
    (day,) = store.completeness("24a160fffeabcdef", "2026-11-23", "2026-11-25")
    assert (day.day, day.numbered, day.expected, day.arrived) == ("2026-11-24", False, 0, 0)
    assert len(store.readings_after(0, 10)) == 3
