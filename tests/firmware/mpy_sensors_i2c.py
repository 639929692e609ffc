"""Drivers of chips on I2C, published vectors and simulated chips. For MicroPython."""
# again: single, 31-bit

import json

from driver_bench import I2C, build, one_bit_off, pass_time, read, ready, refused, right_or_refused, virtual

from bordstein.sensors import bh1750, dnms, mlx90614, scd41, sht3x, sht4x, sps30
from bordstein.sensors.shared import sensirion

_HERE = __file__.rsplit("/", 1)[0]


def vectors(name):
    with open(_HERE + "/../data/vectors/" + name + ".json") as file:
        return json.load(file)


def words_of(text):
    data = bytes.fromhex(text)
    return [data[i] << 8 | data[i + 1] for i in range(0, len(data), 2)]


# Sensirion's protocol


def test_sensirion_words_and_every_flipped_bit():
    data = vectors("sensirion")
    for frame in data["words"]["with_crc"] + [data["scd41"]["frame"], data["sht4x"]["serial_frame"]]:
        frame = bytes.fromhex(frame)
        values = sensirion.words(frame)
        assert b"".join(sensirion.word(value) for value in values) == frame
        for wrong in one_bit_off(frame):
            refused(lambda wrong=wrong: sensirion.words(wrong), "check sum")
        for length in range(1, len(frame)):
            if length % 3:
                refused(lambda length=length, frame=frame: sensirion.words(frame[:length]), "check sum")
    for frame in data["scd41"]["bad"]:
        refused(lambda frame=frame: sensirion.words(bytes.fromhex(frame)), "check sum")


def test_sensirion_published_measurements():
    data = vectors("sensirion")
    scd = data["scd41"]
    got = scd41.convert(*sensirion.words(bytes.fromhex(scd["frame"])))
    assert got == (scd["co2"], scd["centi_celsius"], scd["centi_percent"]), got
    for module, name in ((sht3x, "sht3x"), (sht4x, "sht4x")):
        vector = data[name]
        assert module.convert(*vector["words"]) == (vector["centi_celsius"], vector["centi_percent"])
    for vector in data["sps30"]["reads"]:
        assert list(sps30.convert(words_of(vector["words"]))) == vector["tenths"]


def test_sensirion_floats_are_read_as_integers():
    for high, low, tenths in (
        (0x0000, 0x0000, 0),
        (0x0000, 0x0001, 0),
        (0x3F80, 0x0000, 10),
        (0xBF80, 0x0000, -10),
        (0x3D4C, 0xCCCD, 1),  # 0.05
        (0x4479, 0xFFFF, 10000),  # a little less than 1000
        (0x4B80, 0x0000, 167772160),  # 2 to the 24th
        (0x4C00, 0x0000, 335544320),
    ):
        assert sensirion.real(high, low, 10) == tenths, (high, low)
    for high in (0x7F80, 0xFF80, 0x7FC0):
        refused(lambda high=high: sensirion.real(high, 0, 10), "number")


# SHT3x, SHT4x


def weather(chip, temperature=20.5, humidity=55.5, **more):
    return dict(chip=chip, name="air", bus="i2c:0", values={"temperature": temperature, "humidity": humidity}, **more)


def test_sht_gives_back_the_weather_that_the_chip_was_told():
    for module, name in ((sht3x, "sht3x"), (sht4x, "sht4x")):
        for temperature in (-39.5, -0.01, 0, 25.08, 84.9, 124):
            for humidity in (0, 40.25, 99.9):
                build(weather(name, temperature, humidity, address=0x45))
                got = read(ready(module, bus=I2C, address=0x45))
                assert abs(got["air_temperature"] - temperature * 100) <= 1, (got, temperature)
                assert abs(got["relative_humidity"] - humidity * 100) <= 1, (got, humidity)


def test_sht_failures_are_sentences_and_later_it_works_again():
    for module, name in ((sht3x, "sht3x"), (sht4x, "sht4x")):
        build()
        refused(lambda module=module: ready(module, bus=I2C), "0x44", "no answer")
        refused(lambda module=module: read(module.Driver({"bus": I2C}, None)), "not set up")
        now = virtual.now_ms // 1000
        for kind, word in (("nack", "no answer"), ("dead", "no answer"), ("flip", "check sum"), ("busy", "no answer")):
            build(weather(name), faults=[{"chip": "air", "kind": kind, "from_s": 10, "until_s": 20}])
            driver = ready(module, bus=I2C)
            read(driver)
            pass_time(10)
            refused(lambda driver=driver: read(driver), "0x44", word)
            pass_time(10)
            assert read(driver)["air_temperature"] in (2049, 2050), now


