"""Uplinks of ChirpStack v4 and The Things Stack v3: which messages make readings, which values, at what time."""

import json
import re
from typing import Any

import pytest

from bordstein_gateway.decode.normalise import flag_names
from bordstein_gateway.store import Arrival
from tests.gateway.inputs import DATA, EUI, LORA, TOPIC, inputs, join, read, uplink, values
from tests.gateway.packs import NOON

UPLINKS = json.loads((DATA / "uplinks.json").read_text())
CODECS = json.loads((DATA / "codecs.json").read_text())
SEEN = """
[chirpstack]
kind = "chirpstack"
topic = "application/#"
[[chirpstack.map]]
match = { profile = "MClimate *" }
[chirpstack.map.values]
"object.SensorTemperature" = "air/air_temperature"
RelativeHumidity = "air/relative_humidity"
BatteryVoltage = "health/voltage"
OpenWindow = "window/presence"
[[chirpstack.map]]
match = { profile = "Dragino *" }
[chirpstack.map.values]
CONTACT = "door/presence"
BAT_V = "health/voltage"
[ttn]
kind = "tts"
[[ttn.map]]
match = { application = "hafi-*", port = 20 }
[ttn.map.values]
"decoded_payload.airtemperature" = "air/air_temperature"
airhumidity = "air/relative_humidity"
zisternenpegel = { to = "cistern/water_level", unit = "cm" }
relais3 = "pump/presence"
"""


def test_recorded_messages_of_both_servers_become_what_their_devices_measured() -> None:
    some = inputs(SEEN)
    found = [read(some, one["topic"], one["message"], at=NOON) for one in UPLINKS]
    packs = [one.pack for one in found if one is not None]
    assert [(one.device, one.boot, one.seq, one.clock) for one in packs] == [
        ("70b3d5e050013950", 2, 2, "set"),
        ("70b3d52dd301b3cc", 2, 38547, "set"),
        ("a84041263188b787", 2, 8264, "set"),
    ]
    assert [[reading[:3] for reading in one.readings] for one in packs] == [
        [
            ("air/air_temperature", 1705907185014, 19.9),
            ("air/relative_humidity", 1705907185014, 50.9),
            ("cistern/water_level", 1705907185014, 0.02),
            ("health/rssi", 1705907185014, -37.0),
            ("health/snr", 1705907185014, 8.5),
        ],
        [
            ("air/air_temperature", 1747315328892, 23.06),
            ("air/relative_humidity", 1747315328892, 30.47),
            ("health/voltage", 1747315328892, 3.5),
            ("window/presence", 1747315328892, False),
            ("health/rssi", 1747315328892, -81.0),
            ("health/snr", 1747315328892, 7.5),
        ],
        [
            ("door/presence", 1724569847758, True),
            ("health/voltage", 1724569847758, 3.078),
            ("health/rssi", 1724569847758, -68.0),
            ("health/snr", 1724569847758, 9.25),
        ],
    ]
    assert dict(some.counts["ttn"]) == {"uplink": 1, "down": 1, "unmapped": 5}
    counts = some.counts["chirpstack"]
    assert {kind: counts[kind] for kind in ("uplink", "join", "txack", "down")} == {
        "uplink": 2,
        "join": 1,
        "txack": 1,
        "down": 2,
    }


