"""DNMS noise module: quantities laeq, lamin, lamax in dB; ready 15 ms after it was told to calculate."""

from simulated import world
from simulated.sensirion import SensirionChip, floats


class Chip(SensirionChip):
    QUANTITIES = ("laeq", "lamin", "lamax")
    ADDRESS = 0x55

    def power_on(self):
        self._done = None

    def command(self, command, arguments):
        now = world.elapsed_ms()
        if command == 1:
            self.power_on()
        elif command == 2:
            text = (self.spec.get("version", "DNMS Version 2.0") + "\0" * 18).encode()[:18]
            return [text[i] << 8 | text[i + 1] for i in range(0, 18, 2)]
        elif command == 3:
            self._done = now + 15
        elif command == 4:
            return [1 if self._done is not None and now >= self._done and not self.faults.on("busy") else 0]
        elif command == 5:
            return floats(*[self.wanted(quantity) for quantity in self.QUANTITIES])
        return None
