"""Rohm BH1750: illuminance in lx, for daylight and to see whether a street light burns; I2C address 0x23 or 0x5C.

Source: ROHM data sheet BH1750FVI (instruction set, measurement time register, example of calculation). One count is
1/1.2 lx at the register's 69; where that ends, at 54,612 lx, the measurement is repeated with the smallest value, 31. A
window or a milky dome before the chip takes light away: `window` tells how much is left.

Option: `window` (thousandths of the light that reach the chip; 1000).
"""

import asyncio

from bordstein.sensors.shared.i2c import Chip

_POWER_ON = b"\x01"
_ONCE = b"\x20"  # high resolution, one measurement, then power down
_NORMAL = 69
_SHORT = 31
_MEASURE_MS = 185  # with 69; less with less
_END = 0xFFFF


def lux(raw, time=_NORMAL, window=1000):
    """Two bytes as a number -> lx, rounded."""
    divisor = 12 * time * window
    return (raw * 10 * _NORMAL * 1000 + divisor // 2) // divisor


class Driver:
    OPTIONS = "bus i2c !\naddress address 35 92 =35\nwindow int 50 1000 =1000"
    PROPERTIES = ("illuminance",)
    WARM_UP_S = 0
    INTERVAL_S = 60

    def __init__(self, options, platform):
        self._options = options
        self._platform = platform
        self._address = options.get("address", 0x23)
        self._window = options.get("window", 1000)
        self._chip = None

    async def setup(self):
        if self._address not in (0x23, 0x5C):
            raise ValueError("BH1750: its address is 35 or 92, not %d" % self._address)
        chip = Chip(self._platform.i2c(self._options["bus"]), self._address, "BH1750")
        chip.send(_POWER_ON)
        self._chip = chip

    async def read(self):
        if self._chip is None:
            raise OSError("BH1750: not set up yet")
        time = _NORMAL
        raw = await self._measure(self._chip, time)
        if raw == _END:
            time = _SHORT
            raw = await self._measure(self._chip, time)
            if raw == _END:
                raise ValueError(
                    "BH1750: brighter than 121,556 lx, the end of its range: a lamp close by, or read wrong"
                )
        return [("illuminance", lux(raw, time, self._window))]

    async def _measure(self, chip, time):
        chip.send(bytes((0x40 | time >> 5,)))
        chip.send(bytes((0x60 | time & 0x1F,)))
        chip.send(_ONCE)
        await asyncio.sleep_ms(_MEASURE_MS)
        data = chip.receive(2)
        return data[0] << 8 | data[1]

    def describe(self):
        return {"chip": "BH1750", "address": self._address}
