"""A switch from a pin to ground: quantity `open`, 0 or 1; open, the pull-up makes the pin high."""

from simulated.world import BaseChip


class Chip(BaseChip):
    QUANTITIES = ("open",)

    def level(self):
        return 1 if not self.alive() or self.wanted("open") else 0

    def edges(self):
        return 0
