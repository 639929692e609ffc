"""BH1750 (ROHM data sheet): quantity illuminance in lx; counts 1.2 a lx at measurement time 69."""

from simulated import world
from simulated.world import BaseChip


class Chip(BaseChip):
    QUANTITIES = ("illuminance",)

    def __init__(self, spec, name, faults):
        super().__init__(spec, name, faults)
        self.address = spec.get("address", 0x23)
        self._time = 69
        self._on = False
        self._raw = 0
        self._done = None

    def i2c_write(self, data):
        command = data[0]
        if command == 0x01:
            self._on = True
        elif command & 0xF8 == 0x40:
            self._time = (command & 7) << 5 | self._time & 0x1F
        elif command & 0xE0 == 0x60:
            self._time = self._time & 0xE0 | command & 0x1F
        elif command == 0x20:
            self._done = world.elapsed_ms() + 180 * self._time // 69

    def i2c_read(self, count):
        if self._done is not None and world.elapsed_ms() >= self._done:
            self._raw = min(int(self.wanted("illuminance") * 1.2 * self._time / 69 + 0.5), 0xFFFF)
            self._done = None
        return self.faults.transfer(self._raw.to_bytes(2, "big"))
