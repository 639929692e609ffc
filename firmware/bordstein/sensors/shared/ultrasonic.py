"""What the drivers of ultrasonic distance sensors on a UART share: frames of FF, distance in mm, sum."""

import asyncio
import os

from bordstein.sensors.shared.distance import Meaning
from bordstein.sensors.shared.serial import Framer, frames, median

_BAUDRATE = 9600
_HEAD = b"\xff"
_LENGTH = 4
_WATCH_S = 5  # how often a place is looked at for what stands there


def checked(frame, first=0):
    """True for a whole frame with the right head and the sum of its bytes from `first` on.

    Two heads in a row are no frame: at 511 mm (FF 01 FF FF) the check sum looks like a head, and what begins with it
    would add up too, for as long as the distance stays.
    """
    return len(frame) == _LENGTH and frame[0] == 0xFF != frame[1] and (sum(frame[first:3]) & 0xFF) == frame[3]


def parse(frame, chip, nearest, farthest, first=0):
    """4 bytes -> distance in mm; ValueError with the reason. nearest, farthest: what the chip can measure."""
    if len(frame) != _LENGTH or frame[0] != 0xFF:
        raise ValueError(chip + ": not a measurement frame")
    if not checked(frame, first):
        raise ValueError(chip + ": wrong check sum, the frame was damaged on the line")
    distance = frame[1] << 8 | frame[2]
    if distance < nearest:
        text = "%s: %d mm is less than the %d mm it can measure: dirt or a web before it?"
        raise ValueError(text % (chip, distance, nearest))
    if distance > farthest:
        raise ValueError("%s: %d mm is more than the %d mm it can measure: no echo" % (chip, distance, farthest))
    return distance


class Ultrasonic:
    """A driver without its chip: that adds CHIP, NEAREST and FARTHEST (mm), and what differs of FIRST and ASK."""

    CHIP = ""
    NEAREST = 0
    FARTHEST = 0
    FIRST = 0  # byte with which the sum begins
    ASK = b""  # bytes for which the sensor measures once; without them it measures by itself

    def __init__(self, options, platform):
        self._options = options
        self._platform = platform
        self._uart = None
        self._tilt = None
        self._framer = Framer(_HEAD, _LENGTH, lambda frame: checked(frame, self.FIRST))
        self._wanted = options.get("frames", 5)
        self._meaning = None
        self._file = "%s-%s.txt" % (self.CHIP.lower(), options["bus"].get("id", 0))
        self._lock = asyncio.Lock()  # whoever reads takes the frames
        if "occupied_mm" in options:
            self.SAMPLE_S = _WATCH_S

    async def setup(self):
        if self._meaning is None:
            self._meaning = self._make_meaning()
        if "tilt" in self._options:
            self._tilt = self._platform.pin(self._options["tilt"], "in", "up")
        self._uart = self._platform.uart(self._options["bus"], _BAUDRATE)
        await self._frames(1)

    async def read(self):
        from bordstein import clock

        if self._uart is None or self._meaning is None:
            raise OSError(self.CHIP + ": not set up yet")
        if self._tilt is not None and self._tilt.value():
            return [("tilted", True)]  # whatever the distance is now, it is not that to the bottom
        found = self._meaning.readings(await self._distance(), clock.uptime())
        return found + [("tilted", False)] if self._tilt is not None else found

    def keep(self):
        return self._meaning.keep()  # type: ignore[union-attr]

    def resume(self, kept):
        self._meaning.resume(kept)  # type: ignore[union-attr]

    async def calibrate(self, what):
        """`zero`: the surface is at the level's zero now; `empty`: the bin is empty now."""
        key = {"zero": "zero_mm", "empty": "depth_mm"}.get(what, "")
        if key not in self._options:
            raise ValueError(
                self.CHIP + ": it can calibrate `zero` where `zero_mm` is configured, and `empty` where `depth_mm` is"
            )
        if self._uart is None:
            raise OSError(self.CHIP + ": not set up yet")
        from bordstein.sensors.shared import calibration

        distance = await self._distance()
        changed = dict(self._options)
        changed[key] = distance
        Meaning(changed, self.NEAREST)  # refuses what makes no sense
        calibration.keep(self._file, self._options, calibration.DISTANCE, key, distance)
        self._meaning = self._make_meaning()
        return {key: distance}

    def _make_meaning(self):
        options = self._options
        if self._file in os.listdir():
            from bordstein.sensors.shared import calibration

            options = calibration.calibrated(self._file, options, calibration.DISTANCE)
        return Meaning(options, self.NEAREST)

    async def _distance(self):
        distances = []
        problem = None
        for frame in await self._frames(self._wanted):
            try:
                distances.append(parse(frame, self.CHIP, self.NEAREST, self.FARTHEST, self.FIRST))
            except ValueError as error:
                problem = error
        # A single echo may come from a leaf or a bird; when half of them are no good, so is the median.
        if problem is not None and len(distances) * 2 <= self._wanted:
            raise problem
        return median(distances)

    async def _frames(self, wanted):
        refused = self._framer.refused
        async with self._lock:
            found = await frames(self._uart, self._framer, wanted, 1000 + 400 * wanted, self.ASK)
        if len(found) * 2 > wanted:
            return found
        if self._framer.refused > refused or found:
            raise OSError(self.CHIP + ": most frames are damaged: check the cable and the ground wire")
        raise OSError(self.CHIP + ": no data on the UART: check power, the TX wire and the pins in the configuration")

    def describe(self):
        return {"chip": self.CHIP, "zero_mm": self._options.get("zero_mm")}
