"""Eight ready boards of a street: what each measures, with which chips, and what goes wrong with them now and then.

`BOARDS` is plain data. Whoever runs a board adds to `config` (or `buses` and `sensors`) the rest of its config.json
(broker, keys), and to `mac`, `chips` and `faults` the rest of its scenario (flash file, recorder): see README.md.
"""

import tomllib
from pathlib import Path
from typing import Any

Part = dict[str, Any]

_ROOT = Path(__file__).resolve().parents[2]
REPLAY = _ROOT / "tests" / "data" / "replay"

_BUSES: Part = tomllib.loads((_ROOT / "boards" / "virtual.toml").read_text(encoding="utf-8"))["buses"]


def _buses(*names: str) -> Part:
    return {name: dict(_BUSES[name]) for name in names}


def _replay(file: str, step_s: float, **columns: str) -> Part:
    """A CSV of tests/data/replay; one row lasts step_s seconds. columns: the chip's quantity = the file's column."""
    return {"file": str(REPLAY / file), "columns": columns, "step_s": step_s}


def _air(file: str, step_s: float = 2) -> Part:
    replay = _replay(file, step_s, temperature="temperature", humidity="humidity", pressure="pressure")
    return {"chip": "bme280", "name": "air", "bus": "i2c:0", "address": 0x76, "replay": replay}


def _dust(file: str, step_s: float = 2) -> Part:
    return {
        "chip": "sds011",
        "name": "dust",
        "bus": "uart:1",
        "replay": _replay(file, step_s, pm2_5="pm2_5", pm10="pm10"),
    }


def _level(file: str, step_s: float, zero_mm: int) -> Part:
    replay = _replay(file, step_s, level="level")
    return {"chip": "a02yyuw", "name": "level", "bus": "uart:2", "zero_mm": zero_mm, "waves_mm": 4, "replay": replay}


def _thermometer(file: str, column: str, step_s: float, **more: Any) -> Part:
    replay = {**_replay(file, step_s, temperature=column), **more}
    return {"chip": "ds18b20", "name": "thermometer", "bus": "onewire:4", "replay": replay}


def _bay(name: str, address: int, column: str) -> Part:
    replay = _replay("auckland-parking.csv", 8, occupied=column)
    return {"chip": "rm3100", "name": name, "bus": "i2c:0", "address": address, "replay": replay}


def _people(column: str) -> Part:
    # An hour of the real street in a minute, and one in ten of its people past this barrier.
    replay = _replay("auckland-pedestrians.csv", 60, per_row=column)
    return {"chip": "pulse", "name": "people", "bus": "pin:27", "scale": 0.1, "replay": replay}


_AIR: Part = {"driver": "bme280", "bus": "i2c0", "address": 0x76, "interval_s": 2}
_DUST: Part = {"driver": "sds011", "bus": "uart1", "interval_s": 3}
_ROAD: Part = {"driver": "ds18b20", "bus": "w1", "property": "road_surface_temperature", "interval_s": 3}
_PEOPLE: Part = {"driver": "pulse", "pin": 27, "property": "pedestrian_count", "interval_s": 5}


def _bay_sensor(address: int) -> Part:
    return {"driver": "rm3100", "bus": "i2c0", "address": address, "interval_s": 5, "sample_ms": 250}


def _level_sensor(zero_mm: int) -> Part:
    return {"driver": "a02yyuw", "bus": "uart2", "zero_mm": zero_mm, "interval_s": 2}


