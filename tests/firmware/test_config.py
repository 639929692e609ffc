"""Every mistake in a board's configuration gives a sentence that names its place."""

import copy
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "firmware"))

from bordstein import config, config_check, properties, sensors  # noqa: E402

# A driver is loaded after a collection, for a board's small heap; here, with all of pytest in memory, each takes longer
# than everything else that a check does.
sensors.gc = SimpleNamespace(collect=lambda: 0)

GOOD = {
    "name": "Marktplatz 7",
    "board": "virtual",
    "network": {"wifi": [{"ssid": "Stadt", "password": "geheimnis"}, {"ssid": "offen"}]},
    "mqtt": {"host": "broker.example", "ca": "ca.der", "cert": "device.der", "key": "device.key.der"},
    "time": {"servers": ["192.0.2.1"]},
    "buses": {
        "i2c0": {"type": "i2c", "id": 0, "scl": 22, "sda": 21},
        "uart1": {"type": "uart", "id": 1, "tx": 17, "rx": 16},
        "uart2": {"type": "uart", "id": 2, "tx": 26, "rx": 25},
        "w1": {"type": "onewire", "pin": 4},
    },
    "sensors": {
        "air": {"driver": "bme280", "bus": "i2c0", "address": 118, "interval_s": 60},
        "dust": {"driver": "sds011", "bus": "uart1", "sleep": True},
        "level": {"driver": "a02yyuw", "bus": "uart2", "zero_mm": 3000},
        "road": {"driver": "ds18b20", "bus": "w1", "property": "road_surface_temperature", "rom": "28ff4033721604e6"},
        "bay": {"driver": "rm3100", "bus": "i2c0", "address": 32, "threshold_nt": 6000, "heartbeat_s": 900},
        "people": {"driver": "pulse", "pin": 27, "property": "pedestrian_count", "edge": "rising"},
    },
    "spool": {"max_kb": 512, "batch_s": 0},
    "supply": {"pin": 34},
    "health_s": 300,
    "led": 2,
}
ADDRESS = {"ip": "10.0.0.7", "mask": "255.255.255.0", "gateway": "10.0.0.1", "dns": "10.0.0.1"}
MISSING = object()
THERMOMETER = {"driver": "ds18b20", "bus": "w1"}


def check(made, exists=None, pins=config._ESP32):
    """What a plain ESP32 says of a configuration."""
    return config_check.Check(exists, pins).whole(made)


def changed(path, value):
    """GOOD with one value changed; path: names and numbers joined by dots."""
    made = copy.deepcopy(GOOD)
    place = made
    *way, last = path.split(".")
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if value is MISSING:
        del place[last]
    elif isinstance(place, list):
        place[int(last)] = value
    else:
        place[last] = value
    return made


def test_a_sound_configuration_has_no_mistakes():
    assert check(GOOD) == []
    assert check({"mqtt": {"host": "localhost", "port": 1883, "tls": False}}) == []


