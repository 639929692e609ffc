"""Drivers of sensors on a UART: published vectors and simulated chips. For MicroPython."""
# again: single, 31-bit

import json

from driver_bench import UART, build, one_bit_off, pass_time, read, ready, refused, right_or_refused, virtual

from bordstein.sensors import a02yyuw, jsn_sr04t, ld2410, pms5003
from bordstein.sensors.shared import ultrasonic
from bordstein.sensors.shared.serial import Framer

_HERE = __file__.rsplit("/", 1)[0]


def vectors(name):
    with open(_HERE + "/../data/vectors/" + name + ".json") as file:
        return json.load(file)


# PMS5003


def dust(pm1=5, pm2_5=9, pm10=13, **more):
    return dict(chip="pms5003", name="dust", bus="uart:1", values={"pm1": pm1, "pm2_5": pm2_5, "pm10": pm10}, **more)


def test_pms5003_captured_frames_and_every_flipped_bit():
    for vector in vectors("pms5003")["frames"]:
        frame = bytes.fromhex(vector["frame"])
        assert pms5003.parse(frame) == (vector["pm1"], vector["pm2_5"], vector["pm10"])
        for wrong in one_bit_off(frame):
            refused(lambda wrong=wrong: pms5003.parse(wrong), "PMS5003")
            framer = Framer(pms5003._HEAD, pms5003._LENGTH, pms5003.checked)
            assert framer.feed(wrong + frame) == [frame]


def test_pms5003_commands_are_those_of_the_manual():
    assert pms5003.READ == bytes.fromhex("424de200000171")
    assert pms5003.PASSIVE == bytes.fromhex("424de100000170")
    assert pms5003.ACTIVE == bytes.fromhex("424de100010171")
    assert pms5003.SLEEP == bytes.fromhex("424de400000173")
    assert pms5003.WAKE == bytes.fromhex("424de400010174")


def test_pms5003_reads_by_itself_when_asked_and_asleep_between():
    wanted = {"pm1": 50, "pm2_5": 90, "pm10": 130}
    for passive in (False, True):
        for sleep in (False, True):
            chip = build(dust())
            driver = ready(pms5003, bus=UART, passive=passive, sleep=sleep)
            assert (chip.passive, chip.asleep) == (passive, sleep)
            pass_time(60)
            began = virtual.now_ms
            assert read(driver) == wanted
            assert (virtual.now_ms - began >= 30000) == sleep
            assert chip.asleep == sleep


def test_pms5003_bad_line_gives_right_values_or_a_sentence():
    for kind in ("flip", "truncate", "noise"):
        for passive in (False, True):
            build(dust(), faults=[{"chip": "dust", "kind": kind, "probability": 0.5, "seed": 5}])
            driver = ready(pms5003, bus=UART, passive=passive)
            assert right_or_refused(driver, {"pm1": 50, "pm2_5": 90, "pm10": 130}) > 30


def test_pms5003_silent_damaged_or_beyond_is_a_sentence():
    for kind, word in (("dead", "no data"), ("flip", "damaged")):
        build(dust(), faults=[{"chip": "dust", "kind": kind, "from_s": 10}])
        driver = ready(pms5003, bus=UART)
        pass_time(11)
        began = virtual.now_ms
        refused(lambda driver=driver: read(driver), "PMS5003", word)
        assert virtual.now_ms - began < 10000
    build(dust(pm10=1001))
    refused(lambda: read(ready(pms5003, bus=UART)), "range")


# Ultrasonic distance


def echo(chip="jsn_sr04t", distance=1.953, **more):
    return dict(chip=chip, name="level", bus="uart:1", values={"distance": distance}, **more)


def test_ultrasonic_frames_and_every_flipped_bit():
    for vector in vectors("jsn_sr04t")["good"]:
        frame, variant = bytes.fromhex(vector["frame"]), vector["variant"]
        assert jsn_sr04t.parse(frame, variant) == vector["mm"]
        for wrong in one_bit_off(frame):
            refused(lambda wrong=wrong, variant=variant: jsn_sr04t.parse(wrong, variant), "SR04")
    # A sum that leaves the head out is another sum.
    refused(lambda: jsn_sr04t.parse(bytes.fromhex("ff07a1a8")), "check sum")
    refused(lambda: jsn_sr04t.parse(bytes.fromhex("ff07a1a7"), "aj_sr04m"), "check sum")
    for mm, word in ((249, "249 mm"), (6001, "6001 mm")):
        frame = b"\xff" + mm.to_bytes(2, "big")
        refused(lambda frame=frame: jsn_sr04t.parse(frame + bytes((sum(frame) & 255,))), word)


def test_jsn_sr04t_both_variants_in_both_modes():
    for variant in ("jsn_sr04t", "aj_sr04m"):
        for asked in (False, True):
            build(echo(variant=variant, asked=asked))
            driver = ready(jsn_sr04t, bus=UART, variant=variant, asked=asked)
            assert read(driver) == {"distance": 1953}, (variant, asked)
            for kind in ("flip", "truncate"):
                fault = {"chip": "level", "kind": kind, "probability": 0.2, "seed": 4}
                build(echo(variant=variant, asked=asked), faults=[fault])
                driver = ready(jsn_sr04t, bus=UART, variant=variant, asked=asked)
                assert right_or_refused(driver, {"distance": 1953}, 30) > 20, (variant, asked, kind)
    build(echo(variant="aj_sr04m"))
    refused(lambda: ready(jsn_sr04t, bus=UART), "JSN-SR04T", "damaged")
    build(echo(asked=True))
    refused(lambda: ready(jsn_sr04t, bus=UART, variant="aj_sr04m"), "AJ-SR04M", "no data")