MAPS = {
    "decentlab__dl-iam": {
        "air_temperature.value": "air/air_temperature",
        "barometric_pressure.value": {"to": "air/air_pressure", "unit": "Pa"},
        "co2_concentration.value": "air/co2",
        "battery_voltage.value": "health/voltage",
    },
    "decentlab__dl-pm": {"pm2_5_mass_concentration.value": "air/pm2_5", "pm10_mass_concentration.value": "air/pm10"},
    "decentlab__dl-pr26": {"pressure.value": {"to": "gauge/water_level", "factor": 10.19716, "offset": 0.2}},
    "decentlab__dl-tbrg": {"precipitation.value": "rain/precipitation"},
    "decentlab__dl-trs12": {
        "volumetric_water_content.value": "soil/soil_moisture",
        "soil_temperature.value": "soil/soil_temperature",
    },
    "dragino__ldds75": {
        "Distance": {"to": "level/distance", "unit": "mm"},
        "TempC_DS18B20": "level/water_temperature",
        "Bat": "health/voltage",
    },
    "dragino__lds02": {"DOOR_OPEN_STATUS": {"to": "door/presence", "words": {"0": True, "1": False}}},
    "dragino__lht65n": {"TempC_SHT": "air/air_temperature", "TempC_DS": "road/road_surface_temperature"},
    "elsys__elsys": {
        "temperature": "air/air_temperature",
        "humidity": "air/relative_humidity",
        "vdd": {"to": "health/voltage", "unit": "mV"},
        "pressure": {"to": "air/air_pressure", "unit": "hPa"},
    },
    "milesight__em300-th": {"temperature": "air/air_temperature", "humidity": "air/relative_humidity"},
}
WANTED: dict[str, list[dict[str, Any]]] = {
    "decentlab__dl-iam": [
        *(
            {"air/air_temperature": 27.67833981841764, "air/air_pressure": 96412, "air/co2": 455},
            {"air/air_temperature": 27.67833981841764, "air/air_pressure": 96412},
        ),
        {},
    ],
    "decentlab__dl-pm": [{"air/pm2_5": 3.9, "air/pm10": 3.9}, {}, {}],
    "decentlab__dl-pr26": [{"gauge/water_level": 0.080502031}, {}],
    "decentlab__dl-tbrg": [{"rain/precipitation": 0.4}, {}],
    "decentlab__dl-trs12": [{"soil/soil_moisture": 0.006886900000000029, "soil/soil_temperature": 31.7}, {}],
    "dragino__ldds75": [{"level/distance": 2.025, "level/water_temperature": 0.0}],
    "dragino__lds02": [{"door/presence": True}],
    "dragino__lht65n": [{"air/air_temperature": 1.3, "road/road_surface_temperature": 327.67}],
    "elsys__elsys": [
        *({"air/air_temperature": 23.4, "air/relative_humidity": 55},),
        *({"air/air_temperature": 19.8, "air/relative_humidity": 42},),
        *({"air/air_temperature": -5.0, "air/relative_humidity": 80},),
        *({"air/air_temperature": 20.0}, {"air/air_temperature": 18.0}, {"air/air_pressure": 100676.0}),
        *({"air/air_temperature": 21.0}, {}),
    ],
    "milesight__em300-th": [{"air/air_temperature": 4.4, "air/relative_humidity": 11.5}],
}


@pytest.mark.parametrize("device", sorted(CODECS))
def test_what_real_devices_codecs_decode_is_what_is_stored(device: str) -> None:
    maps = [{"match": {"profile": device}, "values": MAPS[device]}]
    some = inputs({"lora": {"kind": "chirpstack", "map": maps}})
    found = []
    for count, vector in enumerate(CODECS[device]):
        payload = uplink(count, fields=vector["expected"]["data"], data=bytes(vector["input"]["bytes"]), profile=device)
        found.append(values(read(some, TOPIC + "up", payload)))
    assert found == WANTED[device]


def test_zeros_that_proto3_left_out_are_zeros_and_what_no_decoder_said_is_nothing() -> None:
    some = inputs(LORA.replace('tilted = "bin/tilted"', 'tilted = { to = "bin/tilted", absent = false }'))
    payload = uplink(0, fields={"other": 1}, snr=0.0)
    assert b"fCnt" not in payload and b'"snr": -3.0' in payload and payload.count(b"snr") == 1
    found = read(some, TOPIC + "up", payload)
    assert (found.pack.boot, found.pack.seq) == (2, 0)
    assert {one.series: one.value for one in found.pack.readings} == {
        "bin/tilted": False,
        "health/rssi": -101.0,
        "health/snr": 0.0,
    }


def test_an_uplink_of_nothing_but_commands_of_the_network_counts_and_measures_nothing() -> None:
    found = read(inputs(LORA), TOPIC + "up", uplink(7, data=b""))
    assert (found.pack.seq, values(found)) == (7, {})


