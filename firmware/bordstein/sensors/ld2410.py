"""Hi-Link LD2410, LD2410B, LD2410C radar: is somebody there, moving or still? UART 256000 8N1.

Source: Hi-Link, «LD2410 serial communication protocol» (report frames, commands). A frame comes each
100 ms; it has no check sum, so that all its fixed bytes are looked at and nothing counts that only one frame says. It
sees that there is somebody and how far, not who: no more is known here, and no more is sent. LD2410S speaks another
protocol.

Options: `reach_mm` (what is farther away does not count), `distance` (true: report how far it is, too).
"""

import asyncio

from bordstein.sensors.shared.serial import Framer, frames
from bordstein.sensors.shared.votes import Votes

_BAUDRATE = 256000
_HEAD = b"\xf4\xf3\xf2\xf1\x0d\x00\x02\xaa"  # head, length, basic report
_TAIL = b"\x55\x00\xf8\xf7\xf6\xf5"
_LENGTH = 23
_MAX_CM = 900  # a little more than its 8 m
_WANTED = 5


def checked(frame):
    """True for a whole basic report in which all that is fixed is right."""
    return (
        len(frame) == _LENGTH
        and frame[:8] == _HEAD
        and frame[17:] == _TAIL
        and frame[8] <= 3
        and frame[11] <= 100
        and frame[14] <= 100
        and max(_far(frame, 9), _far(frame, 12), _far(frame, 15)) <= _MAX_CM
    )


def _far(frame, at):
    return frame[at] | frame[at + 1] << 8


def parse(frame):
    """23 bytes -> (state, distance in mm); state: 0 nobody, 1 moving, 2 still, 3 both. ValueError with the reason."""
    if not checked(frame):
        raise ValueError("LD2410: not a report frame, or damaged on the line")
    state = frame[8]
    far = _far(frame, 15) or _far(frame, 9 if state & 1 else 12)
    return state, far * 10


def command(code, value=b""):
    """A command frame."""
    body = bytes((code, 0)) + value
    return b"\xfd\xfc\xfb\xfa" + bytes((len(body), 0)) + body + b"\x04\x03\x02\x01"


BASIC_REPORTS = (command(0xFF, b"\x01\x00"), command(0x63), command(0xFE))  # begin, end engineering mode, end


class Driver:
    OPTIONS = "bus uart !\nreach_mm int 200 8000\ndistance bool"
    PROPERTIES = ("presence", "distance")
    WARM_UP_S = 5
    INTERVAL_S = 300
    SAMPLE_S = 2  # a changed state is reported at once

    def __init__(self, options, platform):
        self._options = options
        self._platform = platform
        self._uart = None
        self._framer = Framer(_HEAD, _LENGTH, checked)
        self._reach = options.get("reach_mm", 10 * _MAX_CM)
        self._votes = Votes()

    async def setup(self):
        self._uart = self._platform.uart(self._options["bus"], _BAUDRATE)
        for data in BASIC_REPORTS:
            self._uart.write(data)
            await asyncio.sleep_ms(50)
        await self._frames(1)
        self._votes = Votes()  # who came or went meanwhile is to be seen anew

    async def read(self):
        if self._uart is None:
            raise OSError("LD2410: not set up yet")
        distance = 0
        for frame in await self._frames(_WANTED):
            state, far = parse(frame)
            there = state != 0 and far <= self._reach
            distance = far if there else distance
            self._votes.feed(there)
        if self._votes.state is None:
            return []
        values = [("presence", self._votes.state)]
        if self._options.get("distance") and self._votes.state and distance:
            values.append(("distance", distance))
        return values

    def keep(self):
        return self._votes.keep()

    def resume(self, kept):
        self._votes.resume(kept)

    async def _frames(self, wanted):
        refused = self._framer.refused
        found = await frames(self._uart, self._framer, wanted, 1000 + 200 * wanted)
        if found:
            return found
        if self._framer.refused > refused:
            raise OSError("LD2410: only damaged frames: check the cable and the ground wire")
        raise OSError("LD2410: no data on the UART: check power (5 V), the TX wire and the pins in the configuration")

    def describe(self):
        return {"chip": "LD2410"}
