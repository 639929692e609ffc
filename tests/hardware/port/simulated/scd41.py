"""SCD41 (Sensirion data sheet): quantities co2 ppm, temperature °C, humidity %RH; a measurement each 5 s.

While it measures it takes no commands but those to stop and to read.
"""

import errno

from simulated import world
from simulated.sensirion import SensirionChip, ticks

_PERIOD_MS = 5000


class Chip(SensirionChip):
    QUANTITIES = ("co2", "temperature", "humidity")
    ADDRESS = 0x62

    def power_on(self):
        self._next = None  # time of the next measurement; None: idle
        self._idle_from = 0
        self.altitude = 0
        self.self_calibration = 1

    def command(self, command, arguments):
        now = world.elapsed_ms()
        if command == 0x3F86:
            self._next = None
            self._idle_from = now + 500
            return None
        if now < self._idle_from or (self._next is not None and command not in (0xEC05, 0xE4B8)):
            raise OSError(errno.ENODEV)
        if command == 0x3682:
            return [0xF896, 0x9F07, 0x3BBE]
        if command == 0x2427:
            self.altitude = arguments[0]
        elif command == 0x2416:
            self.self_calibration = arguments[0]
        elif command == 0x21B1:
            self._next = now + _PERIOD_MS
        elif command == 0xE4B8:
            ready = self._next is not None and now >= self._next and not self.faults.on("busy")
            return [0x8006 if ready else 0x8000]
        elif command == 0xEC05 and self._next is not None and now >= self._next:
            self._next = now + _PERIOD_MS
            return [
                int(self.wanted("co2")),
                ticks(self.wanted("temperature"), -45, 175),
                ticks(self.wanted("humidity"), 0, 100),
            ]
        return None
