"""JSN-SR04T and AJ-SR04M ultrasonic distance sensors in a UART mode: distance, water level, fill level; 9600 8N1.

Source: makers' leaflets (modes by the resistor or solder bridge on the board: a frame each 100 ms, or one for each byte
55, with AJ-SR04M 01) and users' measurements of the frames: FF, distance in mm high byte first, and a sum, which with
AJ-SR04M leaves the head out. Range 250 to 6,000 mm.

Options: `variant` (jsn_sr04t; aj_sr04m), `asked` (true: the board is in the mode that measures when asked), `frames`,
`tilt` and what the distance means: as with a02yyuw.
"""

from bordstein.sensors.shared import ultrasonic

_NEAREST = 250
_FARTHEST = 6000
_VARIANTS = {"jsn_sr04t": ("JSN-SR04T", 0, b"\x55"), "aj_sr04m": ("AJ-SR04M", 1, b"\x01")}


def parse(frame, variant="jsn_sr04t"):
    """4 bytes -> distance in mm; ValueError with the reason."""
    chip, first, _ = _VARIANTS[variant]
    return ultrasonic.parse(frame, chip, _NEAREST, _FARTHEST, first)


class Driver(ultrasonic.Ultrasonic):
    OPTIONS = (
        "bus uart !\nvariant one jsn_sr04t aj_sr04m\nasked bool\nzero_mm int -20000 20000\nrise_s int 60 86400\n"
        "depth_mm int 100 20000\nblind_mm int 0 20000\noccupied_mm int 100 20000\n"
        "property one parking_bay_occupied presence\ntilt pin in\nframes int 1 50"
    )
    PROPERTIES = (
        "distance",
        "water_level",
        "water_level_rate",
        "fill_level",
        "parking_bay_occupied",
        "presence",
        "tilted",
    )
    WARM_UP_S = 1
    INTERVAL_S = 60
    NEAREST = _NEAREST
    FARTHEST = _FARTHEST

    def __init__(self, options, platform):
        self.CHIP, self.FIRST, ask = _VARIANTS[options.get("variant", "jsn_sr04t")]
        self.ASK = ask if options.get("asked") else b""
        super().__init__(options, platform)