BOARDS: list[Part] = [
    {
        "name": "Prinzipalmarkt",
        "latitude": 51.96236,
        "longitude": 7.62828,
        "buses": _buses("i2c0", "uart1"),
        "sensors": {"air": _AIR, "dust": _DUST},
        "chips": [_air("sensor-community-15093-bme280.csv"), _dust("sensor-community-15092-sds011.csv")],
        "faults": [],
    },
    {
        "name": "Hauptbahnhof",
        "latitude": 51.95691,
        "longitude": 7.63472,
        "buses": _buses("uart1", "w1"),
        "sensors": {"dust": _DUST, "road": _ROAD},
        "chips": [
            _dust("sensor-community-8554-sds011.csv"),
            _thermometer("sensor-community-8555-dht22.csv", "temperature", 2),
        ],
        "faults": [
            {"chip": "dust", "kind": "flip", "probability": 0.1, "seed": 2},
            {"chip": "thermometer", "kind": "flip", "probability": 0.05, "seed": 3},
        ],
    },
    {
        "name": "Aasee, Feuerwerk",
        "latitude": 51.95515,
        "longitude": 7.61521,
        "buses": _buses("i2c0", "uart1"),
        "sensors": {"air": _AIR, "dust": _DUST},
        "chips": [_air("nyc-jfk-weather.csv"), _dust("sensor-community-15092-newyear.csv")],
        "faults": [{"chip": "air", "kind": "nack", "probability": 0.02, "seed": 4}],
    },
    {
        "name": "Aa, Pegel Kanalstraße",
        "latitude": 51.97092,
        "longitude": 7.62671,
        "buses": _buses("uart2", "w1"),
        "sensors": {"level": _level_sensor(4000), "water": {**_ROAD, "property": "water_temperature"}},
        "chips": [
            _level("usgs-01541000-gauge.csv", 4, 4000),
            _thermometer("dwd-10315-temperature.csv", "temperature_2m", 20, interpolate=True),
        ],
        "faults": [{"chip": "level", "kind": "noise", "probability": 0.2, "seed": 5}],
    },
    {
        "name": "Werse, Pegel Handorf",
        "latitude": 51.98735,
        "longitude": 7.70223,
        "buses": _buses("i2c0", "uart2"),
        "sensors": {"level": _level_sensor(3000), "air": _AIR},
        "chips": [_level("usgs-01542500-ice.csv", 2, 3000), _air("nyc-ewr-weather.csv")],
        "faults": [{"chip": "level", "kind": "truncate", "probability": 0.1, "seed": 6}],
    },
    {
        "name": "Parkplatz Domplatz",
        "latitude": 51.96291,
        "longitude": 7.62514,
        "buses": _buses("i2c0", "w1"),
        "sensors": {"bay1": _bay_sensor(0x20), "bay2": _bay_sensor(0x21), "road": _ROAD},
        "chips": [
            _bay("bay1", 0x20, "high_street_2"),
            _bay("bay2", 0x21, "high_street_59"),
            _thermometer("dwd-10315-temperature.csv", "temperature_5cm", 20, interpolate=True),
        ],
        "faults": [{"chip": "bay2", "kind": "nack", "probability": 0.02, "seed": 7}],
    },
    {
        "name": "Ludgeristraße",
        "latitude": 51.95873,
        "longitude": 7.62742,
        "buses": _buses("i2c0"),
        "sensors": {"people": _PEOPLE, "air": _AIR},
        "chips": [_people("queen_street_261"), _air("sensor-community-15093-bme280.csv", 1)],
        "faults": [{"chip": "people", "kind": "noise", "probability": 0.3, "seed": 8}],
    },
    {
        "name": "Hansaring",
        "latitude": 51.95157,
        "longitude": 7.63958,
        "buses": _buses("i2c0", "uart1", "uart2"),
        "sensors": {
            "air": _AIR,
            "dust": _DUST,
            "bay": _bay_sensor(0x20),
            "level": _level_sensor(3000),
            "people": _PEOPLE,
        },
        "chips": [
            _air("nyc-jfk-weather.csv", 3),
            _dust("sensor-community-15092-newyear.csv", 1),
            _bay("bay", 0x20, "queen_street_45"),
            _level("usgs-01541200-gauge.csv", 4, 3000),
            _people("custom_street_east_7"),
        ],
        "faults": [{"chip": "air", "kind": "stuck", "from_s": 20, "until_s": 35}],
    },
]

for _number, _board in enumerate(BOARDS, 1):
    # A made-up MAC address each (Espressif's prefix), and what of config.json does not depend on the broker.
    _board["mac"] = f"24a1600000{_number:02x}"
    _board["config"] = {key: _board[key] for key in ("name", "buses", "sensors")} | {"board": "virtual"}
