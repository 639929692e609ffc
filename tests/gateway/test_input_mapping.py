"""From any fields to readings: nothing that a device or its server sends makes the gateway fail."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bordstein_gateway.decode.normalise import OUT_OF_RANGE, WRONG_TYPE
from bordstein_gateway.inputs.mapping import at, leaves
from bordstein_gateway.properties import TABLE
from bordstein_gateway.store import Arrival, Store
from tests.gateway.inputs import EUI, TOPIC, inputs, read
from tests.gateway.packs import NOON

KEYS = st.text("ab.0", min_size=1, max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
PATHS = st.lists(KEYS, min_size=1, max_size=4, unique=True)
SPECS = st.fixed_dictionaries(
    {"to": st.sampled_from([f"s{number}/{name}" for number, name in enumerate(TABLE)])},
    optional={
        "unit": st.sampled_from(["%", "degF", "mV", "hPa", "furlong"]),
        "factor": st.floats(-1e9, 1e9),
        "offset": st.floats(-1e9, 1e9),
        "words": st.dictionaries(st.text(max_size=5), st.booleans() | st.floats(-5, 5), max_size=2),
        "absent": st.booleans() | st.floats(-5, 5),
    },
)


@settings(max_examples=60, deadline=None)
@given(fields=st.dictionaries(KEYS, JSON, max_size=5), paths=PATHS, data=st.data())
def test_any_fields_by_any_map_are_readings_or_a_reason(fields: dict[str, Any], paths: list[str], data: Any) -> None:
    maps = [{"values": {path: data.draw(SPECS) for path in paths}}]
    some = inputs({"lora": {"kind": "chirpstack", "map": maps}})
    event = {"deviceInfo": {"devEui": EUI}, "data": "AQ==", "time": "2026-11-24T12:00:00Z", "object": fields}
    found = read(some, TOPIC + "up", json.dumps(event))
    assert isinstance(found, Arrival)
    assert found.reason if found.pack is None else not found.reason
    for reading in found.pack.readings if found.pack else ():
        row = TABLE[reading.series.partition("/")[2]]
        assert reading.time == NOON * 1000
        fits = type(reading.value) is bool if row.kind == "boolean" else row.min <= _number(reading.value) <= row.max
        assert fits or reading.flags & (WRONG_TYPE | OUT_OF_RANGE) or reading.unit != row.unit


def _number(value: Any) -> float:
    return value if type(value) in (int, float) else float("nan")


PLAIN = st.text("ab", min_size=1, max_size=3)
TREES = st.dictionaries(
    PLAIN,
    st.recursive(
        st.integers(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PLAIN, inner, max_size=3),
        max_leaves=9,
    ),
    max_size=4,
)


@settings(max_examples=60)
@given(fields=TREES)
def test_every_path_leads_to_its_value(fields: dict[str, Any]) -> None:
    for path in leaves(fields):
        value: Any = fields
        for part in path.split("."):
            value = value[int(part)] if isinstance(value, list) else value[part]
        assert at(fields, path) == value
        assert at({"x.y": fields}, f"x.y.{path}") == value


def test_units_factors_and_words_mean_what_they_say(store: Store) -> None:
    specs: dict[str, Any] = {
        "f": {"to": "a/air_temperature", "unit": "degF"},
        "raw": {"to": "b/air_temperature", "factor": 0.1, "offset": -40},
        "raw2": {"to": "p/air_pressure", "factor": 0.1, "unit": "hPa"},
        "door": {"to": "d/presence", "words": {"Open": True, "closed": False}},
        "level": {"to": "l/fill_level", "words": {"full": 1, "empty": 0}},
        "text": "t/air_temperature",
        "list.1.v": "u/air_temperature",
        "code": {"to": "c/presence", "words": {"3": True}},
        "null": "n/air_temperature",
    }
    some = inputs({"lora": {"kind": "chirpstack", "map": [{"values": specs}]}})
    fields = {
        "f": 45.5,
        "raw": 475,
        "raw2": 10132,
        "door": "OPEN",
        "level": "full",
        "text": " -3.5 ",
        "null": None,
        "list": [1, {"v": 2}],
        "code": 3.0,
    }
    event = {"deviceInfo": {"devEui": EUI}, "data": "AQ==", "time": "2026-11-24T12:00:00Z", "object": fields}
    found = read(some, TOPIC + "up", json.dumps(event))
    assert {one.series: one.value for one in found.pack.readings} == {
        "a/air_temperature": 7.5,
        "b/air_temperature": 7.5,
        "p/air_pressure": 101320.0,
        "d/presence": True,
        "l/fill_level": 1.0,
        "t/air_temperature": -3.5,
        "u/air_temperature": 2,
        "c/presence": True,
    }
    assert store.write([found])[0].name == "NEW"
