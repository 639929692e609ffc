"""Sensor drivers on simulated chips, in virtual time that starts just before the ticks of an ESP32 wrap.

For MicroPython, with firmware, tests/hardware and tests/hardware/port in the path. Each test_ function is one test.
"""
# heapsize: 480K
# again: single, 31-bit

import asyncio

import flash
from driver_bench import I2C, ONEWIRE, UART, build, pass_time, read, ready, refused, virtual
from simulated import world

from bordstein import clock, platform
from bordstein.sensors import a02yyuw, bme280, ds18b20, pulse, rm3100, sds011

# BME280


def weather(temperature=20.5, humidity=55.5, pressure=99800, **more):
    values = {"temperature": temperature, "humidity": humidity, "pressure": pressure}
    return dict(chip="bme280", name="air", bus="i2c:0", address=0x76, values=values, **more)


def test_bme280_gives_back_the_weather_that_the_chip_was_told():
    # The second calibration has negative H4 and H5, which drivers like to read as unsigned.
    for words in ("650100140b001e", "650100fe4cffe2"):
        for temperature in (-39.5, -12.34, -0.01, 0, 8.15, 25.08, 60, 84.9):
            for humidity, pressure in ((40, 30100), (55.5, 95000), (79.67, 100439), (95, 109900)):
                build(weather(temperature, humidity, pressure, calibration_2=words))
                got = read(ready(bme280, bus=I2C))
                assert abs(got["air_temperature"] - temperature * 100) <= 1, (got, temperature)
                assert abs(got["relative_humidity"] - humidity * 100) <= 4, (got, humidity, temperature)
                assert abs(got["air_pressure"] - pressure) <= 2, (got, pressure)


def test_bme280_reports_all_its_properties():
    build(weather())
    assert sorted(read(ready(bme280, bus=I2C, dew_point=True))) == sorted(bme280.Driver.PROPERTIES)


def test_bme280_refuses_another_chip():
    build(weather(chip_id=0x58))
    refused(lambda: ready(bme280, bus=I2C), "0x58", "BMP280")
    build(weather())
    refused(lambda: ready(bme280, bus=I2C, address=0x77), "0x77", "wires")


def test_bme280_without_answer_is_a_sentence_and_later_works_again():
    build(weather(), faults=[{"chip": "air", "kind": "nack", "from_s": 10, "until_s": 20}])
    driver = ready(bme280, bus=I2C)
    read(driver)
    pass_time(10)
    refused(lambda: read(driver), "0x76", "no answer")
    pass_time(10)
    assert read(driver)["air_temperature"] == 2050


def test_bme280_that_hangs_is_given_up_within_a_second():
    build(weather(), faults=[{"chip": "air", "kind": "busy"}])
    driver = ready(bme280, bus=I2C)
    began = virtual.now_ms
    refused(lambda: read(driver), "hangs")
    assert virtual.now_ms - began < 1000


def test_bme280_measures_again_after_its_supply_dipped():
    chip = build(weather())
    driver = ready(bme280, bus=I2C)
    chip.power_on()
    assert read(driver)["relative_humidity"] // 10 == 555


def test_bme280_with_empty_calibration_is_refused():
    build(weather(calibration_1="00" * 26))
    refused(lambda: ready(bme280, bus=I2C), "calibration")


# SDS011


def dust(pm2_5=12.3, pm10=45.6, **more):
    return dict(chip="sds011", name="dust", bus="uart:1", values={"pm2_5": pm2_5, "pm10": pm10}, **more)


def test_sds011_reads_the_dust():
    build(dust(id="beef"))
    driver = ready(sds011, bus=UART)
    assert read(driver) == {"pm2_5": 123, "pm10": 456}
    assert driver.describe()["id"] == "beef"


def test_sds011_with_a_bad_line_gives_right_values_or_none():
    for kind in ("flip", "truncate", "noise"):
        build(dust(), faults=[{"chip": "dust", "kind": kind, "probability": 0.6, "seed": 5}])
        driver = ready(sds011, bus=UART)
        good = 0
        for _ in range(100):
            try:
                assert read(driver) == {"pm2_5": 123, "pm10": 456}
                good += 1
            except OSError:
                pass
        assert good > 50, (kind, good)


def test_sds011_silent_or_damaged_says_which_in_bounded_time():
    for kind, word in (("dead", "no data"), ("flip", "damaged")):
        build(dust(), faults=[{"chip": "dust", "kind": kind, "from_s": 10}])
        driver = ready(sds011, bus=UART)
        pass_time(11)
        began = virtual.now_ms
        refused(lambda driver=driver: read(driver), word)
        assert virtual.now_ms - began < 6000


