"""Sensirion SPS30: fine dust, PM1, PM2.5, PM4 and PM10 in µg/m³; I2C address 0x69, with its SEL pin to ground.

Source: Sensirion data sheet SPS30 (commands, start-up, status register). The chip's numbers are single-precision
floats; they are read with integers. Its bus must not be faster than 100 kHz.
"""

import asyncio

from bordstein.sensors.shared.sensirion import Commands, real, word

_RESET = b"\xd3\x04"
_VERSION = b"\xd1\x00"
_START = b"\x00\x10" + word(0x0300)  # floats
_READY = b"\x02\x02"
_READ = b"\x03\x00"
_STATUS = b"\xd2\x06"  # from version 2.2 on
_FAN_FAILURE = 0x10  # in the status' low word
_LASER_FAILURE = 0x20
_RESET_MS = 100
_POLLS = 20
_POLL_MS = 100
_MAX_TENTHS = 10000  # 1000 µg/m³, end of the measuring range


def convert(values):
    """The first eight words or more of a measurement -> (pm1, pm2_5, pm4, pm10) in tenths of a µg/m³; ValueError."""
    tenths = tuple(real(values[i], values[i + 1], 10) for i in (0, 2, 4, 6))
    if max(tenths) > _MAX_TENTHS or min(tenths) < 0:
        raise ValueError("SPS30: more than 1000 µg/m³, the end of its range: sensor dirty or faulty")
    return tenths


class Driver:
    OPTIONS = "bus i2c !\naddress address 105 105 =105"
    PROPERTIES = ("pm1", "pm2_5", "pm4", "pm10")
    WARM_UP_S = 30  # in clean air it takes so long to settle
    INTERVAL_S = 60
    RESETS = True
    STUCK_AFTER = 120

    def __init__(self, options, platform):
        self._options = options
        self._platform = platform
        self._chip = None
        self._version = 0  # not known yet

    async def setup(self):
        chip = Commands(self._platform.i2c(self._options["bus"]), 0x69, "SPS30")
        chip.send(_RESET)
        await asyncio.sleep_ms(_RESET_MS)
        self._version = (await chip.ask(_VERSION, 1))[0]
        chip.send(_START)
        await asyncio.sleep_ms(20)
        self._chip = chip

    async def read(self):
        chip = self._chip
        if chip is None:
            raise OSError("SPS30: not set up yet")
        await chip.until(_READY, 1, _POLLS, _POLL_MS)
        tenths = convert(await chip.ask(_READ, 8))
        if self._version >= 0x0202:
            status = (await chip.ask(_STATUS, 2))[1]
            if status & _FAN_FAILURE:
                raise OSError(chip.says("its fan stands still: blocked or worn out"))
            if status & _LASER_FAILURE:
                raise OSError(chip.says("its laser fails: replace the sensor"))
        return [(self.PROPERTIES[i], tenths[i]) for i in range(4)]

    def describe(self):
        return {"chip": "SPS30", "version": "%d.%d" % (self._version >> 8, self._version & 0xFF)}
