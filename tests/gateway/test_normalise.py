import json
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bordstein_gateway.decode import boardpack, normalise, senml
from bordstein_gateway.decode.normalise import (
    CLOCK_UNSURE,
    OUT_OF_RANGE,
    STUCK,
    UNIT_MISMATCH,
    UNKNOWN_PROPERTY,
    WRONG_TYPE,
    DecodeError,
    Pack,
    Plausibility,
    Reading,
)

DEVICE = "24a160123456"
BASE = "urn:dev:mac:24a160fffe123456:"
T = 1_763_990_000
NOW = T + 1.5
LABELS = {"bver": -1, "bn": -2, "bt": -3, "n": 0, "u": 1, "v": 2, "vs": 3, "vb": 4, "s": 5, "t": 6, "vd": 8}

ORDINARY = (
    b'[{"bn":"urn:dev:mac:24a160fffe123456:","bt":1763990000,"n":"boot","v":3},{"n":"seq","v":17},'
    b'{"n":"air/air_temperature","u":"Cel","v":8.15},{"n":"air/relative_humidity","u":"%RH","v":79.67},'
    b'{"n":"dust/pm10","u":"ug/m3","v":8.4,"t":-2},{"n":"bay/parking_bay_occupied","vb":true}]'
)


def pack(
    *records: dict[str, Any], bt: int | None = T, boot: int | None = 3, seq: int | None = 17, now: float = NOW
) -> Pack:
    """A pack of these records after the usual first ones, read from its JSON; its CBOR has to say the same."""
    first: dict[str, Any] = {"bn": BASE} | ({} if bt is None else {"bt": bt})
    rows: list[dict[str, Any]] = [
        {"n": name, "v": value} for name, value in (("boot", boot), ("seq", seq)) if value is not None
    ]
    rows += records
    rows[0] = first | rows[0]
    result = normalise.pack(DEVICE, json.dumps(rows, separators=(",", ":")).encode(), now)
    as_cbor = [{LABELS[label]: value for label, value in row.items()} for row in rows]
    assert normalise.pack(DEVICE, cbor2.dumps(as_cbor), now) == result
    return result


def one(record: dict[str, Any], **options: Any) -> Reading:
    (reading,) = pack(record, **options).readings
    return reading


def test_an_ordinary_pack_becomes_readings_without_marks() -> None:
    assert normalise.pack(DEVICE, ORDINARY, NOW) == Pack(
        DEVICE,
        boot=3,
        seq=17,
        relative=False,
        clock="set",
        readings=[
            Reading("air/air_temperature", T * 1000, 8.15, "Cel", 0),
            Reading("air/relative_humidity", T * 1000, 79.67, "%RH", 0),
            Reading("dust/pm10", (T - 2) * 1000, 8.4, "ug/m3", 0),
            Reading("bay/parking_bay_occupied", T * 1000, True, "/", 0),
        ],
    )


def test_the_ordinary_pack_takes_the_short_way_and_it_agrees_with_the_long_one() -> None:
    assert boardpack.read(DEVICE, ORDINARY, NOW) is not None
    assert normalise.pack(DEVICE, ORDINARY, NOW) == normalise._long_way(DEVICE, ORDINARY, NOW)


def test_health_has_a_boot_and_no_seq() -> None:
    health = pack(
        {"n": "health/uptime", "v": 60}, {"n": "health/errors/air", "v": 2}, {"n": "health/rssi", "v": -71}, seq=None
    )
    assert (health.boot, health.seq) == (3, None)
    assert [(r.series, r.value, r.unit, r.flags) for r in health.readings] == [
        ("health/uptime", 60, "s", 0),
        ("health/errors/air", 2, "count", 0),
        ("health/rssi", -71, "dBm", 0),
    ]


def test_times_without_a_base_are_counted_back_from_the_receipt_and_marked() -> None:
    result = pack({"n": "air/air_pressure", "v": 101325, "t": -30}, {"n": "clock", "vs": "unset"}, bt=None)
    assert (result.relative, result.clock) == (True, "unset")
    assert result.readings == [Reading("air/air_pressure", round((NOW - 30) * 1000), 101325, "Pa", CLOCK_UNSURE)]


