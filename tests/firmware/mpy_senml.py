"""Packs: decimal text from integers, and SenML from the spool's lines. For MicroPython."""
# again: single, 31-bit, 2000

import json

import flash

from bordstein import clock, platform, senml

DEVICE = "24a160123456"


def refused(kind, call):
    try:
        call()
    except kind:
        return True
    raise AssertionError("not refused")


def begin(boot, system=946684800):
    flash.mount()
    platform.rtc_utc = lambda: system
    platform.set_rtc = lambda utc: None
    platform.rtc_memory(b"")
    clock.start(boot)


def test_decimal_text_of_scaled_integers():
    for scaled, decimals, text in (
        (815, 2, "8.15"), (-15, 2, "-0.15"), (-1, 3, "-0.001"), (0, 2, "0.00"), (5, 0, "5"), (-7, 0, "-7"),
        (100, 2, "1.00"), (48000, 9, "0.000048000"), (-12345, 1, "-1234.5"), (99, 2, "0.99"),
    ):  # fmt: skip
        assert senml.decimal(scaled, decimals) == text, (scaled, decimals)


def test_a_measurement_is_scaled_by_the_table_and_anything_else_is_refused():
    assert senml.measurement("air/air_temperature", -5) == "air/air_temperature=-0.05"
    assert senml.measurement("bay/parking_bay_occupied", True) == "bay/parking_bay_occupied=t"
    assert refused(KeyError, lambda: senml.measurement("air/mood", 5))
    assert refused(TypeError, lambda: senml.measurement("air/air_temperature", 8.15))
    assert refused(TypeError, lambda: senml.measurement("air/air_temperature", None))


def test_a_pack_with_a_set_clock():
    begin(3, clock.BUILD_TIME + 5)
    line = senml.pack(["air/air_temperature=8.15", "bay/parking_bay_occupied=f"], 1763990000)
    assert json.loads(senml.expand(line, DEVICE, 3, 17)) == [
        {"bn": "urn:dev:mac:24a160fffe123456:", "bt": 1763990000, "n": "boot", "v": 3},
        {"n": "seq", "v": 17},
        {"n": "air/air_temperature", "u": "Cel", "v": 8.15},
        {"n": "bay/parking_bay_occupied", "vb": False},
    ]


def test_times_are_relative_while_the_clock_is_not_set():
    begin(3)
    line = senml.pack(["air/air_temperature=8.15", "air/air_pressure=99621"], clock.utc_of(0), 0)
    clock.ticks_ms, before = lambda: before() + 12000, clock.ticks_ms
    pack = json.loads(senml.expand(line, DEVICE, 3, 0))
    clock.ticks_ms = before
    assert "bt" not in pack[0] and pack[2] == {"n": "clock", "vs": "unset"}
    assert [record["t"] for record in pack[3:]] == [-12, -12]


def test_a_pack_of_a_boot_that_never_knew_the_time_is_marked_estimated():
    begin(3, clock.BUILD_TIME + 5)
    line = senml.pack(["air/air_temperature=8.15"], 1763990123, 77)
    pack = json.loads(senml.expand(line, DEVICE, 2, 9))
    assert pack[0]["bt"] == 1763990123 and {"n": "clock", "vs": "estimated"} in pack


def test_a_property_of_an_older_software_still_goes_out():
    begin(3, clock.BUILD_TIME + 5)
    pack = json.loads(senml.expand(b"T1763990000;a/forgotten_thing=1.5", DEVICE, 2, 9))
    assert pack[2] == {"n": "a/forgotten_thing", "v": 1.5}
