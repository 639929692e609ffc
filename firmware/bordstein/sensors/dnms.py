"""DNMS noise module (Teensy with a MEMS microphone): LAeq, LAmin and LAmax since the reading before; I2C address 0x55.

Source: «Digital Noise Measurement Sensor» by H. Bitter, as the community's stations read it: Sensirion's protocol with
commands 1 (reset), 2 (version, 9 words of text), 3 (calculate), 4 (ready?), 5 (three floats LAeq, LAmin, LAmax in dB).
It measures from one «calculate» to the next, an hour at most. No sound is kept or sent, levels only.

Option: `correction` (tenths of a dB, of the microphone's calibration; 0).
"""

import asyncio

from bordstein.sensors.shared.sensirion import Commands, real

_RESET = b"\x00\x01"
_VERSION = b"\x00\x02"
_CALCULATE = b"\x00\x03"
_READY = b"\x00\x04"
_READ = b"\x00\x05"
_RESET_MS = 1000
_POLLS = 20
_POLL_MS = 10


def convert(values, correction=0):
    """Six words -> (LAeq, LAmin, LAmax) in tenths of a dB; ValueError when these can't be levels of a street."""
    average, least, most = [real(values[i], values[i + 1], 10) + correction for i in (0, 2, 4)]
    if not 150 <= least <= average <= most <= 1400:
        raise ValueError("DNMS: levels that can't be: microphone not connected or wet")
    return average, least, most


class Driver:
    OPTIONS = "bus i2c !\naddress address 85 85 =85\ncorrection int -200 200 =0"
    PROPERTIES = ("sound_level_laeq", "sound_level_lamin", "sound_level_lamax")
    WARM_UP_S = 5
    INTERVAL_S = 60
    RESETS = True
    STUCK_AFTER = 60

    def __init__(self, options, platform):
        self._options = options
        self._platform = platform
        self._chip = None
        self._version = None

    async def setup(self):
        chip = Commands(self._platform.i2c(self._options["bus"]), 0x55, "DNMS")
        chip.send(_RESET)
        await asyncio.sleep_ms(_RESET_MS)
        text = "".join(chr(value >> 8) + chr(value & 0xFF) for value in await chip.ask(_VERSION, 9))
        if not text.startswith("DNMS"):
            raise ValueError(chip.says("does not call itself a DNMS, this is another chip"))
        self._version = text.rstrip("\0 ")
        self._chip = chip

    async def read(self):
        chip = self._chip
        if chip is None:
            raise OSError("DNMS: not set up yet")
        chip.send(_CALCULATE)
        await chip.until(_READY, 0xFFFF, _POLLS, _POLL_MS)
        levels = convert(await chip.ask(_READ, 6), self._options.get("correction", 0))
        return [(self.PROPERTIES[i], levels[i]) for i in range(3)]

    def describe(self):
        return {"chip": "DNMS", "version": self._version}