def test_an_estimated_clock_is_marked() -> None:
    result = pack({"n": "air/air_pressure", "v": 101325}, {"n": "clock", "vs": "estimated"})
    assert (result.relative, result.clock) == (False, "estimated")
    assert result.readings == [Reading("air/air_pressure", T * 1000, 101325, "Pa", CLOCK_UNSURE)]


@pytest.mark.parametrize(
    ("bt", "flags"), [(T, 0), (T + 299, 0), (T + 400, CLOCK_UNSURE), (1_500_000_000, CLOCK_UNSURE)]
)
def test_times_nobody_can_have_measured_at_are_marked(bt: int, flags: int) -> None:
    reading = one({"n": "air/air_pressure", "v": 101325}, bt=bt)
    assert (reading.time, reading.flags) == (bt * 1000, flags)


@pytest.mark.parametrize(
    ("name", "unit", "value", "stored", "flags"),
    [
        ("air_temperature", "K", 281.3, 8.15, 0),
        ("air_temperature", "degF", 46.67, 8.15, 0),
        ("air_temperature", "Cel", -60.01, -60.01, OUT_OF_RANGE),
        ("air_pressure", "hPa", 1013.25, 101325, 0),
        ("air_pressure", "kPa", 101.325, 101325, 0),
        ("water_level", "mm", 1234, 1.234, 0),
        ("water_level", "cm", 123.4, 1.234, 0),
        ("water_level", "km", 0.07, 70, OUT_OF_RANGE),
        ("relative_humidity", "/", 0.07, 7, 0),
        ("relative_humidity", "%", 79.67, 79.67, 0),
        ("fill_level", "/100", 33.3, 0.333, 0),
        ("wind_speed", "km/h", 36, 10, 0),
        ("pm10", "mg/m3", 0.0084, 8.4, 0),
        ("magnetic_flux_density", "uT", 48.123, 0.000048123, 0),
        ("rssi", "dBW", -101, -71, 0),
        ("voltage", "mV", 3300, 3.3, 0),
        ("uptime", "min", 2, 120, 0),
    ],
)
def test_units_become_the_tables_without_binary_noise(
    name: str, unit: str, value: float, stored: float, flags: int
) -> None:
    reading = one({"n": f"x/{name}", "u": unit, "v": value})
    assert (reading.value, reading.flags) == (stored, flags)


def test_a_unit_of_another_kind_is_kept_and_marked() -> None:
    assert one({"n": "x/air_temperature", "u": "Pa", "v": 8}) == Reading(
        "x/air_temperature", T * 1000, 8, "Pa", UNIT_MISMATCH
    )
    assert one({"n": "x/precipitation", "u": "mm/h", "v": 8}).flags == UNIT_MISMATCH


def test_an_unknown_property_is_kept_and_marked() -> None:
    assert one({"n": "lab/radon", "u": "Bq", "v": 40}) == Reading("lab/radon", T * 1000, 40, "Bq", UNKNOWN_PROPERTY)
    assert one({"n": "lab/note", "vs": "x"}).value == "x"
    assert one({"n": "lab", "v": 1}).unit == ""


@pytest.mark.parametrize(
    ("record", "value", "flags"),
    [
        ({"n": "a/parking_bay_occupied", "vb": False}, False, 0),
        ({"n": "a/parking_bay_occupied", "v": 1}, True, 0),
        ({"n": "a/parking_bay_occupied", "v": 0.5}, 0.5, WRONG_TYPE),
        ({"n": "a/air_temperature", "vb": True}, True, WRONG_TYPE),
        ({"n": "a/air_temperature", "vs": "8.15"}, "8.15", WRONG_TYPE),
        ({"n": "a/pedestrian_count", "v": 3.0}, 3, 0),
        ({"n": "a/pedestrian_count", "v": 3.5}, 3.5, WRONG_TYPE),
        ({"n": "a/pedestrian_count", "v": -1}, -1, OUT_OF_RANGE),
        ({"n": "a/air_pressure", "v": 1e300}, 1e300, OUT_OF_RANGE),
    ],
)
def test_values_of_the_wrong_kind_are_kept_and_marked(record: dict[str, Any], value: Any, flags: int) -> None:
    reading = one(record)
    assert (reading.value, type(reading.value), reading.flags) == (value, type(value), flags)