def test_a_level_says_how_fast_it_rises():
    chip = build(echo("a02yyuw", 2.0))
    driver = ready(a02yyuw, bus=UART, zero_mm=3000, rise_s=1800)
    assert read(driver) == {"water_level": 1000}
    for _ in range(60):
        pass_time(57)
        chip.spec["values"]["distance"] -= 0.006
        found = read(driver)  # takes half a second
    assert abs(found["water_level_rate"] - 6 * 3600 // 57.5) <= 4, found
    for _ in range(60):
        pass_time(57)
        found = read(driver)
    assert abs(found["water_level_rate"]) <= 2, found


def test_a_bin_fills():
    chip = build(echo("a02yyuw", 1.2))
    driver = ready(a02yyuw, bus=UART, depth_mm=1200, blind_mm=200)
    for distance, full in ((1.2, 0), (1.25, 0), (0.7, 500), (0.3, 900), (0.2, 1000), (0.1, 1000)):
        chip.spec["values"]["distance"] = distance
        pass_time(1)
        assert read(driver) == {"fill_level": full}, distance
    chip.spec["values"]["distance"] = 1.4
    pass_time(1)
    refused(lambda: read(driver), "1400 mm", "lid")
    refused(lambda: ready(a02yyuw, bus=UART, depth_mm=200, blind_mm=300), "depth_mm", "300 mm")


def test_a_bin_that_tipped_over_has_no_fill_level():
    build(echo("a02yyuw", 0.7), {"chip": "switch", "name": "tilt", "bus": "pin:33", "values": {"open": 0}})
    driver = ready(a02yyuw, bus=UART, depth_mm=1200, blind_mm=200, tilt=33)
    assert read(driver) == {"fill_level": 500, "tilted": False}
    from simulated import world

    world.chips[1].spec["values"]["open"] = 1
    assert read(driver) == {"tilted": True}


def test_a_place_is_taken_when_readings_agree_and_unknown_before():
    chip = build(echo("a02yyuw", 2.0))
    driver = ready(a02yyuw, bus=UART, occupied_mm=1000)
    assert driver.SAMPLE_S == 5
    assert [read(driver) for _ in range(4)] == [{}, {}, {}, {"parking_bay_occupied": False}]
    for distance, before, after in ((0.6, False, True), (1.1, True, True), (1.3, True, False), (1.1, False, False)):
        chip.spec["values"]["distance"] = distance
        found = [read(driver)["parking_bay_occupied"] for _ in range(10)]
        assert found[2] is before and found[-1] is after, (distance, found)
    build(echo("a02yyuw", 0.5))
    driver = ready(a02yyuw, bus=UART, occupied_mm=1000, property="presence")
    for _ in range(3):
        assert read(driver) == {}
    assert read(driver) == {"presence": True}
    assert not hasattr(ready(a02yyuw, bus=UART), "SAMPLE_S")


# LD2410


def radar(state=0, distance=2.5, **more):
    return dict(chip="ld2410", name="radar", bus="uart:1", values={"state": state, "distance": distance}, **more)


def test_ld2410_manual_frames_and_each_flipped_bit_of_what_is_fixed():
    data = vectors("ld2410")
    for vector in data["basic"]:
        frame = bytes.fromhex(vector["frame"])
        assert ld2410.parse(frame) == (vector["state"], vector["mm"])
        for wrong in one_bit_off(frame):
            if wrong[:8] != frame[:8] or wrong[17:] != frame[17:]:
                refused(lambda wrong=wrong: ld2410.parse(wrong), "LD2410")
    refused(lambda: ld2410.parse(bytes.fromhex(data["engineering"])), "LD2410")
    assert ld2410.BASIC_REPORTS[0] == bytes.fromhex("fdfcfbfa0400ff00010004030201")
    assert ld2410.BASIC_REPORTS[2] == bytes.fromhex("fdfcfbfa0200fe0004030201")


def test_ld2410_sees_who_is_there_and_leaves_engineering_mode():
    chip = build(radar())
    driver = ready(ld2410, bus=UART)
    assert not chip.engineering
    for state, there in ((0, False), (1, True), (2, True), (3, True), (0, False)):
        chip.spec["values"]["state"] = state
        pass_time(1)
        assert read(driver) == {"presence": there}, state


def test_ld2410_reach_and_distance():
    build(radar(3, 4.5))
    assert read(ready(ld2410, bus=UART, reach_mm=4000)) == {"presence": False}
    assert read(ready(ld2410, bus=UART, distance=True)) == {"presence": True, "distance": 4500}
    build(radar(0))
    assert read(ready(ld2410, bus=UART, distance=True)) == {"presence": False}


def test_ld2410_never_says_what_only_one_frame_says():
    chip = build(radar())
    driver = ready(ld2410, bus=UART)
    asked = [0]

    def wanted(quantity):
        if quantity == "state":
            asked[0] += 1
            return 1 if asked[0] % 7 == 0 else 0
        return 1.0

    chip.wanted = wanted
    for _ in range(50):
        assert read(driver) == {"presence": False}


def test_ld2410_silent_or_damaged_is_a_sentence():
    build(radar(), faults=[{"chip": "radar", "kind": "dead", "from_s": 5}])
    driver = ready(ld2410, bus=UART)
    pass_time(6)
    refused(lambda: read(driver), "LD2410", "no data")
    build(radar(), faults=[{"chip": "radar", "kind": "truncate", "from_s": 5}])
    driver = ready(ld2410, bus=UART)
    pass_time(6)
    refused(lambda: read(driver), "LD2410")


def test_not_set_up_is_a_sentence():
    for module in (a02yyuw, jsn_sr04t, ld2410, pms5003):
        refused(lambda module=module: read(module.Driver({"bus": UART}, None)), "not set up")
    assert ultrasonic.checked(bytes.fromhex("ff07a1a7"))
