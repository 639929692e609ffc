"""BME280 as a register file (Bosch data sheet BST-BME280-DS002): quantities temperature °C, humidity %RH, pressure Pa.

Raw values come from inverting the data sheet's floating-point compensation by bisection, with the calibration words of
a real chip, so a driver has to do its own compensation right to get the wanted values back.
"""

import struct

from simulated import world
from simulated.registers import RegisterChip

# Calibration of a real BME280, as its owner posted it in Bosch's forum (community.bosch-sensortec.com, td-p/9390).
CALIBRATION_1 = "6c6e77663200a89227d5d00b6f18cafff9ffac260ad8bd10004b"
CALIBRATION_2 = "650100140b001e"

_RESET = 0xB6
_DATA_SKIPPED = b"\x80\x00\x00\x80\x00\x00\x80\x00"


class Formula:
    """The data sheet's compensation in floating point (§8.1), from calibration words to values, and its inverse."""

    def __init__(self, first, second):
        self.t1, self.t2, self.t3 = struct.unpack("<Hhh", first[0:6])
        self.p = struct.unpack("<Hhhhhhhhh", first[6:24])
        self.h1 = first[25]
        self.h2, self.h3 = struct.unpack("<hB", second[0:3])
        self.h4 = (struct.unpack("b", second[3:4])[0] << 4) | (second[4] & 15)
        self.h5 = (struct.unpack("b", second[5:6])[0] << 4) | (second[4] >> 4)
        self.h6 = struct.unpack("b", second[6:7])[0]

    def t_fine(self, adc):
        first = (adc / 16384 - self.t1 / 1024) * self.t2
        second = (adc / 131072 - self.t1 / 8192) ** 2 * self.t3
        return first + second

    def temperature(self, adc):
        return self.t_fine(adc) / 5120

    def pressure(self, adc, t_fine):
        p = self.p
        a = t_fine / 2 - 64000
        b = a * a * p[5] / 32768 + a * p[4] * 2
        b = b / 4 + p[3] * 65536
        a = (p[2] * a * a / 524288 + p[1] * a) / 524288
        a = (1 + a / 32768) * p[0]
        x = (1048576 - adc - b / 4096) * 6250 / a
        return x + (p[8] * x * x / 2147483648 + x * p[7] / 32768 + p[6]) / 16

    def humidity(self, adc, t_fine):
        x = t_fine - 76800
        scale = self.h2 / 65536 * (1 + self.h6 / 67108864 * x * (1 + self.h3 / 67108864 * x))
        v = (adc - (self.h4 * 64 + self.h5 / 16384 * x)) * scale
        return v * (1 - self.h1 * v / 524288)

    def raw(self, temperature, humidity, pressure):
        """Wanted values -> (adc_t, adc_p, adc_h) whose compensation comes nearest."""
        adc_t = nearest(self.temperature, temperature, 1 << 20)
        t_fine = self.t_fine(adc_t)
        adc_p = nearest(lambda adc: -self.pressure(adc, t_fine), -pressure, 1 << 20)
        adc_h = nearest(lambda adc: self.humidity(adc, t_fine), humidity, 1 << 16)
        return adc_t, adc_p, adc_h


def nearest(rising, wanted, limit):
    """The argument in 1..limit-1 whose value of a rising function is nearest to `wanted`."""
    low, high = 0, limit - 1
    while high - low > 1:
        middle = (low + high) // 2
        if rising(middle) < wanted:
            low = middle
        else:
            high = middle
    return high if low == 0 or rising(high) - wanted < wanted - rising(low) else low


class Chip(RegisterChip):
    QUANTITIES = ("temperature", "humidity", "pressure")
    _inverted = None, None  # what was wanted last, and its raw values; a reset changes nothing in that

    def power_on(self):
        registers = self.registers
        first = bytes.fromhex(self.spec.get("calibration_1", CALIBRATION_1))
        second = bytes.fromhex(self.spec.get("calibration_2", CALIBRATION_2))
        self.formula = Formula(first, second)
        registers[0x88 : 0x88 + len(first)] = first
        registers[0xE1 : 0xE1 + len(second)] = second
        registers[0xD0] = self.spec.get("chip_id", 0x60)
        for register in (0xF2, 0xF3, 0xF4, 0xF5):
            registers[register] = 0
        registers[0xF7:0xFF] = _DATA_SKIPPED
        self._humidity_setting = 0
        self._done = None  # time at which the running measurement ends
        self._updated = world.elapsed_ms() + 2  # calibration is copied for 2 ms after a reset

    def written(self, register, value):
        if register == 0xE0:
            if value == _RESET:
                self.power_on()
        elif register in (0xF2, 0xF5):
            self.registers[register] = value
        elif register == 0xF4:
            self._humidity_setting = self.registers[0xF2] & 7  # takes effect only now
            self.registers[0xF4] = value
            if value & 3:
                self._done = world.elapsed_ms() + 9

    def before_read(self, register):
        now = world.elapsed_ms()
        if self._done is not None and now >= self._done and not self.faults.on("busy"):
            self._measure()
        self.registers[0xF3] = (8 if self._done is not None else 0) | (1 if now < self._updated else 0)

    def _measure(self):
        setting = self.registers[0xF4]
        wanted = [self.wanted(quantity) for quantity in self.QUANTITIES]
        if self._inverted[0] != wanted:  # bisection is slow
            self._inverted = wanted, self.formula.raw(*wanted)
        adc_t, adc_p, adc_h = self._inverted[1]
        if not setting >> 5:
            adc_t = 0x80000
        if not setting >> 2 & 7:
            adc_p = 0x80000
        if not self._humidity_setting:
            adc_h = 0x8000
        data = ((adc_p << 44) | (adc_t << 20) | adc_h).to_bytes(8, "big")
        self.registers[0xF7:0xFF] = data
        if setting & 3 == 3:  # normal mode goes on by itself
            self._done = world.elapsed_ms() + 9
        else:
            self.registers[0xF4] = setting & 0xFC
            self._done = None
