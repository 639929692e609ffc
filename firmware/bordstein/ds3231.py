"""Maxim DS3231: a clock with a battery of its own, at I2C address 0x68. Loaded only for a look (`time.ds3231`).

Source: Maxim data sheet DS3231 (registers 0x00 to 0x06 date and time in BCD, 0x0E control, 0x0F status). It has no
check sum: what is read counts when three looks in a row agree. parse and registers are pure.
"""

from micropython import const

from bordstein import clock, platform
from bordstein.log import say

_ADDRESS = const(0x68)
_CONTROL = const(0x0E)
_RUN = b"\x1c\x00"  # control: runs on the battery too, no alarms; status: what stopped it is over, no 32 kHz output
_STOPS = const(0x80)  # of control: stands still on the battery; of status: it has stood still
_UNUSED = (0x80, 0x80, 0x80, 0xF8, 0xC0, 0x60)  # bits that are always 0, from 0x00 on
_SILENT = "DS3231 at 0x68: no answer: check power and wires"
_TRIES = const(8)
_AGREE = const(3)
_MOST = const(946728000)  # 30 years: longer after the build no board runs, but a nonsense date lies there
_FIRST = const(
    11017
)  # days from 1970-01-01 to 2000-03-01; from there to 2100 each fourth year has a leap day, at its end


def parse(data, not_before):
    """16 bytes from 0x00 -> Unix seconds; ValueError: it was stopped, or this is no time.

    not_before: Unix seconds that are surely past, and not for longer than 30 years.
    """
    if (data[14] | data[15]) & _STOPS:
        raise ValueError("DS3231: it stood still (battery empty or new); it is set once the time is known")
    for i in range(len(_UNUSED)):
        if data[i] & _UNUSED[i]:
            raise ValueError(_nonsense(data))
    hours = data[2]
    if hours & 0x40:  # 12-hour mode; bit 5 is PM
        hour = _bcd(hours & 0x1F, data)
        if not 1 <= hour <= 12:
            raise ValueError(_nonsense(data))
        hour = hour % 12 + (12 if hours & 0x20 else 0)
    else:
        hour = _bcd(hours, data)
    second, minute = _bcd(data[0], data), _bcd(data[1], data)
    day, month = _bcd(data[4], data), _bcd(data[5] & 0x1F, data)
    year = 2000 + _bcd(data[6], data) + (100 if data[5] & 0x80 else 0)
    if second > 59 or minute > 59 or hour > 23 or not 1 <= data[3] <= 7 or not 1 <= month <= 12:
        raise ValueError(_nonsense(data))
    days = platform.days(year, month, day)
    if not platform.days(year, month, 1) <= days < platform.days(year, month + 1, 1):
        raise ValueError(_nonsense(data))
    seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
    if not 0 <= seconds - not_before <= _MOST:
        said = "DS3231: it says %d-%02d-%02d, which can't be; it is set once the time is known"
        raise ValueError(said % (year, month, day))
    return seconds


def registers(seconds):
    """Unix seconds -> 7 bytes for 0x00; ValueError outside of 2000-03-01 to 2099-12-31."""
    days = seconds // 86400 - _FIRST
    year = (4 * days + 3) // 1461  # they begin in March here
    day = days - 365 * year - year // 4
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5
    month += 3
    if month > 12:
        month -= 12
        year += 1
    if days < 0 or year > 99:
        raise ValueError("DS3231: it can't be set to %d" % seconds)
    rest = seconds % 86400
    weekday = (days + 2) % 7 + 1  # 1 is Monday
    values = rest % 60, rest // 60 % 60, rest // 3600, weekday, day + 1, month, year
    return bytes([value // 10 << 4 | value % 10 for value in values])


def _bcd(byte, data):
    if byte & 15 > 9 or byte > 0x99:
        raise ValueError(_nonsense(data))
    return (byte >> 4) * 10 + (byte & 15)


def _nonsense(data):
    return "DS3231: %s is no date and time; check the wires" % "".join(["%02x" % byte for byte in data[:7]])


class Chip:
    """On a machine.I2C. All raise OSError or ValueError with a sentence."""

    def __init__(self, i2c):
        self._i2c = i2c

    def read(self):
        """Unix seconds."""
        run = before = 0
        problem = ValueError("DS3231: its looks never agree; check the wires")  # type: Exception
        for _ in range(_TRIES):
            try:
                seconds = parse(self._i2c.readfrom_mem(_ADDRESS, 0, 16), clock.BUILD_TIME)
            except (OSError, ValueError) as error:
                run, problem = 0, error if isinstance(error, ValueError) else OSError(_SILENT)
                continue
            run = run + 1 if run and 0 <= seconds - before <= 1 else 1
            if run == _AGREE:
                return seconds
            before = seconds
        raise problem

    def write(self, seconds):
        """Set it, and look whether it took that."""
        try:
            self._i2c.writeto_mem(_ADDRESS, 0, registers(seconds))
            self._i2c.writeto_mem(_ADDRESS, _CONTROL, _RUN)
        except OSError:
            raise OSError(_SILENT)
        if not 0 <= self.read() - seconds <= 1:
            raise ValueError("DS3231: it can't be set; check the wires")


def meet(bus, seconds=None):
    """The board takes the time from the chip on this bus, or the chip that of the board. What fails is said, once.

    seconds: the UTC that the board's clock was just set to; None: the board starts.
    """
    try:
        chip = Chip(platform.i2c(bus))
        try:
            kept = chip.read()
        except ValueError as error:
            say("clock:", error)
            kept = None
        if seconds is None and kept is not None:
            clock.set_utc(kept, "ds3231")
        elif seconds is not None or clock.quality() == "set":
            if seconds is None:  # after a reset, which the system clock outlived
                seconds = clock.now()
            if kept is None or not -1 <= kept - seconds <= 1:
                chip.write(seconds)
                say("clock: the DS3231 is set")
    except (OSError, ValueError) as error:
        say("clock:", error)
