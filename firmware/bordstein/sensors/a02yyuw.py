"""A02YYUW ultrasonic distance sensor (DFRobot SEN0311 and kin): distance, or the water level below it; UART 9600 8N1.

Source: DFRobot SEN0311 data sheet, UART automatic output: FF, distance in mm high byte first, sum of the three.
Range 30 to 4,500 mm; less than 30 mm means that it saw nothing usable.

Options: `zero_mm` (distance from the sensor to the level's zero): reports `water_level` = zero - distance, which may be
negative; without it `distance` is reported. `frames`: how many echoes the median is taken over (5).
"""

from bordstein.sensors import Framer, frames, median

_BAUDRATE = 9600
_HEAD = b"\xff"
_LENGTH = 4
_MIN_MM = 30
_MAX_MM = 4500


def checked(frame):
    """True for a whole frame with the right head and check sum.

    Two heads in a row are no frame: at 511 mm (FF 01 FF FF) the check sum looks like a head, and what begins with it
    would add up too, for as long as the distance stays.
    """
    return len(frame) == _LENGTH and frame[0] == 0xFF != frame[1] and (sum(frame[:3]) & 0xFF) == frame[3]


def parse(frame):
    """4 bytes -> distance in mm; ValueError with the reason."""
    if len(frame) != _LENGTH or frame[0] != 0xFF:
        raise ValueError("A02YYUW: not a measurement frame")
    if not checked(frame):
        raise ValueError("A02YYUW: wrong check sum, the frame was damaged on the line")
    distance = frame[1] << 8 | frame[2]
    if distance < _MIN_MM:
        raise ValueError("A02YYUW: %d mm is less than the 30 mm it can measure: dirt or a web before it?" % distance)
    if distance > _MAX_MM:
        raise ValueError("A02YYUW: %d mm is more than the 4500 mm it can measure: no echo" % distance)
    return distance


class Driver:
    PROPERTIES = ("distance", "water_level")
    WARM_UP_S = 1
    INTERVAL_S = 60

    def __init__(self, options, platform):
        self._options = options
        self._platform = platform
        self._uart = None
        self._framer = Framer(_HEAD, _LENGTH, checked)
        self._zero = options.get("zero_mm")
        self._wanted = options.get("frames", 5)

    async def setup(self):
        self._uart = self._platform.uart(self._options["bus"], _BAUDRATE)
        await self._frames(1)

    async def read(self):
        if self._uart is None:
            raise OSError("A02YYUW: not set up yet")
        distances = []
        problem = None
        for frame in await self._frames(self._wanted):
            try:
                distances.append(parse(frame))
            except ValueError as error:
                problem = error
        # A single echo may come from a leaf or a bird; when half of them are no good, so is the median.
        if problem is not None and len(distances) * 2 <= self._wanted:
            raise problem
        distance = median(distances)
        if self._zero is None:
            return [("distance", distance)]
        return [("water_level", self._zero - distance)]

    async def _frames(self, wanted):
        refused = self._framer.refused
        found = await frames(self._uart, self._framer, wanted, 1000 + 400 * wanted)
        if len(found) * 2 > wanted:
            return found
        if self._framer.refused > refused or found:
            raise OSError("A02YYUW: most frames are damaged: check the cable and the ground wire")
        raise OSError("A02YYUW: no data on the UART: check power, the TX wire and the pins in the configuration")

    def describe(self):
        return {"chip": "A02YYUW", "zero_mm": self._zero}
