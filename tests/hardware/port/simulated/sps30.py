"""SPS30 on I2C (Sensirion data sheet): quantities pm1, pm2_5, pm4, pm10 in µg/m³; a measurement each second.

Options in the scenario: `version` (0x0202), `status` (the low word of its status register).
"""

from simulated import world
from simulated.sensirion import SensirionChip, floats


class Chip(SensirionChip):
    QUANTITIES = ("pm1", "pm2_5", "pm4", "pm10")
    ADDRESS = 0x69

    def power_on(self):
        self._next = None
        self._format = None

    def command(self, command, arguments):
        now = world.elapsed_ms()
        if command == 0xD304:
            self.power_on()
        elif command == 0xD100:
            return [self.spec.get("version", 0x0202)]
        elif command == 0x0010:
            self._format = arguments[0]
            self._next = now + 1000
        elif command == 0xD206:
            return [0, self.spec.get("status", 0)]
        elif command == 0x0202:
            return [1 if self._next is not None and now >= self._next and not self.faults.on("busy") else 0]
        elif command == 0x0300 and self._next is not None and self._format == 0x0300:
            self._next = now + 1000
            # Numbers of particles and their size behind the masses: nobody asks for them here.
            return floats(*[self.wanted(quantity) for quantity in self.QUANTITIES], 0, 0, 0, 0, 0, 0.5)
        return None