MISTAKES = [
    # path, value, the path that is named, a word of the sentence
    ("name", 7, "name", "text"),
    ("health_s", "fast", "health_s", '"fast"'),
    ("health_s", 9, "health_s", "10 to 86400"),
    ("health_s", 60.5, "health_s", "whole number"),
    ("health_s", True, "health_s", "whole number"),
    ("led", 99, "led", "0 to 39"),
    ("led", 34, "led", "only be an input"),
    ("led", 6, "led", "flash"),
    ("led", 24, "led", "no pin 24"),
    ("name", "Markt\n7", "name", "control characters"),
    ("lde", 2, "lde", 'did you mean "led"'),
    ("sensor", {}, "sensor", 'did you mean "sensors"'),
    ("zzzzzzzz", 1, "zzzzzzzz", "allowed are"),
    ("mqtt", MISSING, "mqtt", "missing"),
    ("mqtt", [], "mqtt", "object"),
    ("mqtt.host", MISSING, "mqtt.host", "missing"),
    ("mqtt.host", "", "mqtt.host", "text"),
    ("mqtt.host", "mqtt.x:8883 x", "mqtt.host", "alone"),
    ("mqtt.host", "mqtt..x", "mqtt.host", "alone"),
    ("mqtt.host", "mqtt.x\n", "mqtt.host", "control characters"),
    ("mqtt.ca", "ca\x00.der", "mqtt.ca", "control characters"),
    ("mqtt.port", "abc", "mqtt.port", '"abc"'),
    ("mqtt.port", 70000, "mqtt.port", "65535"),
    ("mqtt.ca", MISSING, "mqtt.ca", "authority"),
    ("mqtt.cert", MISSING, "mqtt.cert", "belong together"),
    ("mqtt.key", MISSING, "mqtt.key", "belong together"),
    ("mqtt.keepalive_s", 1, "mqtt.keepalive_s", "5 to 3600"),
    ("mqtt.prot", 1, "mqtt.prot", 'did you mean "port"'),
    ("mqtt.tls", "yes", "mqtt.tls", "true or false"),
    ("network", "wifi", "network", "object"),
    ("network.wfii", [], "network.wfii", 'there is no such key; did you mean "wifi"'),
    ("network.wifi", {}, "network.wifi", "list"),
    ("network.wifi.0", "Stadt", "network.wifi[0]", "ssid"),
    ("network.wifi.1.ssid", MISSING, "network.wifi[1].ssid", "missing"),
    ("network.wifi.0.password", "kurz", "network.wifi[0].password", "8 to 63"),
    ("time.servers", "192.0.2.1", "time.servers", "list"),
    ("time.servers", [1], "time.servers[0]", "text"),
    ("time.servers", ["192.0.2.1", "a b"], "time.servers[1]", "alone"),
    ("time.ds3231", "i2c0", "time.ds3231", "object"),
    ("time.ds3231", {}, "time.ds3231.bus", "missing"),
    ("time.ds3231", {"bus": "uart1"}, "time.ds3231.bus", "of type uart"),
    ("time.ds3231", {"bus": ["i2c0"]}, "time.ds3231.bus", "no sound bus"),
    ("time.ds3231", {"bus": "i2c0", "address": 104}, "time.ds3231.address", "no such key"),
    ("network.address", ADDRESS | {"ip": "10.0.0.300"}, "network.address.ip", "192.0.2.7"),
    ("network.address", {key: ADDRESS[key] for key in ADDRESS if key != "dns"}, "network.address.dns", "missing"),
    ("network.ethernet", "lan8720", "network.ethernet", "object"),
    ("network.ethernet", {"phy": "lan8720", "mdc": 23, "mdio": 18}, "network", "one way into the network"),
    ("network", {"ethernet": {"phy": "w5500", "mdc": 23, "mdio": 18}}, "network.ethernet.phy", "allowed are lan8720"),
    ("network", {"ethernet": {"phy": "lan8720", "mdc": 23, "mdio": 34}}, "network.ethernet.mdio", "input"),
    ("network", {"ppp": {"bus": "uart2", "apn": "x"}}, "sensors.level.bus", "already taken by network.ppp"),
    ("network", {"ppp": {"bus": "i2c0", "apn": "x"}}, "network.ppp.bus", "uart"),
    ("network.wifi.0.ssid", "x" * 33, "network.wifi[0].ssid", "32 bytes"),
    ("buses.i2c0", 7, "buses.i2c0", "object"),
    ("buses.i2c0.type", "spi", "buses.i2c0.type", "i2c, uart, onewire"),
    ("buses.i2c0.type", "i2s", "buses.i2c0.type", 'did you mean "i2c"'),
    ("buses.i2c0.type", MISSING, "buses.i2c0.type", "missing"),
    ("buses.i2c0.id", 5, "buses.i2c0.id", "0 to 1"),
    ("buses.i2c0.scl", MISSING, "buses.i2c0.scl", "missing"),
    ("buses.i2c0.freq", 5, "buses.i2c0.freq", "10000"),
    ("buses.uart1.baud", 9600, "buses.uart1.baud", "no such key"),
    ("buses.uart2.id", 1, "buses.uart2.id", "already used by buses.uart1"),
    ("buses.uart1.tx", 22, "buses.uart1.tx", "already used by buses.i2c0.scl"),
    ("buses.uart1.tx", MISSING, "buses.uart1.tx", "missing"),
    ("buses.uart1.tx", 35, "buses.uart1.tx", "only be an input"),
    ("buses.uart1.rx", 9, "buses.uart1.rx", "flash"),
    ("buses.i2c0.sda", 36, "buses.i2c0.sda", "only be an input"),
    ("buses.w1.pin", 1, "buses.w1.pin", "console"),
    ("buses.w1.pin", 39, "buses.w1.pin", "only be an input"),
    ("sensors.people.pin", 2, "sensors.people.pin", "already used by led"),
    ("buses.W1", {"type": "onewire", "pin": 5}, "buses.W1", "a-z"),
    ("sensors.Luft", {"driver": "pulse", "pin": 5}, "sensors.Luft", "a-z"),
    ("sensors.health", {"driver": "pulse", "pin": 5}, "sensors.health", "taken"),
    ("sensors.air", [], "sensors.air", "object"),
    ("sensors.air.driver", "bme208", "sensors.air.driver", 'did you mean "bme280"'),
    ("sensors.air.driver", MISSING, "sensors.air.driver", "missing"),
    ("sensors.air.driver", 280, "sensors.air.driver", "not known"),
    ("sensors.air.bus", MISSING, "sensors.air.bus", "missing"),
    ("sensors.air.bus", "i2c7", "sensors.air.bus", "i2c buses: i2c0"),
    ("sensors.air.bus", ["i2c0"], "sensors.air.bus", "no sound bus"),
    ("sensors.air.bus", "uart1", "sensors.air.bus", "this driver needs i2c"),
    ("sensors.air.address", 5, "sensors.air.address", "118 to 119"),
    ("sensors.air.interval_s", 0, "sensors.air.interval_s", "1 to 86400"),
    ("sensors.air.intervall_s", 60, "sensors.air.intervall_s", 'did you mean "interval_s"'),
    ("sensors.bay2", {"driver": "rm3100", "bus": "i2c0"}, "sensors.bay2.address", "already taken by sensors.bay"),
    ("sensors.road.property", "pm10", "sensors.road.property", "soil_temperature"),
    ("sensors.road.property", "air_temperature Cel", "sensors.road.property", "air_temperature"),
    ("sensors.road.property", ["x"], "sensors.road.property", "not known"),
    ("sensors.people.property", "precipitation", "sensors.people.property", "allowed are pedestrian_count"),
    ("sensors.level.bus", "uart1", "sensors.level.bus", "already taken by sensors.dust"),
    ("sensors.water", THERMOMETER, "sensors.water.rom", "each of several sensors"),
    ("sensors.dust.interval_s", 10, "sensors.dust.interval_s", "30 s or more"),
    ("sensors.dust.sample_s", 10, "sensors.dust.sample_s", "30 s or more"),
    ("sensors.air.deadband", 10, "sensors.air.sample_s", "missing"),
    ("sensors.air.statistics", True, "sensors.air.sample_s", "missing"),
    ("sensors.air.power", 34, "sensors.air.power", "only be an input"),
    ("sensors.people.suppress_below", 1, "sensors.people.suppress_below", "2 to 1000"),
    ("sensors.people.dew_point", True, "sensors.people.dew_point", "no such key"),
    ("sensors.road.rom", "28FF", "sensors.road.rom", "hex"),
    ("sensors.people.edge", "both", "sensors.people.edge", "rising, falling"),
    ("sensors.people.pin", MISSING, "sensors.people.pin", "missing"),
    ("sensors.dust.sleep", "yes", "sensors.dust.sleep", "true or false"),
    ("spool.max_kb", 1, "spool.max_kb", "32"),
    ("spool.batch_s", -1, "spool.batch_s", "0 to 86400"),
    ("supply.factor", 1, "supply.factor", "1000"),
    ("supply.pin", 5, "supply.pin", "measures no voltage"),
    ("supply.pin", 25, "supply.pin", "measures no voltage"),
]