REFUSED = {
    "nothing decoded": (TOPIC + "up", uplink(3), "JavaScript codec"),
    "no map": (TOPIC + "up", uplink(3, fields={"a": 1}, profile="meter"), r"no \[\[input.lora.map\]\] .*profile meter"),
    "protobuf": (TOPIC + "up", b"\n\x04abcd", "not JSON .*json=true"),
    "ChirpStack v3": (
        "application/1/device/a84041ffff123456/event/up",
        b'{"applicationID":"1","deviceName":"bin","devEUI":"qEBB//8SNFY=","fCnt":1,"objectJSON":"{}"}',
        "v3's form",
    ),
    "a table in the place of a value": (
        TOPIC + "up",
        uplink(3, fields={"fill_pct": {"value": 3}}),
        "fill_pct is a table, no value; .*fill_pct.value",
    ),
    "no device": (TOPIC + "up", b"{}", "no event of ChirpStack v4: deviceInfo.devEui"),
    "a wrong type": (TOPIC + "up", b'{"deviceInfo": 7}', "no event of ChirpStack v4: Expected `object"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_says_why_and_is_kept_with_its_number(case: str) -> None:
    topic, payload, reason = REFUSED[case]
    found = read(inputs(LORA), topic, payload)
    assert isinstance(found, Arrival) and found.pack is None and found.payload == payload
    assert re.search(reason, found.reason), found.reason
    assert getattr(found.reason, "de", "") != found.reason
    if b"devAddr" in payload:
        assert (found.device, found.boot, found.seq) == (EUI, 2, 3)


def test_the_things_stack_without_decoder_or_simulated() -> None:
    some = inputs('[ttn]\nkind = "tts"\n[[ttn.map]]\n[ttn.map.values]\na = "air/air_temperature"\n')
    ids = {"device_id": "bin", "dev_eui": "A84041FFFF123456", "dev_addr": "260B5972"}
    message = {"end_device_ids": ids, "uplink_message": {"frm_payload": "AQI=", "received_at": "2026-11-24T12:00:00Z"}}
    found = read(some, "v3/app@ttn/devices/bin/up", message)
    assert "uplink payload formatter" in found.reason and (found.boot, found.seq) == (2, 0)
    assert read(some, "v3/app@ttn/devices/bin/up", {**message, "simulated": True}) is None
    assert "no DevEUI" in read(some, "v3/app@ttn/devices/bin/up", {"end_device_ids": {"device_id": "bin"}}).reason
    for kind in ("down/queued", "down/sent", "down/ack", "down/failed", "service/data", "location/solved", "join"):
        assert read(some, f"v3/app@ttn/devices/bin/{kind}", {"end_device_ids": ids}) is None, kind


@pytest.mark.parametrize(
    ("ahead", "wanted", "clock"),
    [(-40, NOON - 40, "set"), (0, NOON, "set"), (3600, NOON, "set"), (-400_000_000, NOON, "set")],
)
def test_the_time_is_the_gateways_unless_it_cannot_be(ahead: float, wanted: float, clock: str) -> None:
    found = read(inputs(LORA), TOPIC + "up", uplink(1, fields={"fill_pct": 5}, gateway_ahead=ahead), at=NOON + 7200)
    assert {one.time for one in found.pack.readings} == {wanted * 1000}
    assert found.pack.clock == clock


def test_without_any_time_that_of_arrival_is_marked() -> None:
    payload = json.loads(uplink(1, fields={"fill_pct": 5}))
    del payload["time"], payload["rxInfo"]
    found = read(inputs(LORA), TOPIC + "up", payload)
    (reading,) = found.pack.readings
    assert reading.time == NOON * 1000 and flag_names(reading.flags) == ["clock_unsure"]


def test_tags_ports_names_and_patterns_choose_the_map_and_the_first_counts() -> None:
    text = '[lora]\nkind = "chirpstack"\n'
    cases = {
        '{ tags = { objekt = "glas*" } }': "no/presence",
        "{ port = 3 }": "no/presence",
        '{ device = "bin-12", application = "water" }': "no/presence",
        '{ device = "a84041ffff*", application = "a1", tags = { objekt = "papier*" }, port = 2 }': "yes/presence",
        "{}": "no/presence",
    }
    for match, series in cases.items():
        text += f'[[lora.map]]\nmatch = {match}\nvalues = {{ on = "{series}" }}\n'
    assert values(read(inputs(text), TOPIC + "up", uplink(fields={"on": True}))) == {"yes/presence": True}


def test_the_same_uplink_once_more_by_another_way_is_the_same_pack() -> None:
    some = inputs(LORA)
    first = read(some, TOPIC + "up", uplink(9, fields={"fill_pct": 50}))
    again = read(some, TOPIC + "up", uplink(9, fields={"fill_pct": 50}, at=NOON + 4, rssi=-60))
    assert again.pack.readings == [one for one in first.pack.readings if not one.series.startswith("health/")]
    assert (again.pack.boot, again.pack.seq) == (first.pack.boot, first.pack.seq)
    assert some.counts["lora"]["repeated"] == 1


def test_a_join_begins_a_new_boot() -> None:
    some = inputs(LORA)

    def numbers(count: int, at: float, address: str) -> tuple[int, int]:
        pack = read(some, TOPIC + "up", uplink(count, at=NOON + at, address=address, fields={"fill_pct": 1})).pack
        return pack.boot, pack.seq

    assert numbers(8264, 0, "01") == (2, 8264)
    assert read(some, TOPIC + "join", join(NOON + 10, "02")) is None
    assert read(some, TOPIC + "join", join(NOON + 10, "02")) is None
    assert numbers(0, 20, "02") == (3, 0)
    assert numbers(8264, 0, "01") == (2, 8264)  # delivered once more
    assert numbers(1, 30, "02") == (3, 1)


def test_a_signal_that_the_map_names_is_not_there_twice() -> None:
    some = inputs('[lora]\nkind = "chirpstack"\n[[lora.map]]\n[lora.map.values]\nrssi = "health/rssi"\n')
    found = read(some, TOPIC + "up", uplink(fields={"rssi": -70}))
    assert [one[::2] for one in found.pack.readings] == [("health/rssi", -70, 0), ("health/snr", 4.5, 0)]
