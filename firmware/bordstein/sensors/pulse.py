"""Counts pulses on a pin (light barrier, reed contact, people counter) over the reporting interval.

Options: `pin`; `property` (pedestrian_count by default); `debounce_ms` (50): edges closer together than that are one
pulse's contact bouncing; `edge`: "falling" (default: contact to ground with the pin's pull-up) or "rising".
"""

_RING = (1 << 30) - 1  # the counter never grows into a big integer, which an interrupt could not allocate


class Counter:
    """Debounced counter. `edge` runs in the interrupt, `take` outside; no pulse is lost between them. Pure."""

    def __init__(self, debounce_ms, diff):
        self._debounce_ms = debounce_ms
        self._diff = diff
        self._last = None  # time of the last edge, counted or not
        self._count = 0  # only the interrupt writes it
        self._taken = 0  # only `take` writes it

    def edge(self, now):
        """An edge at time `now` (ticks). A bouncing contact's edges push the end of the dead time on."""
        last = self._last
        self._last = now
        if last is None or not 0 <= self._diff(now, last) < self._debounce_ms:
            self._count = (self._count + 1) & _RING

    def take(self):
        """Pulses since the last take."""
        count = self._count
        pulses = (count - self._taken) & _RING
        self._taken = count
        return pulses


class Driver:
    PROPERTIES = ("pedestrian_count",)
    WARM_UP_S = 0
    INTERVAL_S = 300

    def __init__(self, options, platform):
        self._options = options
        self._platform = platform
        self._property = options.get("property", self.PROPERTIES[0])
        self._pin = None
        self._counter = None

    async def setup(self):
        from bordstein import clock

        if self._counter is not None:
            return  # set up already: a new counter would lose what was counted
        counter = Counter(self._options.get("debounce_ms", 50), clock.ticks_diff)
        pin = self._platform.pin(self._options["pin"], "in", "up")

        def edge(_pin, edge=counter.edge, ticks_ms=clock.ticks_ms):
            edge(ticks_ms())

        pin.irq(edge, pin.IRQ_RISING if self._options.get("edge") == "rising" else pin.IRQ_FALLING)
        self._counter = counter
        self._pin = pin

    async def read(self):
        if self._counter is None:
            raise OSError("pulse counter: not set up yet")
        return [(self._property, self._counter.take())]

    def describe(self):
        return {"chip": "pulse", "pin": self._options["pin"]}