@pytest.mark.parametrize(("path", "value", "named", "word"), MISTAKES)
def test_a_mistake_gives_one_sentence_that_names_its_path(path, value, named, word):
    problems = check(changed(path, value))
    about = [problem for problem in problems if problem.startswith(named + ": ")]
    assert len(about) == 1, problems
    assert word in about[0]
    # What follows from it may be named too (a bus that is gone), nothing else.
    assert all(problem == about[0] or ".bus: " in problem or ".address: " in problem for problem in problems), problems


RAIN = {"driver": "rain", "pin": 27, "wake": True}
SLEEPY = {"mqtt": GOOD["mqtt"], "buses": GOOD["buses"], "sleep": {"every_s": 60}, "sensors": {"rain": RAIN}}
# What a board that sleeps can't do: its sensors, the path, a word.
SLEEPERS = [
    ({"rain": RAIN | {"wake": False}}, "sensors.rain.wake", "only what wakes it"),
    ({"people": {"driver": "pulse", "pin": 27}}, "sensors.people.wake", "only what wakes it"),
    ({"rain": RAIN, "steps": {"driver": "pulse", "pin": 13, "wake": True}}, "sensors.steps.wake", "sensors.rain"),
    ({"rain": RAIN | {"pin": 23}}, "sensors.rain.pin", "can't wake this chip"),
    ({"dust": {"driver": "sps30", "bus": "i2c0"}}, "sensors.dust.driver", "sleep.every_s"),
]


