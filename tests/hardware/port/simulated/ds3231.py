"""DS3231 clock (Maxim data sheet): quantity temperature in °C, of its own sensor.

Its battery keeps it going over power cuts, that is over world.load() in one process, and with the option `battery`
(the path of a file) over processes too. `"battery": false`: there is none, each start finds it stopped at 2000-01-01.
"""

import time

from simulated import board
from simulated.registers import RegisterChip

_CONTROL, _STATUS, _TEMPERATURE = 0x0E, 0x0F, 0x11
_EOSC, _OSF = 0x80, 0x80

_kept = {}  # name: what a chip without a file leaves for its next life


class Chip(RegisterChip):
    def __init__(self, spec, name, faults):
        spec.setdefault("address", 0x68)
        self._file = spec.get("battery")
        super().__init__(spec, name, faults)

    def power_on(self):
        self.registers[3:7] = b"\x01\x01\x01\x00"
        self.registers[_CONTROL], self.registers[_STATUS] = 0x1C, 0x88
        self._seen = board.host_seconds()  # up to when the registers have counted
        kept = self._load()
        if kept:
            self._seen, self.registers[:] = kept
            if self.registers[_CONTROL] & _EOSC:  # it stood still while the supply was gone
                self.registers[_STATUS] |= _OSF
                self._seen = board.host_seconds()
        temperature = int(self.spec.get("values", {}).get("temperature", 25) * 4)
        self.registers[_TEMPERATURE] = temperature >> 2 & 0xFF
        self.registers[_TEMPERATURE + 1] = (temperature & 3) << 6

    def i2c_write(self, data):
        self._count()
        super().i2c_write(data)
        if len(data) > 1:
            self._store()

    def written(self, register, value):
        if register == _STATUS:  # the flags can only be cleared
            value = value & 0x08 | self.registers[_STATUS] & value & 0x83
        self.registers[register] = value

    def before_read(self, register):
        self._count()

    def _count(self):
        """The registers go on by the seconds that have passed."""
        now = board.host_seconds()
        passed, self._seen = now - self._seen, now
        r = self.registers
        if not passed:
            return
        twelve = r[2] & 0x40
        hour = _number(r[2] & 0x1F) % 12 + (12 if r[2] & 0x20 else 0) if twelve else _number(r[2] & 0x3F)
        century = r[5] >> 7
        days = board.days(2000 + 100 * century + _number(r[6]), _number(r[5] & 0x1F), _number(r[4]))
        before = days
        total = ((days * 24 + hour) * 60 + _number(r[1])) * 60 + _number(r[0]) + passed
        year, month, day, hour, minute, second = time.gmtime(total)[:6]
        r[0], r[1], r[4], r[6] = _digits(second), _digits(minute), _digits(day), _digits(year % 100)
        r[5] = _digits(month) | (0x80 if year >= 2100 else 0)
        r[2] = 0x40 | (0x20 if hour >= 12 else 0) | _digits(hour % 12 or 12) if twelve else _digits(hour)
        r[3] = (r[3] - 1 + total // 86400 - before) % 7 + 1

    def _load(self):
        """(seconds up to which it had counted, registers), or None."""
        if self._file is None:
            return _kept.get(self.name)
        try:
            with open(self._file, "rb") as file:
                return int(file.readline()), file.read()
        except (OSError, ValueError, TypeError):
            return None

    def _store(self):
        if self._file is None:
            _kept[self.name] = self._seen, bytes(self.registers)
        elif self._file:
            with open(self._file, "wb") as file:
                file.write(b"%d\n" % self._seen)
                file.write(self.registers)


def _number(byte):
    return (byte >> 4) * 10 + (byte & 15)


def _digits(number):
    return number // 10 << 4 | number % 10
