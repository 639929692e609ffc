"""The configuration as a board reads it: memory, depth, byte order marks. For MicroPython, with little memory."""
# heapsize: 128wK
# again: single, 31-bit

import gc
import json
import sys

SOUND = {
    "mqtt": {"host": "broker.example", "ca": "ca.der"},
    "buses": {"w1": {"type": "onewire", "pin": 4}},
    "sensors": {"road": {"driver": "ds18b20", "bus": "w1"}},
}


class File:
    """Stands for config.json: a RAM disk would take the memory that the test is about."""

    def __init__(self, read):
        self.read = read

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


def load(read):
    """(what a board runs with, mistakes) for what read() reads of config.json."""
    from bordstein import config

    config.open = lambda path, encoding: File(read)
    try:
        return config.load(), []
    except config.ConfigError as error:
        return error.usable, error.problems


def test_a_byte_order_mark_is_no_mistake():
    found, problems = load(lambda: "\ufeff" + json.dumps(SOUND))
    assert problems == [] and found["mqtt"]["port"] == 8883


def test_what_does_not_fit_into_memory_is_one_sentence():
    for read in (lambda: "[" * 20000, lambda: "[" * 200000, lambda: '{"name":"' + "x" * 200000 + '"}'):
        gc.collect()
        found, problems = load(read)
        assert len(problems) == 1 and "too long" in problems[0], problems
        assert found["sensors"] == {} and found["health_s"] == 300


def test_however_deep_a_value_is_the_rest_runs():
    deep = "[" * 1000 + "]" * 1000
    whole = json.dumps(SOUND)
    for path, text in (
        ("name", whole.replace("{", '{"name": ' + deep + ",", 1)),
        ("sensors.road.rom", whole.replace('"ds18b20"', '"ds18b20", "rom": ' + deep)),
    ):
        found, problems = load(lambda text=text: text)
        assert len(problems) == 1 and problems[0].startswith(path + ": "), problems
        assert found["mqtt"]["host"] == "broker.example"


def test_bytes_that_are_no_text_are_not_json():
    problems = load(lambda: str(b'{"name": "Stra\xdfe"}', "utf-8"))[1]
    assert len(problems) == 1 and "not JSON" in problems[0]


def test_an_esp32_refuses_pins_that_would_stop_it_and_other_chips_are_free():
    from bordstein import config

    made = dict(SOUND)
    made["led"] = 6
    text = json.dumps(made)
    assert load(lambda: text)[1] == []  # this is no ESP32
    config.pins = lambda: config._ESP32
    found, problems = load(lambda: text)
    assert len(problems) == 1 and problems[0].startswith("led: ") and "flash" in problems[0]
    assert "led" not in found and "road" in found["sensors"]


def test_reading_it_leaves_nothing_in_memory():
    load(lambda: json.dumps(SOUND))
    import bordstein
    from bordstein.app import forget

    assert "bordstein.config_check" in sys.modules
    forget("config")
    assert not [name for name in sys.modules if name.startswith("bordstein.config")]
    assert not [name for name in dir(bordstein) if "config" in name]
