"""QMC5883P magnetometer as a register file (QST data sheet): quantity `occupied`, as rm3100, whose field it measures.

Options in the scenario: those of rm3100, and `chip_id`.
"""

from simulated import rm3100, world


class Chip(rm3100.Chip):
    def power_on(self):
        self.registers[0x00] = self.spec.get("chip_id", 0x80)
        self._due = None
        self._present = None
        self._moved = 0

    def written(self, register, value):
        if register in (0x0A, 0x0B, 0x29):
            self.registers[register] = value
        if register == 0x0A and value & 3 == 2:
            self._due = world.elapsed_ms() + 10

    def before_read(self, register):
        if self._due is not None and world.elapsed_ms() >= self._due and not self.faults.on("busy"):
            self._due = None
            status = 1
            gauss = (30, 12, 8, 2)[self.registers[0x0B] >> 2 & 3]
            for axis, field in enumerate(self.field()):
                counts = int(field * {30: 10, 12: 25, 8: 37.5, 2: 150}[gauss])
                if abs(counts) > 32767:
                    status = 3
                self.registers[1 + 2 * axis : 3 + 2 * axis] = (counts & 0xFFFF).to_bytes(2, "little")
            self.registers[0x09] = status
        elif 1 <= register < 7:
            self.registers[0x09] = 0