def test_sds011_reading_is_of_now_not_of_what_the_buffer_kept():
    chip = build(dust(pm2_5=1.0))
    driver = ready(sds011, bus=UART)
    pass_time(600)
    chip.spec["values"]["pm2_5"] = 200.0
    assert read(driver)["pm2_5"] == 2000


def test_sds011_sleeps_between_readings_when_told_to():
    chip = build(dust())
    driver = ready(sds011, bus=UART, sleep=True)
    assert chip.asleep
    pass_time(60)
    began = virtual.now_ms
    assert read(driver) == {"pm2_5": 123, "pm10": 456}
    assert virtual.now_ms - began >= 15000
    pass_time(1)
    assert chip.asleep


# A02YYUW


def level(values, **more):
    return dict(chip="a02yyuw", name="level", bus="uart:1", values=values, **more)


def test_a02yyuw_distance_and_water_level():
    build(level({"distance": 1.953}))
    assert read(ready(a02yyuw, bus=UART)) == {"distance": 1953}
    assert read(ready(a02yyuw, bus=UART, zero_mm=3000)) == {"water_level": 1047}
    assert read(ready(a02yyuw, bus=UART, zero_mm=1000)) == {"water_level": -953}


def test_a02yyuw_takes_the_distance_of_now_for_zero_or_for_an_empty_bin():
    flash.mount()
    build(level({"distance": 1.953}))
    for what, key, told, wanted in (
        ("zero", "zero_mm", 3000, {"water_level": 0}),
        ("empty", "depth_mm", 1500, {"fill_level": 0}),
    ):
        options = {"bus": UART, key: told}
        assert asyncio.run(ready(a02yyuw, **options).calibrate(what)) == {key: 1953}
        assert read(ready(a02yyuw, **options)) == wanted
        refused(lambda options=options: asyncio.run(ready(a02yyuw, **options).calibrate("dry")), "zero", "empty")
    assert read(ready(a02yyuw, bus=UART, zero_mm=3000)) == {"water_level": 1047}  # told otherwise since
    options = {"bus": UART, "depth_mm": 3000, "blind_mm": 2000}
    refused(lambda: asyncio.run(ready(a02yyuw, **options).calibrate("empty")), "blind_mm")


def test_a02yyuw_calibrates_while_it_is_read():
    flash.mount()
    build(level({"distance": 1.953}))
    driver = ready(a02yyuw, bus=UART, zero_mm=3000)

    async def both():
        return await asyncio.gather(driver.read(), driver.calibrate("zero"), driver.read())

    assert asyncio.run(both())[1] == {"zero_mm": 1953}


def test_a02yyuw_median_is_calm_over_waves_and_a_bad_line():
    faults = [{"chip": "level", "kind": kind, "probability": 0.1, "seed": 9} for kind in ("flip", "truncate", "noise")]
    build(level({"level": 1.2}, zero_mm=3000, waves_mm=10), faults=faults)
    driver = ready(a02yyuw, bus=UART, zero_mm=3000)
    for _ in range(50):
        assert abs(read(driver)["water_level"] - 1200) <= 10


def test_a02yyuw_single_echo_from_a_leaf_is_not_the_level():
    chip = build(level({"distance": 2.0}))
    driver = ready(a02yyuw, bus=UART)
    frames = [0]

    def wanted(quantity):
        frames[0] += 1  # asked twice a frame
        return 0.4 if frames[0] % 10 == 0 else 2.0

    chip.wanted = wanted
    for _ in range(20):
        assert read(driver) == {"distance": 2000}


def test_a02yyuw_too_near_too_far_and_silent_are_sentences():
    for distance, word in ((0.010, "10 mm"), (6.0, "6000 mm")):
        build(level({"distance": distance}))
        driver = ready(a02yyuw, bus=UART)
        refused(lambda driver=driver: read(driver), word)
    build(level({"distance": 1.0}), faults=[{"chip": "level", "kind": "dead"}])
    refused(lambda: ready(a02yyuw, bus=UART), "no data")


# DS18B20


def thermometer(temperature, **more):
    return dict(chip="ds18b20", name="road", bus="onewire:4", values={"temperature": temperature}, **more)


def test_ds18b20_temperatures_round_to_hundredths():
    for temperature, hundredths in ((-10.125, -1012), (-0.5, -50), (0, 0), (22.8125, 2281), (85.0, 8500), (125, 12500)):
        build(thermometer(temperature))
        assert read(ready(ds18b20, bus=ONEWIRE)) == {"road_surface_temperature": hundredths}


def test_ds18b20_property_is_the_configurations():
    build(thermometer(12))
    assert read(ready(ds18b20, bus=ONEWIRE, property="water_temperature")) == {"water_temperature": 1200}


