"""Plantower PMS5003, PMS7003, PMSA003: fine dust, PM1, PM2.5 and PM10 in µg/m³, by laser scattering; UART 9600 8N1.

Source: Plantower, «Digital universal particle concentration sensor» PMS5003 and PMS7003 series data manual (frame of
32 bytes, commands). The values «under atmospheric environment» are reported. Its fan and laser last about 3 years: with
`"sleep": true` they are off between two readings and get their warm-up before each.

Options: `sleep` (false), `passive` (true: the sensor sends only when asked; for lines that others listen to as well).
"""

import asyncio

from bordstein.sensors.shared.serial import Framer, frames, median

_BAUDRATE = 9600
_HEAD = b"\x42\x4d\x00\x1c"
_LENGTH = 32
_MAX = 1000  # µg/m³, end of the measuring range


def checked(frame):
    """True for a whole frame with the right head and check sum (sum of all bytes before it)."""
    return len(frame) == _LENGTH and frame[:4] == _HEAD and sum(frame[:30]) == frame[30] << 8 | frame[31]


def parse(frame):
    """32 bytes -> (pm1, pm2_5, pm10) in tenths of a µg/m³; ValueError with the reason."""
    if len(frame) != _LENGTH or frame[:4] != _HEAD:
        raise ValueError("PMS5003: not a measurement frame")
    if not checked(frame):
        raise ValueError("PMS5003: wrong check sum, the frame was damaged on the line")
    values = [frame[i] << 8 | frame[i + 1] for i in (10, 12, 14)]
    if max(values) > _MAX:
        raise ValueError("PMS5003: more than 1000 µg/m³, the end of its range: sensor dirty or faulty")
    return tuple(10 * value for value in values)


def command(code, value):
    """A 7-byte command to the sensor."""
    body = bytes((0x42, 0x4D, code, 0, value))
    return body + bytes((sum(body) >> 8, sum(body) & 0xFF))


READ = command(0xE2, 0)
PASSIVE = command(0xE1, 0)
ACTIVE = command(0xE1, 1)
SLEEP = command(0xE4, 0)
WAKE = command(0xE4, 1)


class Driver:
    OPTIONS = "bus uart !\nsleep bool\npassive bool"
    PROPERTIES = ("pm1", "pm2_5", "pm10")
    WARM_UP_S = 30  # until the fan has a steady draught
    INTERVAL_S = 60

    def __init__(self, options, platform):
        self._options = options
        self._platform = platform
        self._uart = None
        self._framer = Framer(_HEAD, _LENGTH, checked)
        self._sleeps = bool(options.get("sleep", False))

    async def setup(self):
        self._uart = self._platform.uart(self._options["bus"], _BAUDRATE)
        await self._wake()
        await self._frames(1)
        if self._sleeps:
            self._uart.write(SLEEP)

    async def read(self):
        if self._uart is None:
            raise OSError("PMS5003: not set up yet")
        if self._sleeps:
            await self._wake()
            await asyncio.sleep(self.WARM_UP_S)
        try:
            # Three frames' median: a single one may show one large grain.
            found = [parse(frame) for frame in await self._frames(3)]
        finally:
            if self._sleeps:
                self._uart.write(SLEEP)
        return [(self.PROPERTIES[i], median([values[i] for values in found])) for i in range(3)]

    async def _wake(self):
        self._uart.write(WAKE)
        await asyncio.sleep_ms(100)
        self._uart.write(PASSIVE if self._options.get("passive") else ACTIVE)

    async def _frames(self, wanted):
        refused = self._framer.refused
        ask = READ if self._options.get("passive") else b""
        found = await frames(self._uart, self._framer, wanted, 3500 + 1000 * wanted, ask)
        if found:
            return found
        if self._framer.refused > refused:
            raise OSError("PMS5003: only damaged frames: check the cable and the ground wire")
        raise OSError("PMS5003: no data on the UART: check power (5 V), the TX wire and the pins in the configuration")

    def describe(self):
        return {"chip": "PMS5003"}
