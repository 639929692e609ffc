"""SHT3x (Sensirion data sheet): quantities temperature °C, humidity %RH; a measurement takes 15 ms."""

from simulated import world
from simulated.sensirion import SensirionChip, ticks


class Chip(SensirionChip):
    QUANTITIES = ("temperature", "humidity")
    ADDRESS = 0x44
    MEASURE_MS = 15
    SPANS = ((-45, 175), (0, 100))

    def power_on(self):
        self._done = None

    def command(self, command, arguments):
        if command == 0x30A2:
            self.power_on()
        elif command == 0xF32D:
            return [0x8010]
        elif command == 0x2400:
            return self.measure()
        return None

    def measure(self):
        done = world.elapsed_ms() + self.MEASURE_MS

        def fetch():
            if world.elapsed_ms() < done or self.faults.on("busy"):
                return None
            return [ticks(self.wanted(self.QUANTITIES[i]), *self.SPANS[i]) for i in (0, 1)]

        return fetch