@pytest.mark.parametrize(("sensors", "named", "word"), SLEEPERS)
def test_what_a_board_that_sleeps_can_not_do_is_said(sensors, named, word):
    problems = check(SLEEPY | {"sensors": sensors, "sleep": {"every_s": 30}})
    assert len(problems) == 1 and problems[0].startswith(named + ": ") and word in problems[0], problems


def test_a_board_that_sleeps():
    assert check(SLEEPY) == []
    assert config.fill(SLEEPY)["sleep"] == {"every_s": 60, "send_each": 6, "limit_s": 180, "stay_s": 300}
    assert config.fill(GOOD)["sleep"] is None
    assert check(SLEEPY | {"sleep": {}}) == ["sleep.every_s: is missing"]
    assert check(SLEEPY | {"sleep": {}, "sensors": {"rain": 5}})


def test_a_sound_configuration_is_not_checked_again_after_a_sleep(tmp_path, monkeypatch):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(SLEEPY), encoding="utf-8")
    found = config.load(str(path))

    def check(*_):
        raise AssertionError("checked again")

    monkeypatch.setattr(config, "checker", check)
    assert config.load(str(path), known=found["sum"]) == found
    with pytest.raises(AssertionError):
        config.load(str(path), known=found["sum"] ^ 1)


def test_two_sensors_on_one_line_need_a_rom_each():
    made = changed("sensors.water", {**THERMOMETER, "rom": "021cb801000000a2"})
    assert check(made) == []
    made["sensors"]["water"]["rom"] = made["sensors"]["road"]["rom"]
    assert [problem[: problem.index(": ")] for problem in check(made)] == ["sensors.water.rom"]
    made = changed("sensors.road.rom", MISSING)
    assert check(made) == []


def test_an_sds011_has_time_to_sleep():
    from bordstein.sensors import sds011

    wait_s = (2500 + 3 * 1000) / 1000  # for the frames, at most
    assert wait_s < config_check._READING_S
    least = sds011.Driver.WARM_UP_S + config_check._READING_S
    assert least <= sds011.Driver.INTERVAL_S
    for change in ({"interval_s": least}, {"interval_s": 1, "sleep": False}):
        made = changed("name", "x")
        made["sensors"]["dust"].update(change)
        assert check(made) == []


