"""Sensirion SCD40, SCD41: carbon dioxide, with temperature and humidity of the housing; I2C address 0x62.

Source: Sensirion data sheet SCD4x (periodic measurement, altitude, self-calibration, serial number). A measurement
comes every 5 s. Self-calibration takes the lowest value of a week for 400 ppm: right in the open air, wrong in a room
that is never aired.

Options: `altitude_m` (of the place, in m above sea level; 0), `self_calibration` (true).
"""

import asyncio

from bordstein.sensors.shared.air import readings
from bordstein.sensors.shared.sensirion import Commands, scaled, word

_STOP = b"\x3f\x86"
_SERIAL = b"\x36\x82"
_ALTITUDE = b"\x24\x27"
_SELF_CALIBRATION = b"\x24\x16"
_START = b"\x21\xb1"
_READY = b"\xe4\xb8"
_READ = b"\xec\x05"
_READY_BITS = 0x07FF
_STOP_MS = 500
_POLLS = 30
_POLL_MS = 200


def convert(co2, temperature, humidity):
    """Three words -> (ppm, hundredths of a °C, hundredths of a %RH); ValueError when that can't be air."""
    celsius = scaled(temperature, 17500, -4500)
    if not 250 <= co2 <= 40000:
        raise ValueError("SCD41: %d ppm is outside of what air can have and the chip measure: damaged chip" % co2)
    if not -1000 <= celsius <= 6000:
        raise ValueError("SCD41: %d °C is outside of -10 to 60 °C, where it works" % (celsius // 100))
    return co2, celsius, scaled(humidity, 10000, 0)


class Driver:
    OPTIONS = (
        "bus i2c !\naddress address 98 98 =98\naltitude_m int 0 3000 =0\nself_calibration bool =true\ndew_point bool"
    )
    PROPERTIES = ("co2", "air_temperature", "relative_humidity", "dew_point")
    WARM_UP_S = 10  # two measurements
    INTERVAL_S = 60
    STUCK_AFTER = 120

    def __init__(self, options, platform):
        self._options = options
        self._platform = platform
        self._chip = None
        self._serial = None

    async def setup(self):
        options = self._options
        chip = Commands(self._platform.i2c(options["bus"]), 0x62, "SCD41")
        chip.send(_STOP)  # while it measures it takes no other command
        await asyncio.sleep_ms(_STOP_MS)
        self._serial = "%04x%04x%04x" % tuple(await chip.ask(_SERIAL, 3))
        chip.send(_ALTITUDE + word(options.get("altitude_m", 0)))
        await asyncio.sleep_ms(2)
        chip.send(_SELF_CALIBRATION + word(1 if options.get("self_calibration", True) else 0))
        await asyncio.sleep_ms(2)
        chip.send(_START)
        self._chip = chip

    async def read(self):
        chip = self._chip
        if chip is None:
            raise OSError("SCD41: not set up yet")
        await chip.until(_READY, _READY_BITS, _POLLS, _POLL_MS)
        co2, temperature, humidity = convert(*await chip.ask(_READ, 3))
        return [("co2", co2)] + readings(self._options, temperature, humidity)

    def describe(self):
        return {"chip": "SCD41", "serial": self._serial}
