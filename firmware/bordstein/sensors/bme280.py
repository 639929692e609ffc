"""Bosch BME280: air temperature, relative humidity, air pressure; I2C address 0x76 or 0x77.

Source: Bosch Sensortec BME280 data sheet BST-BME280-DS002 (registers §5, integer compensation §4.2.3, forced mode
§3.3.3). Everything is integer arithmetic, so a board with single-precision floats gives the same digits.
"""

import asyncio
import struct

from bordstein.sensors.shared.air import readings
from bordstein.sensors.shared.i2c import Registers

_CHIP_ID = 0x60
_REG_CALIBRATION_1 = 0x88  # 0x88..0xA1: temperature, pressure, H1
_REG_ID = 0xD0
_REG_RESET = 0xE0
_REG_CALIBRATION_2 = 0xE1  # 0xE1..0xE7: H2..H6
_REG_CTRL_HUM = 0xF2
_REG_STATUS = 0xF3
_REG_CTRL_MEAS = 0xF4
_REG_CONFIG = 0xF5
_REG_DATA = 0xF7  # pressure 3 bytes, temperature 3, humidity 2

_STATUS_UPDATE = 0x01  # calibration words are being copied
_STATUS_MEASURING = 0x08
_SOFT_RESET = 0xB6
_FORCED_ONCE = 0x25  # one temperature, one pressure conversion, forced mode: Bosch's setting for weather

_SKIPPED_20 = 0x80000  # what the data registers hold when a channel was not measured
_SKIPPED_16 = 0x8000

_POLLS = 20
_POLL_MS = 5  # one measurement of all three takes at most 9.3 ms


def calibration(first, second):
    """Bytes 0x88..0xA1 (26) and 0xE1..0xE7 (7) -> tuple T1..T3, P1..P9, H1..H6 for `compensate`."""
    t_and_p = struct.unpack("<HhhHhhhhhhhh", first[:24])
    h2, h3 = struct.unpack("<hB", second[:3])
    # H4 and H5 are signed 12-bit numbers that share byte 0xE5.
    h4 = _signed8(second[3]) * 16 + (second[4] & 0x0F)
    h5 = _signed8(second[5]) * 16 + (second[4] >> 4)
    return t_and_p + (first[25], h2, h3, h4, h5, _signed8(second[6]))


def _signed8(byte):
    return byte - 256 if byte & 0x80 else byte


def parse(data):
    """8 bytes from 0xF7 on -> (adc_t, adc_p, adc_h); ValueError when the chip did not measure."""
    adc_p = data[0] << 12 | data[1] << 4 | data[2] >> 4
    adc_t = data[3] << 12 | data[4] << 4 | data[5] >> 4
    adc_h = data[6] << 8 | data[7]
    if adc_t == _SKIPPED_20 or adc_p == _SKIPPED_20 or adc_h == _SKIPPED_16:
        raise ValueError("BME280: the chip skipped the measurement: it lost its settings, perhaps power dipped")
    return adc_t, adc_p, adc_h