def test_sht_impossible_temperature_is_refused():
    for module in (sht3x, sht4x):
        refused(lambda module=module: module.convert(0, 30000), "-45 °C")
        refused(lambda module=module: module.convert(65535, 30000), "130 °C")
    assert sht4x.convert(26215, 0)[1] == 0 and sht4x.convert(26215, 65535)[1] == 10000


def test_bad_lines_give_right_values_or_a_sentence():
    levels = {"laeq": 61.5, "lamin": 44.0, "lamax": 80.25}
    dust = {"pm1": 1.5, "pm2_5": 3.5, "pm4": 5.5, "pm10": 7.5}
    air = {"co2": 612, "temperature": 20.0, "humidity": 50.0}
    for module, chip, values in (
        (sht3x, "sht3x", air),
        (sht4x, "sht4x", air),
        (scd41, "scd41", air),
        (sps30, "sps30", dust),
        (dnms, "dnms", levels),
        (mlx90614, "mlx90614", {"object": -2.5, "ambient": 1.0}),
    ):
        for kind in ("flip", "truncate", "nack"):
            faults = [{"chip": "x", "kind": kind, "probability": 0.1, "seed": 5, "from_s": 20}]
            build({"chip": chip, "name": "x", "bus": "i2c:0", "values": values}, faults=faults)
            driver = ready(module, bus=I2C)
            pass_time(12)
            wanted = read(driver)
            assert wanted
            good = right_or_refused(driver, wanted)
            assert 20 < good < 60, (chip, kind, good)


# SCD41


def co2(ppm=612, **more):
    values = {"co2": ppm, "temperature": 18.25, "humidity": 61.5}
    return dict(chip="scd41", name="air", bus="i2c:0", values=values, **more)


def test_scd41_reads_and_is_told_where_it_hangs():
    chip = build(co2())
    driver = ready(scd41, bus=I2C, altitude_m=512, self_calibration=False)
    assert (chip.altitude, chip.self_calibration) == (512, 0)
    assert read(driver) == {"co2": 612, "air_temperature": 1825, "relative_humidity": 6150}
    assert driver.describe()["serial"] == "f8969f073bbe"
    # A board that starts anew finds the chip measuring.
    assert read(ready(scd41, bus=I2C))["co2"] == 612
    assert (chip.altitude, chip.self_calibration) == (0, 1)


def test_scd41_that_hangs_is_given_up_and_nonsense_is_refused():
    build(co2(), faults=[{"chip": "air", "kind": "busy"}])
    driver = ready(scd41, bus=I2C)
    began = virtual.now_ms
    refused(lambda: read(driver), "0x62", "hangs")
    assert virtual.now_ms - began < 10000
    build(co2(0))
    refused(lambda: read(ready(scd41, bus=I2C)), "0 ppm")


# SPS30


def dust(**more):
    values = {"pm1": 5.23, "pm2_5": 9.47, "pm4": 12.65, "pm10": 13.28}
    return dict(chip="sps30", name="dust", bus="i2c:0", values=values, **more)


def test_sps30_reads_the_dust():
    build(dust())
    driver = ready(sps30, bus=I2C)
    got = read(driver)
    assert got == {"pm1": 52, "pm2_5": 95, "pm4": 126, "pm10": 133} or got["pm4"] == 127, got
    assert driver.describe()["version"] == "2.2"


def test_sps30_says_what_is_broken():
    build(dust(status=0x10))
    refused(lambda: read(ready(sps30, bus=I2C)), "fan")
    build(dust(status=0x20))
    refused(lambda: read(ready(sps30, bus=I2C)), "laser")
    build(dust(status=0x10, version=0x0100))  # too old to know
    assert read(ready(sps30, bus=I2C))["pm1"] == 52
    build(dust(), faults=[{"chip": "dust", "kind": "busy"}])
    refused(lambda: read(ready(sps30, bus=I2C)), "hangs")
    refused(lambda: sps30.convert([0x4580, 0, 0, 0, 0, 0, 0, 0]), "range")


# DNMS


def noise(laeq=61.54, lamin=44.0, lamax=80.25, **more):
    values = {"laeq": laeq, "lamin": lamin, "lamax": lamax}
    return dict(chip="dnms", name="noise", bus="i2c:0", values=values, **more)


