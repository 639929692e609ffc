"""A configuration out of a few answers is right for the board itself, or a sentence says what is missing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bordstein_tools import boards
from bordstein_tools.config import composing, firmware_rules, town
from bordstein_tools.config import mistakes as config_mistakes
from bordstein_tools.config.composing import Answers
from bordstein_tools.texts import Problem
from tests.tools.test_cli_config import bordstein

TOWN = """
owner = "Stadt Musterstadt"
[mqtt]
host = "mqtt.musterstadt.de"
[networks.stadt]
title = "WLAN der Stadt"
wifi = [{ ssid = "Stadt", password = "ein langes Passwort" }]
[kits.wetter]
title = "Wetter"
board = "esp32-devkitc"
sleep = { every_s = 600 }
sensors.air = { driver = "bme280", bus = "i2c0" }
[sites.mitte]
network = "stadt"
kit = "wetter"
"""


@pytest.fixture
def musterstadt(tmp_path):
    file = tmp_path / "bordstein.toml"
    file.write_text(TOWN)
    return town.read(file)


def compose(answers, lists=None, base=None, chip="esp32", board=None, brokers=("mqtt.example",)):
    config = composing.compose(answers, lists or town.Town(), base, chip, board, brokers)
    assert not config_mistakes.problems(config), config_mistakes.problems(config)
    return config


def test_a_kit_and_a_network_of_the_town_make_a_whole_configuration(musterstadt):
    config = compose(Answers(place="Marktplatz 7", network="stadt", sensors="wetter"), musterstadt)
    assert config["name"] == "Marktplatz 7" and config["board"] == "esp32-devkitc"
    assert config["network"] == {"wifi": [{"ssid": "Stadt", "password": "ein langes Passwort"}]}
    assert config["mqtt"]["host"] == "mqtt.musterstadt.de" and config["mqtt"]["key"] == "device.key.der"
    assert config["buses"] == {"i2c0": boards.known()["esp32-devkitc"]["buses"]["i2c0"]}
    assert config["sleep"] == {"every_s": 600} and "title" not in config


def test_drivers_by_name_get_the_buses_and_pins_of_the_board():
    answers = Answers(
        network="Lager",
        password="geheim genug",
        sensors="bme280, air=sht4x, ds18b20:soil_temperature, sds011, rain, pulse",
    )
    config = compose(answers)
    pins = boards.known()["esp32-devkitc"]["pins"]["free"]
    assert config["board"] == "esp32-devkitc" and config["mqtt"]["host"] == "mqtt.example"
    assert config["sensors"]["air"] == {"driver": "sht4x", "bus": "i2c0"}
    assert config["sensors"]["ds18b20"] == {"driver": "ds18b20", "bus": "w1", "property": "soil_temperature"}
    assert [config["sensors"][name]["pin"] for name in ("rain", "pulse")] == pins[:2]
    assert set(config["buses"]) == {"i2c0", "w1", "uart1"}


def test_several_of_one_driver_get_names_of_their_own():
    config = compose(Answers(network="Lager", password="geheim genug", sensors="rain, rain"))
    assert list(config["sensors"]) == ["rain", "rain_2"]


def test_ethernet_chooses_the_board_that_has_it():
    config = compose(Answers(network="ethernet", sensors="bme280"))
    assert config["board"] == "olimex-esp32-poe-iso" and config["network"]["ethernet"]["phy"] == "lan8710"


def test_a_configuration_that_is_there_stays_but_for_the_answers(musterstadt):
    base = {"name": "alt", "mqtt": {"host": "localhost", "tls": False}, "sensors": {"p": {"driver": "rain", "pin": 13}}}
    config = compose(Answers(place="neu"), musterstadt, base)
    assert config == {**base, "name": "neu", "board": "esp32-devkitc", "buses": {}} and base["name"] == "alt"


@pytest.mark.parametrize(
    ("answers", "more", "said"),
    [
        (Answers(network="stadt"), {}, "Which sensors"),
        (Answers(sensors="bme280"), {}, "Which network"),
        (Answers(network="x", sensors="bme280"), {"brokers": ()}, "name of the broker"),
        (Answers(network="x", sensors="bme280"), {"brokers": ("a", "b")}, "Which broker of a, b"),
        (Answers(network="x", sensors="bme28"), {}, "no sensor or kit bme28"),
        (Answers(network="x", sensors="sds011,pms5003,a02yyuw"), {}, "no uart bus left for a02yyuw"),
        (Answers(network="x", sensors="rain," * 9), {}, "no pin left for rain"),
        (Answers(network="x", sensors="soil_moisture"), {}, "soil_moisture needs raw_dry"),
        (Answers(network="x", sensors="bme280"), {"board": "esp33"}, "no board esp33 is known"),
        (Answers(network="x", sensors="bme280"), {"board": "esp32-c3-devkitm"}, "is it the right board"),
        (Answers(network="ethernet", sensors="bme280"), {"board": "esp32-devkitc"}, "has no Ethernet"),
        (Answers(network="x", sensors="bme280"), {"chip": "esp32h2"}, "No board is known that has an esp32h2"),
    ],
)
def test_what_is_missing_or_not_known_is_said(monkeypatch, answers, more, said):
    monkeypatch.setenv("BORDSTEIN_LANG", "en")
    with pytest.raises(Problem) as problem:
        compose(answers, **more)
    assert said in str(problem.value)
    monkeypatch.setenv("BORDSTEIN_LANG", "de")
    assert said not in str(problem.value)


@given(
    st.lists(st.sampled_from(firmware_rules.Drivers.names()), min_size=1, max_size=5),
    st.sampled_from(sorted(boards.known())),
)
def test_any_drivers_on_any_board_make_a_right_configuration_or_a_sentence(drivers, name):
    board = boards.known()[name]
    answers = Answers(network="Lager", password="geheim genug", sensors=",".join(drivers))
    try:
        config = composing.compose(answers, town.Town(), None, board["chip"], name, ["mqtt.example"])
    except Problem:
        return
    # Which of two chips on one bus is which, only a person can say.
    others = [said for said in config_mistakes.problems(config) if ".address: " not in said and ".rom: " not in said]
    assert not others, config


def test_a_town_file_is_read(musterstadt):
    assert musterstadt.owner == "Stadt Musterstadt" and musterstadt.sites["mitte"]["kit"] == "wetter"
    assert "title" in musterstadt.networks["stadt"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("owner", "is no TOML"),
        ("ownr = 'x'", "there is no ownr; allowed are owner, mqtt"),
        ("owner = 3", "owner has to be a text"),
        ("networks.a = 3", "networks.a has to be a section"),
        ("[gateway]\nurll = 'x'", "there is no gateway.urll"),
        ("[gateway]\nurl = 5", "gateway.url has to be a text"),
        ("[kits.a]\nboard = ['x']", "kits.a.board has to be a text"),
        ("[kits.a]\nbuses = 'x'", "kits.a.buses has to be a section"),
        ("[sites.a]\nnetwork = ['x']", "sites.a.network has to be a text"),
        ("[sites.a]\nkit = 'x'", "sites.a.kit names x; there are none"),
        ("[sites.a]\nkit = ['x']", "sites.a.kit has to be a text"),
        ("[kits.a]\nboard = 3", "kits.a.board has to be a text"),
        ("[gateway]\nurl = 3", "gateway.url has to be a text"),
        ("mqtt = 3", "mqtt has to be a section"),
        ("[sites.a]\nplace = 'x'", "there is no sites.a.place"),
    ],
)
def test_a_mistake_in_a_town_file_is_said(tmp_path, monkeypatch, text, said):
    monkeypatch.setenv("BORDSTEIN_LANG", "en")
    file = tmp_path / "bordstein.toml"
    file.write_text(text)
    with pytest.raises(Problem) as problem:
        town.read(file)
    assert said in str(problem.value) and str(file) in str(problem.value)


def test_the_example_that_init_writes_is_a_town_whose_kit_and_network_are_right(tmp_path):
    file = tmp_path / "bordstein.toml"
    done = bordstein("init", str(file))
    assert done.returncode == 0 and file.stat().st_mode & 0o777 == 0o600
    lists = town.read(file)
    compose(Answers(network=lists.sites["mitte"]["network"], sensors=lists.sites["mitte"]["kit"]), lists)
    assert bordstein("init", str(file)).returncode == 1
