"""Sensors on a pin (rain, wind, soil) and the second magnetometer, on simulated chips. For MicroPython."""
# again: single, 31-bit

import asyncio

import flash
from driver_bench import I2C, build, pass_time, read, ready, refused, virtual

from bordstein.sensors import anemometer, qmc5883p, rain, soil_moisture

# Rain


def gauge(tips_a_minute, **more):
    spec = {"chip": "pulse", "name": "rain", "bus": "pin:27", "step_s": 60, "values": {"per_row": tips_a_minute}}
    return dict(spec, **more)


def test_rain_is_every_tip_once_also_with_a_bouncing_contact():  # once
    for faults in ([], [{"chip": "rain", "kind": "noise"}]):
        chip = build(gauge(3), faults=faults)
        driver = ready(rain, pin=27)
        assert read(driver) == {"precipitation": 0}
        fallen = 0
        for _ in range(60):
            pass_time(300)
            fallen += read(driver)["precipitation"]
        assert 800 < chip.pulses < 1000, chip.pulses
        # Nothing is lost by rounding: 0.2794 mm a tip.
        assert fallen == chip.pulses * 2794 // 100, (fallen, chip.pulses)


def test_rain_that_can_not_be_is_a_sentence():
    refused(lambda: rain.Rain(279400).fell(720), "200 mm")
    assert rain.Rain(100000).fell(7) == 70
    refused(lambda: read(rain.Driver({"pin": 27}, None)), "not set up")


# Wind


def test_wind_and_its_gust():
    chip = build(
        {"chip": "pulse", "name": "wind", "bus": "pin:27", "step_s": 1, "gap_ms": 90, "values": {"per_row": 3}}
    )
    driver = ready(anemometer, pin=27)
    pass_time(300)
    chip.spec["values"]["per_row"] = 9
    pass_time(6)
    chip.spec["values"]["per_row"] = 3
    pass_time(300)
    found = read(driver)
    assert 19 <= found["wind_speed"] <= 22, found  # 3 pulses a second, 2 m/s
    assert 55 <= found["wind_gust"] <= 65, found
    pass_time(60)
    found = read(driver)
    assert found["wind_gust"] <= 27 and found["wind_speed"] == 20, found
    chip.spec["values"]["per_row"] = 0
    pass_time(60)
    assert read(driver)["wind_speed"] <= 1
    pass_time(60)
    assert read(driver) == {"wind_speed": 0, "wind_gust": 0}


def test_wind_short_looks_say_no_gust_and_a_bouncing_contact_is_a_sentence():
    wind = anemometer.Wind(667)
    wind.feed(3, 100)
    assert wind.take() == (200, 200)
    wind = anemometer.Wind(667)
    wind.feed(3, 100)
    wind.feed(0, 5900)
    assert wind.take() == (3, 7)
    assert wind.take() == (0, 0)
    wind.feed(1000, 3000)
    refused(wind.take, "100 m/s")
    refused(lambda: read(anemometer.Driver({"pin": 27}, None)), "not set up")


# Soil


def probe(volts, **more):
    return dict(chip="analog", name="soil", bus="pin:33", values={"volts": volts}, **more)


def test_soil_moisture_between_two_points():
    for volts, share in ((2.3, 0), (2.4, 0), (1.65, 500), (1.0, 1000), (0.9, 1000)):
        build(probe(volts))
        found = read(ready(soil_moisture, pin=33, raw_dry=2300, raw_wet=1000))
        assert abs(found["soil_moisture"] - share) <= 2, (volts, found)
    # A probe whose voltage rises with the water.
    build(probe(1.65))
    found = read(ready(soil_moisture, pin=33, raw_dry=1000, raw_wet=2300, raw=True))
    assert abs(found["soil_moisture"] - 500) <= 2 and abs(found["voltage"] - 1650) <= 2, found