def test_properties_that_a_sensor_may_have_are_its_drivers_and_in_the_table():
    for driver in map(sensors.load, sensors.names()):
        for name in driver.PROPERTIES:
            properties.row(name)
        for line in driver.OPTIONS.split("\n"):
            if line.startswith("property "):
                assert set(line.split(" ")[2:]) <= set(driver.PROPERTIES)


def test_all_drivers_are_found_and_the_tool_reads_of_them_what_the_board_does():
    from bordstein_tools.config.firmware_rules import Drivers

    folder = ROOT / "firmware/bordstein/sensors"
    assert sensors.names() == Drivers.names() == sorted(file.stem for file in folder.glob("[!_]*.py"))
    for name in sensors.names():
        board, tool = sensors.load(name), Drivers.load(name)
        for key in ("OPTIONS", "PROPERTIES", "WARM_UP_S", "INTERVAL_S"):
            assert getattr(board, key) == getattr(tool, key), (name, key)


def test_compiled_drivers_are_found_too_and_one_that_does_not_load_is_a_sentence(tmp_path, monkeypatch):
    for name in ("__init__.mpy", "bme280.mpy", "sds011.py", "notes.txt", "shared"):
        (tmp_path / name).write_bytes(b"")
    monkeypatch.setattr(sensors, "__file__", str(tmp_path / "__init__.mpy"))
    assert sensors.names() == ["bme280", "sds011"]

    def load(name):
        raise ValueError("incompatible .mpy file")

    monkeypatch.setattr(sensors, "load", load)
    problems = check({"mqtt": GOOD["mqtt"], "sensors": {"air": {"driver": "bme280"}}})
    assert problems == ["sensors.air.driver: bme280 can't be loaded (incompatible .mpy file); copy the firmware again"]


@pytest.mark.parametrize("name", ["", "mood", "air_temperature Cel", "air_temperature Cel 2\nrelative_humidity", "air"])
def test_what_is_no_name_of_a_property_has_no_row(name):
    with pytest.raises(KeyError):
        properties.row(name)


def test_other_chips_have_other_pins():
    made = changed("led", 48)
    made["buses"]["w1"]["pin"] = 1
    made["buses"]["i2c0"].update(scl=38, sda=6)
    made["supply"]["pin"] = 5
    assert check(made, pins=None) == []


def test_a_board_knows_that_it_is_a_plain_esp32(monkeypatch):
    for machine, known in (
        ("Generic ESP32 module with ESP32", True),
        ("Generic ESP32 module with SPIRAM with ESP32", True),
        ("Generic ESP32S3 module with ESP32S3", False),
        ("Generic ESP32C3 module with ESP32C3", False),
        ("linux [GCC 14.2.0] version", False),
    ):
        monkeypatch.setattr(sys.implementation, "_machine", machine, raising=False)
        assert (config.pins() is not None) == known


def test_all_mistakes_come_at_once():
    made = changed("mqtt.port", "abc")
    made["sensors"]["air"]["interval_s"] = 0
    made["sensors"]["road"]["driver"] = "ds18b2o"
    made["typo"] = 1
    assert len(check(made)) == 4


def test_files_that_are_missing_are_mistakes():
    problems = check(GOOD, exists=lambda name: name != "ca.der")
    assert problems == ['mqtt.ca: the file "ca.der" is not there']


@pytest.mark.parametrize("other", [[], "x", 7, None, True])
def test_something_else_than_an_object_is_a_mistake(other):
    assert len(check(other)) == 1


def test_defaults_are_filled_in(tmp_path):
    file = tmp_path / "config.json"
    file.write_text(json.dumps(GOOD))
    found = config.load(str(file))
    assert found["mqtt"]["port"] == 8883 and found["mqtt"]["keepalive_s"] == 60 and found["mqtt"]["tls"] is True
    assert found["sensors"]["air"]["bus"] == {"type": "i2c", "id": 0, "scl": 22, "sda": 21, "freq": 100000}
    assert found["supply"]["factor"] == 2000


