"""The configuration: one JSON file, checked whole. Pure: runs on the board and under CPython (tests).

    load("config.json") -> the configuration with defaults filled in; ConfigError with .problems and .usable

What may stand in it: config_rules.py. README.md describes the keys for people.
"""

import sys
from binascii import crc32

from bordstein import sensors
from bordstein.config_rules import defaults, parse

# The pins of a plain ESP32, as in [pins] of boards/*.toml. Of other chips the board knows nothing; the tool does.
_ESP32 = {
    "last": 39,
    "missing": (24, 28, 29, 30, 31),
    "flash": range(6, 12),
    "console": (1, 3),
    "input_only": range(34, 40),
    "adc": range(32, 40),
    "wake": (0, 2, 4, 12, 13, 14, 15, 25, 26, 27) + tuple(range(32, 40)),
}


class ConfigError(Exception):
    """problems: all mistakes, a sentence each. usable: the configuration without the parts that have mistakes."""

    def __init__(self, problems, usable):
        super().__init__("; ".join(problems))
        self.problems = problems
        self.usable = usable


def load(path="config.json", exists=None, known=None):
    """The configuration in a file, checked, with defaults. ConfigError. exists(path) -> bool: files must be there.

    known: `sum` of one that was sound; this very file is not checked again.
    """
    try:
        text = _read(path)
        total = crc32(text.encode())
        config = _parse(path, text)
        problems = [] if total == known else checker(exists).whole(config)
        filled = fill(usable(config, exists) if problems else config)
    except (MemoryError, RuntimeError):  # CPython's RecursionError is a RuntimeError
        problems, filled = [path + ": this is too long or too deeply nested for a board"], fill({})
    if problems:
        raise ConfigError(problems, filled)
    filled["sum"] = total
    return filled


def _read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        raise ConfigError([path + ": there is no such file; write one, README.md says how"], fill({}))
    except ValueError:  # no UTF-8
        return ""


def _parse(path, text):
    try:
        return parse(text)
    except ValueError:
        raise ConfigError([path + ": this is not JSON: a comma, bracket or quotation mark is missing"], fill({}))


def pins():
    """What the pins of the chip that this runs on are good for, as far as it is known here."""
    return _ESP32 if getattr(sys.implementation, "_machine", "").endswith(" ESP32") else None


def checker(exists=None):
    """A Check for this board. Loaded only now: a board that woke up from sleep knows its configuration."""
    from bordstein.config_check import Check

    return Check(exists, pins())


def usable(config, exists=None):
    """The configuration without the parts that have mistakes, so that the rest of a board runs."""
    if not isinstance(config, dict):
        return {}
    config = {key: dict(part) if isinstance(part, dict) else part for key, part in config.items()}
    while True:  # a bus that goes takes its sensors along in the next turn
        check = checker(exists)
        check.whole(config)
        gone = 0
        for part in check.parts:
            place = config if len(part) == 1 else config[part[0]]
            if part[-1] in place:
                del place[part[-1]]
                gone += 1
        if not gone:
            return config


def fill(config):
    """A sound configuration with all defaults in it, and with each sensor's bus in place of its name."""
    filled = defaults("", config)
    network = filled["network"] = dict(config.get("network") or {})
    time = filled["time"] = dict(config.get("time") or {})
    filled["mqtt"] = defaults("mqtt", config["mqtt"]) if config.get("mqtt") else None
    filled["spool"] = defaults("spool", config.get("spool") or {})
    filled["sleep"] = defaults("sleep", config["sleep"]) if config.get("sleep") else None
    filled["supply"] = defaults("supply", config["supply"]) if config.get("supply") else None
    buses = {name: defaults(bus["type"], bus) for name, bus in (config.get("buses") or {}).items()}
    filled["buses"] = buses
    if "ds3231" in time:
        time["ds3231"] = {"bus": buses[time["ds3231"]["bus"]]}
    for kind in ("ethernet", "ppp"):
        if network.get(kind):
            network[kind] = defaults(kind, network[kind])
    if network.get("ppp"):
        network["ppp"]["bus"] = buses[network["ppp"]["bus"]]
    filled["sensors"] = {}
    for name, sensor in (config.get("sensors") or {}).items():
        sensor = defaults("", sensor, sensors.load(sensor["driver"]).OPTIONS)
        if "bus" in sensor:
            sensor["bus"] = buses[sensor["bus"]]
        filled["sensors"][name] = sensor
    return filled