def test_soil_moisture_takes_what_it_measures_now_for_dry_and_wet():
    flash.mount()
    options = {"pin": 33, "raw_dry": 2000, "raw_wet": 1000}
    for what, volts in (("dry", 2.5), ("wet", 0.9)):
        build(probe(volts))
        (millivolts,) = asyncio.run(ready(soil_moisture, **options).calibrate(what)).values()
        assert abs(millivolts - volts * 1000) <= 2
    build(probe(1.7))
    assert abs(read(ready(soil_moisture, **options))["soil_moisture"] - 500) <= 3
    # Other points in the configuration: those count now.
    assert abs(read(ready(soil_moisture, **dict(options, raw_dry=2100)))["soil_moisture"] - 364) <= 3
    refused(lambda: asyncio.run(ready(soil_moisture, **options).calibrate("zero")), "dry", "wet")


def test_soil_moisture_failures_are_sentences():
    build(probe(1.65), faults=[{"chip": "soil", "kind": "dead"}])
    refused(lambda: read(ready(soil_moisture, pin=33, raw_dry=2300, raw_wet=1000)), "cable off")
    assert list(read(ready(soil_moisture, pin=33, raw_dry=2300, raw_wet=1000, raw=True))) == ["voltage"]
    refused(lambda: ready(soil_moisture, pin=33, raw_dry=2300, raw_wet=2250), "calibrate")
    refused(lambda: read(soil_moisture.Driver({"pin": 33}, None)), "not set up")


# QMC5883P; what a bay makes of a field is tested with RM3100


def bay(occupied=0, **more):
    return dict(chip="qmc5883p", name="bay", bus="i2c:0", address=0x2C, values={"occupied": occupied}, **more)


def test_qmc5883p_counts_are_a_field():
    # 3750 counts a gauss at 8 G: the earth's field, and one of the data sheet's range.
    assert qmc5883p.parse(b"\xc4\x02\xdb\xff\x9f\x06") == (18880, -987, 45200)
    assert qmc5883p.parse(b"\x30\x75\xd0\x8a\x00\x00") == (800000, -800000, 0)
    refused(lambda: qmc5883p.parse(bytes(6)), "no field")


async def _watch(driver, chip, schedule):
    reported = []

    async def sample():
        while True:
            await driver.wait()
            reported.extend([value for _, value in await driver.read()])

    task = asyncio.create_task(sample())
    for seconds, occupied in schedule:
        chip.spec["values"]["occupied"] = occupied
        await asyncio.sleep(seconds)
    task.cancel()
    return reported


def test_qmc5883p_reports_cars_and_keeps_the_empty_bay_in_a_file():  # once
    flash.mount(blocks=16)
    chip = build(bay(drift_s=86400))
    driver = ready(qmc5883p, bus=I2C, sample_ms=10000)
    assert read(driver) == {}
    schedule = ((600, 0), (3 * 86400, 1), (600, 0))
    assert asyncio.run(_watch(driver, chip, schedule)) == [False, True, False]
    chip.spec["values"]["occupied"] = 1
    again = ready(qmc5883p, bus=I2C, deviation=True)
    assert again.bay.state is None and again.bay.baseline is not None
    assert True in asyncio.run(_watch(again, chip, ((30, 1),)))
    assert 20000 < read(again)["magnetic_flux_density"] < 26000


def test_qmc5883p_restart_without_memory_never_says_occupied():
    flash.mount(blocks=16)
    chip = build(bay(1))
    assert True not in asyncio.run(_watch(ready(qmc5883p, bus=I2C), chip, ((600, 1),)))


def test_qmc5883p_failures_are_sentences():
    flash.mount(blocks=16)
    build(bay(chip_id=0xFF))
    refused(lambda: ready(qmc5883p, bus=I2C), "0xff", "another chip")
    build(bay(), faults=[{"chip": "bay", "kind": "busy"}])
    driver = ready(qmc5883p, bus=I2C)
    began = virtual.now_ms
    refused(lambda: read(driver), "hangs")
    assert virtual.now_ms - began < 1000
    build(bay(field_ut=[900, 0, 0]))
    refused(lambda: read(ready(qmc5883p, bus=I2C)), "800 µT")
    build()
    refused(lambda: ready(qmc5883p, bus=I2C), "0x2c", "no answer")