def test_ds18b20_several_on_a_line_are_told_apart_by_rom():
    roms = ("28ff4033721604", "28aa0033721604", "28ab0033721604")
    build(*[thermometer(number, rom=rom) for number, rom in enumerate(roms)])
    text = refused(lambda: ready(ds18b20, bus=ONEWIRE), "rom")
    for chip in world.chips:
        rom = chip.rom.hex()
        assert rom in text
        wanted = chip.spec["values"]["temperature"] * 100
        assert read(ready(ds18b20, bus=ONEWIRE, rom=rom)) == {"road_surface_temperature": wanted}
    refused(lambda: ready(ds18b20, bus=ONEWIRE, rom="28ffffffffffffff"), "not found")


def test_ds18b20_power_on_value_is_not_a_temperature():
    build(thermometer(20), faults=[{"chip": "road", "kind": "power_on", "from_s": 5, "until_s": 15}])
    driver = ready(ds18b20, bus=ONEWIRE)
    assert read(driver) == {"road_surface_temperature": 2000}
    pass_time(5)
    refused(lambda: read(driver), "power-on")
    pass_time(10)
    assert read(driver) == {"road_surface_temperature": 2000}


def test_ds18b20_bad_line_gives_right_values_or_a_sentence():
    for kind, word in (("flip", "check sum"), ("truncate", "check sum"), ("nack", "no answer"), ("dead", "no answer")):
        build(thermometer(20), faults=[{"chip": "road", "kind": kind, "from_s": 5}])
        driver = ready(ds18b20, bus=ONEWIRE)
        pass_time(5)
        for _ in range(20):
            refused(lambda driver=driver: read(driver), "DS18B20", word)


def test_ds18b20_missing_is_said_at_setup():
    build()
    refused(lambda: ready(ds18b20, bus=ONEWIRE), "not found")


# RM3100


def bay(occupied=0, **more):
    return dict(chip="rm3100", name="bay", bus="i2c:0", address=0x20, values={"occupied": occupied}, **more)


