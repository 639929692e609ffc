"""Sensirion SHT40, SHT41, SHT45: air temperature and relative humidity; I2C address 0x44, 0x45 or 0x46.

Source: Sensirion data sheet SHT4x (commands; conversion, which is another than SHT3x's).
"""

import asyncio

from bordstein.sensors.shared.air import readings
from bordstein.sensors.shared.sensirion import Commands, scaled

_MEASURE = b"\xfd"  # high precision: 8.3 ms at most
_RESET = b"\x94"
_SERIAL = b"\x89"
_MEASURE_MS = 10


def convert(temperature, humidity):
    """Two words -> (hundredths of a °C, hundredths of a %RH); ValueError outside of what the chip can measure.

    Humidity a little below 0 or above 100 % is the chip's tolerance, and held within, as the data sheet has it.
    """
    celsius = scaled(temperature, 17500, -4500)
    if not -4000 <= celsius <= 12500:
        raise ValueError("SHT4x: %d °C is outside of -40 to 125 °C: damaged chip" % (celsius // 100))
    return celsius, min(max(scaled(humidity, 12500, -600), 0), 10000)


class Driver:
    OPTIONS = "bus i2c !\naddress address 68 70 =68\ndew_point bool"
    PROPERTIES = ("air_temperature", "relative_humidity", "dew_point")
    WARM_UP_S = 0
    INTERVAL_S = 60
    STUCK_AFTER = 120

    def __init__(self, options, platform):
        self._options = options
        self._platform = platform
        self._address = options.get("address", 0x44)
        self._chip = None
        self._serial = None

    async def setup(self):
        chip = Commands(self._platform.i2c(self._options["bus"]), self._address, "SHT4x")
        chip.send(_RESET)
        await asyncio.sleep_ms(2)
        self._serial = "%04x%04x" % tuple(await chip.ask(_SERIAL, 2))
        self._chip = chip

    async def read(self):
        if self._chip is None:
            raise OSError("SHT4x: not set up yet")
        return readings(self._options, *convert(*await self._chip.ask(_MEASURE, 2, _MEASURE_MS)))

    def describe(self):
        return {"chip": "SHT4x", "address": self._address, "serial": self._serial}
