"""A02YYUW on a UART (DFRobot SEN0311): quantity distance in m; ten frames a second.

For a gauge, `level` in m and the option `zero_mm` in the scenario do as well: distance = zero - level.
"""

from simulated.uart import UartChip


class Chip(UartChip):
    PERIOD_MS = 100

    def __init__(self, spec, name, faults):
        super().__init__(spec, name, faults)
        columns = spec.get("replay", {}).get("columns", {})
        self.QUANTITIES = ("level",) if "level" in columns or "level" in spec.get("values", {}) else ("distance",)

    def frame(self):
        if self.QUANTITIES == ("level",):
            distance = self.spec["zero_mm"] - self.wanted("level") * 1000
        else:
            distance = self.wanted("distance") * 1000
        # A few millimetres of waves.
        distance = int(distance + 0.5) + self.faults.random.below(2 * self.spec.get("waves_mm", 0) + 1)
        distance -= self.spec.get("waves_mm", 0)
        frame = b"\xff" + min(max(distance, 0), 65535).to_bytes(2, "big")
        return frame + bytes((sum(frame) & 0xFF,))
