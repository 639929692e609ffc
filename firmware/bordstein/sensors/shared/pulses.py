"""Counting the pulses of a contact, without its bouncing."""

_RING = (1 << 30) - 1  # the counter never grows into a big integer, which an interrupt could not allocate


class Counter:
    """Debounced counter. `edge` runs in the interrupt, `take` outside; no pulse is lost between them. Pure."""

    def __init__(self, debounce_ms, diff):
        self._debounce_ms = debounce_ms
        self._diff = diff
        self._last = None  # time of the last edge, counted or not
        self._count = 0  # only the interrupt writes it
        self._taken = 0  # only `take` writes it
        self.pin = None

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


def listen(platform, options, debounce_ms):
    """A Counter that counts the edges on options["pin"] from now on."""
    from bordstein import clock

    counter = Counter(options.get("debounce_ms", debounce_ms), clock.ticks_diff)
    pin = platform.pin(options["pin"], "in", "up")

    def edge(_pin, edge=counter.edge, ticks_ms=clock.ticks_ms):
        edge(ticks_ms())

    pin.irq(edge, pin.IRQ_RISING if options.get("edge") == "rising" else pin.IRQ_FALLING)
    counter.pin = pin  # an interrupt's pin must not be collected
    return counter
