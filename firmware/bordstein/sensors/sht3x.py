"""Sensirion SHT30, SHT31, SHT35: air temperature and relative humidity; I2C address 0x44 or 0x45.

Source: Sensirion data sheet SHT3x-DIS (single shot, reset, status, conversion).
"""

import asyncio

from bordstein.sensors.shared.air import readings
from bordstein.sensors.shared.sensirion import Commands, scaled

_MEASURE = b"\x24\x00"  # high repeatability, no clock stretching: 15 ms at most
_RESET = b"\x30\xa2"
_STATUS = b"\xf3\x2d"
_MEASURE_MS = 17


def convert(temperature, humidity):
    """Two words -> (hundredths of a °C, hundredths of a %RH); ValueError outside of what the chip can measure."""
    celsius = scaled(temperature, 17500, -4500)
    if not -4000 <= celsius <= 12500:
        raise ValueError("SHT3x: %d °C is outside of -40 to 125 °C: damaged chip" % (celsius // 100))
    return celsius, scaled(humidity, 10000, 0)


class Driver:
    OPTIONS = "bus i2c !\naddress address 68 69 =68\ndew_point bool"
    PROPERTIES = ("air_temperature", "relative_humidity", "dew_point")
    WARM_UP_S = 0
    INTERVAL_S = 60
    STUCK_AFTER = 120

    def __init__(self, options, platform):
        self._options = options
        self._platform = platform
        self._address = options.get("address", 0x44)
        self._chip = None

    async def setup(self):
        chip = Commands(self._platform.i2c(self._options["bus"]), self._address, "SHT3x")
        chip.send(_RESET)
        await asyncio.sleep_ms(2)
        await chip.ask(_STATUS, 1)
        self._chip = chip

    async def read(self):
        if self._chip is None:
            raise OSError("SHT3x: not set up yet")
        return readings(self._options, *convert(*await self._chip.ask(_MEASURE, 2, _MEASURE_MS)))

    def describe(self):
        return {"chip": "SHT3x", "address": self._address}
