"""Nova SDS011: fine dust, PM2.5 and PM10 in µg/m³, by laser scattering; UART 9600 8N1.

Source: Nova Fitness, «Laser PM2.5 Sensor specification» and «Laser Dust Sensor Control Protocol V1.3».
The sensor sends a frame each second by itself. Its laser lasts about 8,000 hours: with `"sleep": true` it is switched
off between two readings and gets its warm-up before each.
"""

import asyncio

from bordstein.sensors.shared.serial import Framer, frames, median

_BAUDRATE = 9600
_HEAD = b"\xaa\xc0"
_LENGTH = 10
_MAX_TENTHS = 9999  # 999.9 µg/m³, end of the measuring range


def checked(frame):
    """True for a whole frame with the right head, tail and check sum (sum of bytes 2..7)."""
    return len(frame) == _LENGTH and frame[:2] == _HEAD and frame[9] == 0xAB and (sum(frame[2:8]) & 0xFF) == frame[8]


def parse(frame):
    """10 bytes -> (pm2_5, pm10) in tenths of a µg/m³; ValueError with the reason."""
    if len(frame) != _LENGTH or frame[:2] != _HEAD or frame[9] != 0xAB:
        raise ValueError("SDS011: not a measurement frame")
    if (sum(frame[2:8]) & 0xFF) != frame[8]:
        raise ValueError("SDS011: wrong check sum, the frame was damaged on the line")
    pm2_5 = frame[2] | frame[3] << 8
    pm10 = frame[4] | frame[5] << 8
    if pm2_5 > _MAX_TENTHS or pm10 > _MAX_TENTHS:
        raise ValueError("SDS011: more than 999.9 µg/m³, the end of its range: sensor dirty or faulty")
    return pm2_5, pm10


def command(*data, device=b"\xff\xff"):
    """A 19-byte command to the sensor; data are the first bytes after AA B4, the rest is zero."""
    body = bytes(data) + b"\x00" * (13 - len(data)) + device
    return b"\xaa\xb4" + body + bytes((sum(body) & 0xFF, 0xAB))


SLEEP = command(6, 1, 0)
WAKE = command(6, 1, 1)


class Driver:
    OPTIONS = "bus uart !\nsleep bool"
    PROPERTIES = ("pm2_5", "pm10")
    WARM_UP_S = 15  # until the fan has a steady draught
    INTERVAL_S = 60
    STUCK_AFTER = 120

    def __init__(self, options, platform):
        self._options = options
        self._platform = platform
        self._uart = None
        self._framer = Framer(_HEAD, _LENGTH, checked)
        self._sleeps = bool(options.get("sleep", False))
        self._id = None

    async def setup(self):
        self._uart = self._platform.uart(self._options["bus"], _BAUDRATE)
        self._uart.write(WAKE)
        self._id = (await self._frames(1))[0][6:8]
        if self._sleeps:
            self._uart.write(SLEEP)

    async def read(self):
        if self._uart is None:
            raise OSError("SDS011: not set up yet")
        if self._sleeps:
            self._uart.write(WAKE)
            await asyncio.sleep(self.WARM_UP_S)
        try:
            # Three seconds' median: a single frame may show one large grain.
            pairs = [parse(frame) for frame in await self._frames(3 if self._sleeps else 1)]
        finally:
            if self._sleeps:
                self._uart.write(SLEEP)
        return [("pm2_5", median([pair[0] for pair in pairs])), ("pm10", median([pair[1] for pair in pairs]))]

    async def _frames(self, wanted):
        refused = self._framer.refused
        found = await frames(self._uart, self._framer, wanted, 2500 + 1000 * wanted)
        if found:
            return found
        if self._framer.refused > refused:
            raise OSError("SDS011: only damaged frames: check the cable and the ground wire")
        raise OSError("SDS011: no data on the UART: check power (5 V), the TX wire and the pins in the configuration")

    def describe(self):
        return {"chip": "SDS011", "id": None if self._id is None else "%02x%02x" % (self._id[0], self._id[1])}
