"""[input.…] in gateway.toml: what is wrong is said with its line."""

import re
from pathlib import Path

import pytest

from bordstein_gateway.config import config

MQTT = '[mqtt]\nhost = "localhost"\ntls = false\n'
LORA = MQTT + '[input.lora]\nkind = "chirpstack"\n[[input.lora.map]]\n[input.lora.map.values]\n'
TASMOTA = MQTT + '[input.tasmota]\nkind = "tasmota"\n'

MISTAKES = {
    'kind = "chirpstak"': (MQTT + '[input.lora]\nkind = "chirpstak"\n', '5: input.lora.kind: expected one of "chirps'),
    "no property": (
        LORA + 't = "air/air_temprature"\n',
        "8: .*t: no property of the table is called .*is air_temperature m",
    ),
    "no property in the long form": (
        LORA + 't = "air/co2"\nu = { to = "air/co3" }\n',
        r'9: input.lora.map\[1\].values.u.to: no property of the table is called "co3"; is co2 meant\?',
    ),
    "no sensor": (LORA + 't = "air_temperature"\n', '8: .*the name of a series: sensor and .*got "air_temperature"'),
    "no series": (LORA + "t = 3\n", "8: .*expected the name of a series: .* got 3"),
    "no to": (LORA + 't = { unit = "mV" }\n', "8: .*to is missing: the name of a series"),
    "a path without quotes": (
        LORA + 'object.t.v = { to = "air/co2" }\n',
        '8: .*values.object: a path with a dot has to be in quotes: "object.t.v"',
    ),
    "an unknown key": (LORA + 't = { to = "air/co2", scale = 2 }\n', "8: .*scale: there is no such key"),
    "a unit of another kind": (
        LORA + 't = { to = "air/air_pressure", unit = "Cel" }\n',
        '8: .*values.t.unit: "Cel" can\'t be converted into Pa; use factor and offset',
    ),
    "a unit for yes and no": (LORA + 't = { to = "a/presence", factor = 2 }\n', "8: .*factor: a/presence is no number"),
    "a word that means a text": (
        LORA + 't = { to = "a/presence", words = { "open" = "yes" } }\n',
        '8: .*words.open: expected true or false, got "yes"',
    ),
    "two fields for one series": (
        LORA + 't = "air/co2"\nu = "air/co2"\n',
        "9: .*values.u: air/co2 is the value of t already",
    ),
    "a filter that is none": (
        MQTT + '[input.l]\nkind = "tts"\ntopic = "v3/#/up"\n',
        "6: input.l.topic: expected a topic f",
    ),
    "a topic without a device": (TASMOTA + 'enterprise = 1\ntopic = "tele"\n', r"7: .*a topic with one \+"),
    "the same topic twice": (
        MQTT + '[input.a]\nkind = "tts"\n[input.b]\nkind = "tts"\n',
        r"6: input.b: \[input.a\] listens to the same topic",
    ),
    "no MAC": (TASMOTA, "4: input.tasmota: devices is missing: each device's MAC"),
    "a name in place of a MAC": (
        TASMOTA + 'devices = { "a" = "pump" }\n',
        '6: input.tasmota.devices.a: expected a MAC, .*got "pump"',
    ),
    "no time zone": (TASMOTA + 'enterprise = 1\ntimezone = "Berlin"\n', '7: .*expected a time zone .*got "Berlin"'),
    "what is absent, where each value is a message": (
        MQTT + '[input.e]\nkind = "esphome"\nenterprise = 1\n[[input.e.map]]\n'
        'values = { "sensor/a" = { to = "a/co2", absent = 0 } }\n',
        "8: .*sensor/a.*absent: there is no such thing with esphome",
    ),
    "a port that is none": (
        MQTT + '[input.l]\nkind = "tts"\n[[input.l.map]]\nmatch = { port = 256 }\n',
        "7: .*port: expected an integer 0..255, got 256",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_named_with_its_line(case: str, tmp_path: Path) -> None:
    text, wanted = MISTAKES[case]
    path = tmp_path / "gateway.toml"
    path.write_text(text)
    said = config.problems(path)
    assert any(re.match(wanted, one.removeprefix(f"{path}:")) for one in said), said


def test_five_lines_map_a_device_type(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(
        LORA.replace("[input.lora.map.values]\n", 'match = { profile = "EM300*" }\n[input.lora.map.values]\n')
        + 'temperature = "air/air_temperature"\nbattery = { to = "health/battery_level", unit = "%" }\n'
    )
    loaded = config.load(path)
    (entry,) = loaded.input["lora"].map
    assert entry.match.profile == "EM300*" and set(entry.values) == {"temperature", "battery"}
