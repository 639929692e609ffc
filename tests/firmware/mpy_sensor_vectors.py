"""The published vectors and every flipped bit once more, in MicroPython: its integers and its bytes are its own."""
# again: single, 31-bit

import json

from bordstein.sensors import a02yyuw, bme280, ds18b20, sds011
from bordstein.sensors.shared.serial import Framer

_HERE = __file__.rsplit("/", 1)[0]


def vectors(name):
    with open(_HERE + "/../data/vectors/" + name + ".json") as file:
        return json.load(file)


def refused(parse, data):
    try:
        parse(data)
    except ValueError:
        return True
    return False


def one_bit_off(data):
    for bit in range(8 * len(data)):
        wrong = bytearray(data)
        wrong[bit // 8] ^= 1 << bit % 8
        yield bytes(wrong)


def test_bme280_vectors():
    real = vectors("bme280")["forum"]
    cal = bme280.calibration(bytes.fromhex(real["first"]), bytes.fromhex(real["second"]))
    values = bme280.compensate(*bme280.parse(bytes.fromhex(real["data"])), cal)
    assert values == (real["centi_celsius"], real["centi_percent"], real["pascal"]), values
    sheet = vectors("bme280")["datasheet"]
    cal = tuple(sheet["calibration"]) + cal[12:]
    assert bme280.fine_temperature(sheet["adc_t"], cal) == sheet["t_fine"]
    temperature, _, pressure = bme280.compensate(sheet["adc_t"], sheet["adc_p"], 30000, cal)
    assert (temperature, pressure) == (sheet["centi_celsius"], sheet["pascal"])


def test_sds011_vectors_and_flipped_bits():
    data = vectors("sds011")
    for vector in data["captured"]["frames"] + data["manual"]["frames"]:
        frame = bytes.fromhex(vector["frame"])
        assert sds011.parse(frame) == (vector["pm2_5"], vector["pm10"])
        for wrong in one_bit_off(frame):
            assert refused(sds011.parse, wrong)
            framer = Framer(sds011._HEAD, sds011._LENGTH, sds011.checked)
            assert framer.feed(wrong + frame) == [frame]


def test_a02yyuw_vectors_and_flipped_bits():
    for vector in vectors("a02yyuw")["good"]:
        frame = bytes.fromhex(vector["frame"])
        assert a02yyuw.parse(frame) == vector["mm"]
        for wrong in one_bit_off(frame):
            assert refused(a02yyuw.parse, wrong)


def test_ds18b20_vectors_and_flipped_bits():
    data = vectors("ds18b20")
    for vector in data["good"]:
        scratchpad = bytes.fromhex(vector["scratchpad"])
        assert ds18b20.parse(scratchpad) == vector["centi_celsius"]
        for wrong in one_bit_off(scratchpad):
            assert refused(ds18b20.parse, wrong)
    for scratchpad in data["bad_crc"] + [data["power_on"]["scratchpad"]]:
        assert refused(ds18b20.parse, bytes.fromhex(scratchpad))
