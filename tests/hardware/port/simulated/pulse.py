"""A contact or light barrier on a pin: quantity `per_row`, how many pulses are spread over one row of the replay (or
over `step_s` seconds when the value is fixed). The option `scale` multiplies it.

`pulses` counts what was sent. The fault `noise` makes the contact bounce.
"""

from simulated import world

_GAP_MS = 200  # nobody walks through a barrier faster than that; cups of an anemometer do: option `gap_ms`


class Chip(world.BaseChip):
    QUANTITIES = ("per_row",)

    def __init__(self, spec, name, faults):
        super().__init__(spec, name, faults)
        self.pulses = 0
        self._gap_ms = spec.get("gap_ms", _GAP_MS)
        self._step_ms = int(spec.get("replay", spec).get("step_s", 1) * 1000)
        self._owed = 0.0
        self._seen = None  # until when the pulses owed are reckoned
        self._sent = None

    def edges(self):
        """How many falling edges come now: 0, 1, or with a bouncing contact some more. Ask every 100 ms or so."""
        now = world.elapsed_ms()
        before, self._seen = self._seen, now
        if before is None or not self.alive():
            return 0
        self._owed += self.wanted("per_row") * self.spec.get("scale", 1) * (now - before) / self._step_ms
        if self._owed < 1 or (self._sent is not None and now - self._sent < self._gap_ms):
            return 0
        self._owed -= 1
        self._sent = now
        self.pulses += 1
        return 1 + (1 + self.faults.random.below(4) if self.faults.on("noise") else 0)