def test_dnms_levels_and_their_correction():
    build(noise())
    driver = ready(dnms, bus=I2C)
    assert read(driver) == {"sound_level_laeq": 615, "sound_level_lamin": 440, "sound_level_lamax": 803}
    assert driver.describe()["version"] == "DNMS Version 2.0"
    build(noise())
    assert read(ready(dnms, bus=I2C, correction=-12))["sound_level_laeq"] == 603


def test_dnms_failures_are_sentences():
    build(noise(version="SPS30"))
    refused(lambda: ready(dnms, bus=I2C), "another chip")
    build(noise(), faults=[{"chip": "noise", "kind": "busy"}])
    refused(lambda: read(ready(dnms, bus=I2C)), "hangs")
    for levels in ((0, 0, 0), (61, 70, 80), (61, 50, 55), (61, 50, 150)):
        build(noise(*levels))
        refused(lambda: read(ready(dnms, bus=I2C)), "can't be")


# BH1750


def lamp(illuminance, **more):
    return dict(chip="bh1750", name="lamp", bus="i2c:0", values={"illuminance": illuminance}, **more)


def test_bh1750_data_sheet_example():
    for vector in vectors("bh1750")["good"]:
        assert bh1750.lux(int(vector["bytes"], 16)) == vector["lux"]


def test_bh1750_from_a_street_light_to_the_sun():
    for lux in (0, 1, 8, 20, 1000, 54000, 60000, 120000):
        build(lamp(lux))
        got = read(ready(bh1750, bus=I2C))["illuminance"]
        assert abs(got - lux) <= 1 + lux // 50000, (got, lux)
    build(lamp(500, address=0x5C))
    assert read(ready(bh1750, bus=I2C, address=0x5C, window=500)) == {"illuminance": 1000}


def test_bh1750_failures_are_sentences():
    build(lamp(130000))
    refused(lambda: read(ready(bh1750, bus=I2C)), "range")
    refused(lambda: ready(bh1750, bus=I2C, address=40), "35 or 92")
    build(lamp(10), faults=[{"chip": "lamp", "kind": "nack", "from_s": 5}])
    driver = ready(bh1750, bus=I2C)
    pass_time(5)
    refused(lambda: read(driver), "0x23", "no answer")


# MLX90614


def road(surface=-3.15, **more):
    return dict(chip="mlx90614", name="road", bus="i2c:0", values={"object": surface, "ambient": 1.49}, **more)


def test_mlx90614_vectors_and_every_flipped_bit():
    data = vectors("mlx90614")
    for vector in data["good"]:
        reply = bytes.fromhex(vector["reply"])
        raw = mlx90614.parse(data["address"], vector["register"], reply)
        assert (raw, mlx90614.convert(raw)) == (vector["raw"], vector["centi_celsius"])
        for wrong in one_bit_off(reply):
            refused(lambda wrong=wrong, vector=vector: mlx90614.parse(90, vector["register"], wrong), "check sum")
    bad = data["bad"]
    refused(lambda: mlx90614.parse(90, bad["register"], bytes.fromhex(bad["reply"])), "check sum")


def test_mlx90614_reads_the_road():
    build(road())
    assert read(ready(mlx90614, bus=I2C)) == {"road_surface_temperature": -315}
    build(road(4.01, address=0x5B))
    driver = ready(mlx90614, bus=I2C, address=0x5B, property="water_temperature", housing=True)
    assert read(driver) == {"water_temperature": 401, "air_temperature": 149}


def test_mlx90614_emissivity_is_written_once_and_kept():
    chip = build(road())
    ready(mlx90614, bus=I2C, emissivity=950)
    assert chip.eeprom[0x24] == 62258 and chip.writes == 2
    ready(mlx90614, bus=I2C, emissivity=950)
    ready(mlx90614, bus=I2C)
    assert chip.writes == 2


def test_mlx90614_failures_are_sentences():
    build(road(broken=True))
    refused(lambda: read(ready(mlx90614, bus=I2C)), "failed")
    refused(lambda: mlx90614.convert(1000), "outside")
    build(road(), faults=[{"chip": "road", "kind": "dead", "from_s": 5}])
    driver = ready(mlx90614, bus=I2C)
    pass_time(5)
    refused(lambda: read(driver), "0x5a", "no answer")
