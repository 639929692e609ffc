"""A02YYUW ultrasonic distance sensor (DFRobot SEN0311 and kin): distance, water level, fill level; UART 9600 8N1.

Source: DFRobot SEN0311 data sheet, UART automatic output: FF, distance in mm high byte first, sum of the three.
Range 30 to 4,500 mm; less than 30 mm means that it saw nothing usable.

Options: `frames` (how many echoes the median is taken over; 5), `tilt` (pin of a switch that opens when the bin tips
over), and what the distance means: shared/distance.py.
"""

from bordstein.sensors.shared import ultrasonic

_CHIP = "A02YYUW"
_NEAREST = 30
_FARTHEST = 4500


def parse(frame):
    """4 bytes -> distance in mm; ValueError with the reason."""
    return ultrasonic.parse(frame, _CHIP, _NEAREST, _FARTHEST)


class Driver(ultrasonic.Ultrasonic):
    OPTIONS = (
        "bus uart !\nzero_mm int -20000 20000\nrise_s int 60 86400\ndepth_mm int 100 20000\nblind_mm int 0 20000\n"
        "occupied_mm int 100 20000\nproperty one parking_bay_occupied presence\ntilt pin in\nframes int 1 50"
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
    CHIP = _CHIP
    NEAREST = _NEAREST
    FARTHEST = _FARTHEST