async def _changes(driver, chip, schedule):
    """Runs the driver as the sampler would, through (seconds, occupied) pairs; what it reported, with its time."""
    reported = []

    async def sample():
        while True:
            await driver.wait()
            reported.extend((virtual.now_ms // 1000, value) for _, value in await driver.read())

    task = asyncio.create_task(sample())
    began = virtual.now_ms // 1000
    for seconds, occupied in schedule:
        chip.spec["values"]["occupied"] = occupied
        await asyncio.sleep(seconds)
    task.cancel()
    return [(at - began, value) for at, value in reported]


def follow(driver, chip, *schedule):
    return asyncio.run(_changes(driver, chip, schedule))


def test_rm3100_reports_a_change_within_seconds_and_nothing_before_it_knows():
    flash.mount(blocks=16)
    chip = build(bay())
    driver = ready(rm3100, bus=I2C)
    assert read(driver) == {}
    changes = follow(driver, chip, (60, 0), (60, 1), (60, 0))
    assert [value for _, value in changes] == [False, True, False], changes
    assert changes[0][0] < 20 and 60 < changes[1][0] < 70 and 120 < changes[2][0] < 130, changes
    assert read(driver) == {"parking_bay_occupied": False}


def test_rm3100_parked_for_two_days_through_drift_is_occupied_all_the_time():  # once
    flash.mount(blocks=16)
    chip = build(bay(drift_s=86400, drift_ut=1.5))
    driver = ready(rm3100, bus=I2C, sample_ms=10000)
    changes = follow(driver, chip, (86400, 0), (2 * 86400, 1), (86400, 0))
    assert [value for _, value in changes] == [False, True, False], changes


def test_rm3100_after_a_restart_knows_the_empty_bay_again():
    flash.mount(blocks=16)
    chip = build(bay())
    driver = ready(rm3100, bus=I2C)
    follow(driver, chip, (30, 0))
    chip.spec["values"]["occupied"] = 1
    again = ready(rm3100, bus=I2C)
    assert again.bay.state is None and again.bay.baseline is not None
    assert [value for _, value in follow(again, chip, (30, 1), (30, 0))] == [True, False]


def test_rm3100_learns_the_empty_bay_anew_when_told():
    flash.mount(blocks=16)
    chip = build(bay(1))
    driver = ready(rm3100, bus=I2C)
    found = asyncio.run(driver.calibrate("baseline"))["baseline_nt"]
    again = ready(rm3100, bus=I2C)
    assert again.bay.baseline == found == driver.bay.baseline and again.bay.state is None
    chip.spec["values"]["occupied"] = 0
    assert asyncio.run(ready(rm3100, bus=I2C).calibrate("baseline"))["baseline_nt"] != found
    refused(lambda: asyncio.run(driver.calibrate("zero")), "baseline")


def test_rm3100_learns_no_field_that_moves():
    flash.mount(blocks=16)
    build(bay())
    driver = ready(rm3100, bus=I2C)
    before = driver.bay
    fields = [(20000, 0, 40000), (30000, 0, 40000)]

    async def moving(registers):
        fields.append(fields.pop(0))
        return fields[0]

    driver._measure = moving
    refused(lambda: asyncio.run(driver.calibrate("baseline")), "not still")
    assert driver.bay is before


def test_rm3100_restart_without_memory_never_says_occupied():
    flash.mount(blocks=16)
    chip = build(bay(1))
    driver = ready(rm3100, bus=I2C)
    assert True not in [value for _, value in follow(driver, chip, (600, 1))]


def test_rm3100_reads_on_through_a_bad_bus():
    flash.mount(blocks=16)
    chip = build(bay(), faults=[{"chip": "bay", "kind": "nack", "probability": 0.05, "seed": 3}])
    driver = rm3100.Driver({"bus": I2C}, platform)
    for _ in range(20):
        try:
            asyncio.run(driver.setup())
            break
        except OSError:
            pass
    assert [value for _, value in follow(driver, chip, (300, 0), (300, 1))] == [False, True]


def test_rm3100_back_after_a_week_looks_anew_and_never_tells_the_old_state():
    flash.mount(blocks=16)
    week = 7 * 86400  # more than ticks can tell apart
    chip = build(bay(), faults=[{"chip": "bay", "kind": "dead", "from_s": 60, "until_s": 60 + week}])
    driver = ready(rm3100, bus=I2C)
    assert follow(driver, chip, (50, 0))[-1][1] is False
    chip.spec["values"]["occupied"] = 1
    for _ in range(8):
        pass_time(86400)
        clock.uptime()  # the application looks at it every minute
        world.elapsed_ms()
    asyncio.run(driver.setup())
    assert read(driver) == {}
    changes = follow(driver, chip, (30, 1))
    assert [value for _, value in changes] == [True] and changes[0][0] < 10, changes


def test_rm3100_that_hangs_or_died_or_is_another_chip_is_a_sentence():
    flash.mount(blocks=16)
    build(bay(), faults=[{"chip": "bay", "kind": "busy"}])
    driver = ready(rm3100, bus=I2C)
    refused(lambda: read(driver), "hangs")
    build(bay(), faults=[{"chip": "bay", "kind": "dead", "from_s": 60}])
    driver = ready(rm3100, bus=I2C)
    follow(driver, world.chips[0], (30, 0))
    pass_time(30)
    refused(lambda: asyncio.run(driver.wait()), "no answer")
    refused(lambda: read(driver), "no answer")
    build(bay(revision=0x11))
    refused(lambda: ready(rm3100, bus=I2C), "0x11")


def test_rm3100_deviation_is_reported_when_asked_for():
    flash.mount(blocks=16)
    chip = build(bay())
    driver = ready(rm3100, bus=I2C, deviation=True)
    follow(driver, chip, (30, 0), (30, 1))
    deviation = read(driver)["magnetic_flux_density"]
    assert 20000 < deviation < 26000, deviation


# Pulses


def test_pulse_count_is_every_pulse_once_also_with_bouncing_contacts():  # once
    for faults in ([], [{"chip": "people", "kind": "noise"}]):
        chip = build({"chip": "pulse", "name": "people", "bus": "pin:27", "values": {"per_row": 0.37}}, faults=faults)
        driver = ready(pulse, pin=27)
        counted = 0
        for _ in range(60):
            pass_time(60)
            counted += read(driver)["pedestrian_count"]
        assert counted == chip.pulses, (counted, chip.pulses)
        assert 1200 < counted < 1400, counted
        assert read(driver) == {"pedestrian_count": 0}


def test_pulse_setup_again_keeps_the_count():
    chip = build({"chip": "pulse", "name": "people", "bus": "pin:27", "values": {"per_row": 1}})
    driver = ready(pulse, pin=27, property="pedestrian_count")
    pass_time(30)
    asyncio.run(driver.setup())
    assert read(driver)["pedestrian_count"] == chip.pulses > 20


def test_not_set_up_is_a_sentence():
    for module in (bme280, sds011, a02yyuw, ds18b20, rm3100):
        driver = module.Driver({"bus": I2C}, platform)
        refused(lambda driver=driver: read(driver), "not set up")
    refused(lambda: read(pulse.Driver({"pin": 3}, platform)), "not set up")