def test_a_sum_is_a_series_of_its_own() -> None:
    result = pack({"n": "meter/power", "u": "W", "v": 100, "s": 3600})
    assert result.readings[1] == Reading("meter/power/sum", T * 1000, 3600, "W.s", UNKNOWN_PROPERTY)


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([{"bn": "urn:dev:mac:24a160fffe999999:", "bt": T, "n": "air/pm10", "v": 1}], "24a160123456"),
        ([{"bn": "urn:dev:ow:10e2073a01080063:", "n": "air/pm10", "v": 1}], "not of device"),
        ([{"bn": BASE, "n": "a/pm10", "v": 1}, {"bn": "other:", "n": "a/pm10", "v": 1}], "record 2"),
        ([{"bn": BASE, "v": 1}], "1 to 200 characters"),
        ([{"bn": BASE, "n": "a/" + "b" * 300, "v": 1}], "1 to 200 characters"),
        ([{"bn": BASE, "n": "boot", "v": 0}], "boot"),
        ([{"bn": BASE, "n": "boot", "v": 2**31}], "boot"),
        ([{"bn": BASE, "n": "boot", "vs": "1"}], "boot"),
        ([{"bn": BASE, "n": "seq", "v": -1}], "seq"),
        ([{"bn": BASE, "n": "seq", "v": 1.5}], "seq"),
        ([{"bn": BASE, "n": "seq", "v": 1}, {"n": "seq", "v": 2}], "second time"),
        ([{"bn": BASE, "bt": 1e15, "n": "a/pm10", "v": 1}], "1970 to 9999"),
        ([{"bn": BASE, "n": "a/pm10", "v": 1, "t": -1e15}], "1970 to 9999"),
        ([{"bn": BASE, "bt": T, "n": "a/distance", "u": "km", "v": 1e308}], "too large"),
    ],
)
def test_what_cannot_be_a_boards_pack_is_refused_with_the_reason(records: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(DecodeError, match=said):
        normalise.pack(DEVICE, json.dumps(records, separators=(",", ":")).encode(), NOW)


def test_a_label_that_appears_twice_is_refused_on_the_short_way_too() -> None:
    with pytest.raises(DecodeError, match="twice"):
        normalise.pack(DEVICE, ORDINARY.replace(b'"v":8.15', b'"v":8.15,"v":9.15'), NOW)
    with pytest.raises(DecodeError, match="null"):
        normalise.pack(DEVICE, ORDINARY.replace(b'"u":"Cel"', b'"u":null'), NOW)


@pytest.mark.parametrize("moved", [b" ", b"\n\t"])
def test_white_space_changes_nothing(moved: bytes) -> None:
    spread = ORDINARY.replace(b":3}", b" : 3}").replace(b",", b"," + moved)
    assert normalise.pack(DEVICE, moved + spread, NOW) == normalise.pack(DEVICE, ORDINARY, NOW)


def test_hostile_names_do_not_fill_the_memory() -> None:
    for number in range(20_000):
        payload = ORDINARY.replace(b"air/air_temperature", b"s%d/air_temperature" % number)
        assert len(normalise.pack(DEVICE, payload, NOW).readings) == 4
    assert len(boardpack._series) <= 4098


# --- the short way is the long way, only shorter --------------------------------------------------------------------

odd = st.sampled_from(
    [
        {"n": "air/air_temperature", "u": "Cel", "v": 8.15},
        {"n": "air/air_temperature", "u": "K", "v": 281},
        {"n": "air/air_temperature", "v": 99},
        {"n": "air/air_temperature", "vb": True},
        {"n": "bay/parking_bay_occupied", "vb": False},
        {"n": "bay/parking_bay_occupied", "v": 1},
        {"n": "people/pedestrian_count", "v": 7, "t": -1},
        {"n": "people/pedestrian_count", "v": 7.0},
        {"n": "people/pedestrian_count", "v": 7, "vb": True},
        {"n": "air/air_pressure", "v": 101325, "t": 1000},
        {"n": "air/air_pressure", "v": 101325, "t": -0.5},
        {"n": "air/air_pressure", "v": 101325, "u": None},
        {"n": "air/air_pressure", "v": 101325, "bt": T + 1},
        {"n": "air/air_pressure", "v": 101325, "x": '":'},
        {"n": "air/air_pressure", "v": 101325, "x_": 1},
        {"n": "health/errors/air", "v": 1},
        {"n": "air_pressure", "v": 101325},
        {"n": "Air/air_pressure", "v": 101325},
        {"n": "unknown/thing", "v": 1},
        {"n": "clock", "vs": "unset"},
        {"n": "clock", "vs": "set"},
        {"n": "boot", "v": 1},
        {"n": "seq", "v": 2, "u": "count"},
        {"n": "seq", "v": 2.0},
        {"n": "", "v": 1},
        {"v": 1},
        {},
    ]
)


def outcome(read: Any, payload: bytes) -> object:
    try:
        return read(DEVICE, payload, NOW)
    except DecodeError as error:
        return str(error)


@given(
    st.fixed_dictionaries(
        {"bn": st.sampled_from([BASE, BASE[:-1], ""])}, optional={"bt": st.sampled_from([T, T + 0.5, 5, None])}
    ),
    st.lists(odd, min_size=1, max_size=4),
)
def test_both_ways_agree_on_every_pack(base: dict[str, Any], records: list[dict[str, Any]]) -> None:
    rows = [{**base, "n": "boot", "v": 3}, *records]
    payload = json.dumps(rows, separators=(",", ":")).encode()
    assert outcome(normalise.pack, payload) == outcome(normalise._long_way, payload)


@given(st.binary(max_size=100), st.integers(0, len(ORDINARY)), st.integers(0, 40))
def test_a_damaged_pack_gives_readings_or_a_decode_error(noise: bytes, at: int, cut: int) -> None:
    payload = ORDINARY[:at] + noise + ORDINARY[at + cut :]
    assert outcome(normalise.pack, payload) == outcome(normalise._long_way, payload)
    assert isinstance(outcome(normalise.pack, noise), Pack | str)


# --- stuck values ---------------------------------------------------------------------------------------------------


def run(values: list[float], series: str = "air/air_temperature", start: int = T) -> list[int]:
    memory, flags = Plausibility(), []
    for place, value in enumerate(values):
        result = pack({"n": series, "v": value}, bt=start + place, now=NOW + len(values))
        memory.mark(result, NOW)
        flags.append(result.readings[0].flags)
    return flags


def test_a_value_that_never_changes_is_marked_after_the_tables_number_of_times() -> None:
    assert run([8.15] * 122) == [0] * 119 + [STUCK] * 3


def test_any_change_starts_the_count_anew() -> None:
    assert run([8.15] * 119 + [8.16] + [8.15] * 119) == [0] * 239


def test_a_property_that_may_stand_still_is_never_marked() -> None:
    assert run([1.5] * 300, "level/water_level") == [0] * 300


def test_what_comes_late_is_not_judged_and_what_comes_twice_is_judged_alike() -> None:
    memory = Plausibility()
    for second in range(120):
        memory.mark(pack({"n": "a/air_temperature", "v": 8}, bt=T - 200 + second), NOW)
    late = pack({"n": "a/air_temperature", "v": 8}, bt=T - 1000)
    again = pack({"n": "a/air_temperature", "v": 8}, bt=T - 81)
    for result in (late, again):
        memory.mark(result, NOW)
    assert (late.readings[0].flags, again.readings[0].flags) == (0, STUCK)


def test_a_time_in_the_future_does_not_end_the_watch() -> None:
    memory = Plausibility()
    memory.mark(pack({"n": "a/air_temperature", "v": 8}, bt=T + 80 * 365 * 86_400), NOW)
    for second in range(120):
        result = pack({"n": "a/air_temperature", "v": 8}, bt=T - 200 + second)
        memory.mark(result, NOW)
    assert result.readings[0].flags == STUCK


def test_each_devices_series_has_its_own_count() -> None:
    memory = Plausibility()
    for second in range(300):
        result = pack({"n": "a/air_temperature", "v": 8}, bt=T - 400 + second)
        named = normalise.msgspec.structs.replace(result, device=f"{second % 3}", readings=list(result.readings))
        memory.mark(named, NOW)
        assert result.readings[0].flags == 0


def test_marks_have_names() -> None:
    assert normalise.flag_names(OUT_OF_RANGE | STUCK) == ["out_of_range", "stuck"]
    assert normalise.flag_names(0) == []
    assert senml.RELATIVE_BELOW == 2**28
