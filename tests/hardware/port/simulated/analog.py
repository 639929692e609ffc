"""An analogue probe on a pin: quantity `volts`. Dead, its line is pulled to the supply."""

from simulated.world import BaseChip


class Chip(BaseChip):
    QUANTITIES = ("volts",)

    def microvolts(self):
        if not self.alive():
            return 3300000
        # A real converter's last digits are never still.
        return int(self.wanted("volts") * 1000000) + self.faults.random.below(4001) - 2000
