"""RM3100 magnetometer as a register file (PNI user manual): quantity `occupied` (0 or 1, or a share of a car).

The field is the earth's, plus a slow drift, a little noise and, when occupied, what a car's steel adds. A car needs two
seconds to come or go. Options in the scenario: `field_ut`, `car_ut` (vectors in µT), `drift_ut`, `drift_s` (period).
"""

import math

from simulated import world
from simulated.registers import RegisterChip

_EARTH_UT = (18.9, 1.1, 45.2)  # Münster, Germany: horizontal 19 µT, down 45 µT
_CAR_UT = (-7.5, 4.0, 21.0)
_ARRIVAL_MS = 2000
_REG_FIELD = 0x24
_REG_STATUS = 0x34


class Chip(RegisterChip):
    QUANTITIES = ("occupied",)

    def power_on(self):
        self.registers[0x04:0x0A] = b"\x00\xc8" * 3
        self.registers[0x0B] = 0x96
        self.registers[0x35] = 0x1B
        self.registers[0x36] = self.spec.get("revision", 0x22)
        self._due = None  # time at which the running measurement ends
        self._present = None  # share of a car over the bay
        self._moved = 0

    def written(self, register, value):
        if register == 0x00:
            if value & 0x70 and not self.registers[0x01] & 1:
                self._start()
        elif register == 0x01:
            self.registers[register] = value
            if value & 1:
                self._start()
        elif 0x04 <= register < 0x0C:
            self.registers[register] = value

    def _cycles(self, axis):
        return self.registers[0x04 + 2 * axis] << 8 | self.registers[0x05 + 2 * axis]

    def _start(self):
        # About 11.5 µs a cycle and axis: 7 ms for three axes at 200 cycles.
        self._due = world.elapsed_ms() + 1 + sum(self._cycles(axis) for axis in range(3)) * 115 // 10000
        self.registers[_REG_STATUS] = 0

    def before_read(self, register):
        if self._due is not None and world.elapsed_ms() >= self._due and not self.faults.on("busy"):
            for axis, field in enumerate(self.field()):
                # Gain by the manual: 20 counts per µT at 50 cycles, 38 at 100, 75 at 200.
                counts = int(field * self._cycles(axis) * 0.375)
                counts = min(max(counts, -(1 << 23)), (1 << 23) - 1) & 0xFFFFFF
                offset = _REG_FIELD + 3 * axis
                self.registers[offset : offset + 3] = counts.to_bytes(3, "big")
            self.registers[_REG_STATUS] = 0x80
            self._due = None
        elif _REG_FIELD <= register < _REG_STATUS:
            self.registers[_REG_STATUS] = 0  # fetching the results clears the flag
            if self.registers[0x01] & 1:
                self._start()

    def field(self):
        """The field over the bay now, in µT."""
        now = world.elapsed_ms()
        wanted = self.wanted("occupied")
        if self._present is None:
            self._present = wanted
        step = (now - self._moved) / _ARRIVAL_MS
        self._moved = now
        self._present += min(max(wanted - self._present, -step), step)
        turn = 2 * math.pi * now / 1000 / self.spec.get("drift_s", 3600)
        drift = self.spec.get("drift_ut", 0.8) * math.sin(turn)
        earth = self.spec.get("field_ut", _EARTH_UT)
        car = self.spec.get("car_ut", _CAR_UT)
        noise = self.faults.random
        return [earth[axis] + car[axis] * self._present + drift + (noise.below(61) - 30) / 1000 for axis in range(3)]