def compensate(adc_t, adc_p, adc_h, cal):
    """Raw values and `calibration(...)` -> (hundredths of a °C, hundredths of a %RH, Pa).

    ValueError when a result lies outside of what the chip can measure: then the raw values or the calibration were
    read wrong.
    """
    t_fine = fine_temperature(adc_t, cal)
    temperature = (t_fine * 5 + 128) >> 8
    if not -4000 <= temperature <= 8500:
        raise ValueError("BME280: %d °C is outside of -40 to 85 °C: read wrong" % (temperature // 100))
    pressure = (_pressure_q8(adc_p, t_fine, cal) + 128) >> 8
    if not 30000 <= pressure <= 110000:
        raise ValueError("BME280: %d Pa is outside of 30000 to 110000 Pa: read wrong" % pressure)
    humidity = (_humidity_q10(adc_h, t_fine, cal) * 100 + 512) >> 10
    return temperature, humidity, pressure


def fine_temperature(adc_t, cal):
    """The temperature in 1/5120 °C, which the two other formulas need."""
    t1, t2, t3 = cal[:3]
    a = (((adc_t >> 3) - (t1 << 1)) * t2) >> 11
    d = (adc_t >> 4) - t1
    return a + ((((d * d) >> 12) * t3) >> 14)


def _pressure_q8(adc_p, t_fine, cal):
    """Pressure in 1/256 Pa: Bosch's 64-bit formula (big integers on a board, still exact)."""
    p1, p2, p3, p4, p5, p6, p7, p8, p9 = cal[3:12]
    x = t_fine - 128000
    b = x * x * p6 + ((x * p5) << 17) + (p4 << 35)
    a = ((x * x * p3) >> 8) + ((x * p2) << 12)
    a = (((1 << 47) + a) * p1) >> 33
    if a == 0:
        raise ValueError("BME280: the calibration words are zero: read wrong")
    p = (((1048576 - adc_p) << 31) - b) * 3125 // a
    q = p >> 13
    return ((p + ((p9 * q * q) >> 25) + ((p8 * p) >> 19)) >> 8) + (p7 << 4)


def _humidity_q10(adc_h, t_fine, cal):
    """Relative humidity in 1/1024 %, held within 0..100 % as the data sheet has it."""
    h1, h2, h3, h4, h5, h6 = cal[12:18]
    x = t_fine - 76800
    gain = (((x * h6) >> 10) * (((x * h3) >> 11) + 32768)) >> 10
    gain = ((gain + 2097152) * h2 + 8192) >> 14
    v = (((adc_h << 14) - (h4 << 20) - h5 * x + 16384) >> 15) * gain
    w = v >> 15
    v -= (((w * w) >> 7) * h1) >> 4
    return min(max(v, 0), 419430400) >> 12


class Driver:
    OPTIONS = "bus i2c !\naddress address 118 119 =118\ndew_point bool"
    PROPERTIES = ("air_temperature", "relative_humidity", "dew_point", "air_pressure")
    WARM_UP_S = 0
    INTERVAL_S = 60
    STUCK_AFTER = 120

    def __init__(self, options, platform):
        self._options = options
        self._platform = platform
        self._address = options.get("address", 0x76)
        self._registers = None
        self._calibration = None

    async def setup(self):
        registers = Registers(self._platform.i2c(self._options["bus"]), self._address, "BME280")
        chip = registers.read(_REG_ID, 1)[0]
        if chip != _CHIP_ID:
            kind = "a BMP280, which measures no humidity" if chip in (0x56, 0x57, 0x58) else "another chip"
            raise ValueError(registers.says("chip id 0x%02x instead of 0x60, this is %s" % (chip, kind)))
        registers.write(_REG_RESET, bytes((_SOFT_RESET,)))
        await self._ready(registers, _STATUS_UPDATE)
        cal = calibration(registers.read(_REG_CALIBRATION_1, 26), registers.read(_REG_CALIBRATION_2, 7))
        if cal[0] in (0, 0xFFFF) or cal[3] in (0, 0xFFFF):
            raise ValueError(registers.says("calibration words are empty: damaged chip or bad wiring"))
        registers.write(_REG_CONFIG, b"\x00")  # no filter
        self._calibration = cal
        self._registers = registers

    async def read(self):
        registers = self._registers
        if registers is None:
            raise OSError("BME280: not set up yet")
        # Humidity's setting counts only once ctrl_meas is written after it; writing both each time also mends a chip
        # that was reset by a dip in its supply.
        registers.write(_REG_CTRL_HUM, b"\x01")
        registers.write(_REG_CTRL_MEAS, bytes((_FORCED_ONCE,)))
        await asyncio.sleep_ms(_POLL_MS)
        await self._ready(registers, _STATUS_MEASURING)
        adc_t, adc_p, adc_h = parse(registers.read(_REG_DATA, 8))
        temperature, humidity, pressure = compensate(adc_t, adc_p, adc_h, self._calibration)
        return readings(self._options, temperature, humidity) + [("air_pressure", pressure)]

    async def _ready(self, registers, busy):
        for _ in range(_POLLS):
            await asyncio.sleep_ms(_POLL_MS)
            if not registers.read(_REG_STATUS, 1)[0] & busy:
                return
        raise OSError(registers.says("busy for more than %d ms: the chip hangs" % (_POLLS * _POLL_MS)))

    def describe(self):
        return {"chip": "BME280", "address": self._address}