@pytest.mark.parametrize("text", ["", "{", "{'name': 1}", "\x00", "[" * 100000])
def test_a_file_that_is_not_json_is_said_so(tmp_path, text):
    file = tmp_path / "config.json"
    file.write_text(text)
    with pytest.raises(config.ConfigError) as caught:
        config.load(str(file))
    assert "JSON" in caught.value.problems[0] or "too deeply nested" in caught.value.problems[0]
    assert caught.value.usable["sensors"] == {}


def test_a_missing_file_is_said_so(tmp_path):
    with pytest.raises(config.ConfigError) as caught:
        config.load(str(tmp_path / "config.json"))
    assert "no such file" in caught.value.problems[0]


def load(tmp_path, made):
    file = tmp_path / "config.json"
    file.write_text(json.dumps(made))
    with pytest.raises(config.ConfigError) as caught:
        config.load(str(file))
    return caught.value.usable


def test_what_has_no_mistake_goes_on(tmp_path):
    usable = load(tmp_path, changed("buses.i2c0.scl", 99))
    assert set(usable["sensors"]) == {"dust", "level", "road", "people"}
    assert usable["mqtt"]["host"] == "broker.example"
    usable = load(tmp_path, changed("mqtt.port", "abc"))
    assert usable["mqtt"] is None and len(usable["sensors"]) == 6
    usable = load(tmp_path, changed("time.servers", [""]))
    assert usable["time"] == {} and len(usable["sensors"]) == 6
    usable = load(tmp_path, changed("spool.max_kb", 1))
    assert usable["spool"] == {"max_kb": 512, "batch_s": 0}


def test_a_mistake_in_the_clock_chip_leaves_the_time_servers(tmp_path):
    chip = {"bus": "i2c0"}
    for path, value in (("time.ds3231", {"bus": "gone"}), ("time.ds3231", 7)):
        assert load(tmp_path, changed(path, value))["time"] == GOOD["time"]
    made = changed("buses.i2c0.scl", 99)
    made["time"]["ds3231"] = chip
    assert load(tmp_path, made)["time"] == GOOD["time"]
    made = changed("time.servers", "x")
    made["time"]["ds3231"] = chip
    assert load(tmp_path, made)["time"] == {}
    assert config.fill(changed("time.ds3231", chip))["time"]["ds3231"]["bus"]["scl"] == 22


def test_no_sensor_has_the_address_of_the_clock_chip_on_its_bus():
    class Drivers:
        OPTIONS = "bus i2c !\naddress address 100 110 =104"
        WARM_UP_S = 0

        def names(self):
            return ["gyro"]

        def load(self, name):
            return self

    made = changed("sensors", {"tilt": {"driver": "gyro", "bus": "i2c0"}})
    assert config_check.Check(drivers=Drivers()).whole(made) == []
    made["time"]["ds3231"] = {"bus": "i2c0"}
    assert config_check.Check(drivers=Drivers()).whole(made) == [
        "sensors.tilt.address: 104 is already taken by time.ds3231"
    ]
    made["sensors"]["tilt"]["address"] = 105
    assert config_check.Check(drivers=Drivers()).whole(made) == []


@pytest.mark.parametrize("name", ["a.b", "a: b", "", "[", "a[0]: ", "."])
def test_odd_names_leave_something_that_runs(name):
    for section in ("buses", "sensors"):
        made = changed(f"{section}.x", 1)
        made[section][name] = made[section].pop("x")
        problems = check(made)
        assert problems
        assert set(config.fill(config.usable(made))["sensors"]) == set(GOOD["sensors"])


def test_no_password_appears_in_a_sentence():
    made = changed("network.wifi.0.password", "kurz")
    made["network"]["wifi"][1]["password"] = 12345678
    assert not [problem for problem in check(made) if "kurz" in problem or "12345678" in problem]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PATHS = sorted({mistake[0] for mistake in MISTAKES if mistake[0] not in ("sensor", "lde", "zzzzzzzz")})


@given(st.sampled_from(PATHS), JSON)
def test_whatever_stands_there_is_checked_without_an_exception_and_leaves_something_that_runs(path, value):
    made = changed(path, value)
    problems = check(made)
    assert all(": " in problem for problem in problems)
    config.fill(config.usable(made))
