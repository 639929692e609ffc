"""Counting the pulses of a contact, without its bouncing, and those that wake the board from deep sleep."""

import asyncio

_OPEN_MS = 1000  # a contact that is closed longer than that is stuck
_LOOK_MS = 20
# One more than this is still a small integer of 31 bits: a larger one would be allocated, which an interrupt can't.
_RING = (1 << 29) - 1


class Counter:
    """Debounced counter. `edge` runs in the interrupt, `take` outside; no pulse is lost between them. Pure."""

    def __init__(self, debounce_ms, diff):
        self.debounce_ms = debounce_ms
        self._diff = diff
        self._last = None  # time of the last edge, counted or not
        self._count = 0  # only the interrupt writes it
        self._taken = 0  # only `take` writes it
        self.pin = None

    def edge(self, now):
        """An edge at time `now` (ticks). A bouncing contact's edges push the end of the dead time on."""
        quiet = self.quiet(now)
        self._last = now
        if quiet:
            self._count = (self._count + 1) & _RING

    def take(self):
        """Pulses since the last take."""
        count = self._count
        pulses = (count - self._taken) & _RING
        self._taken = count
        return pulses

    def quiet(self, now):
        """Is the dead time of the last edge over?"""
        return self._last is None or not 0 <= self._diff(now, self._last) < self.debounce_ms


def listen(platform, options, debounce_ms):
    """A Counter that counts the edges on options["pin"] from now on."""
    from bordstein import clock

    counter = Counter(options.get("debounce_ms", debounce_ms), clock.ticks_diff)
    if options.get("wake") and platform.woken_by_pin():
        counter.edge(clock.ticks_ms())  # nobody listened to the one that woke the board
    pin = platform.pin(options["pin"], "in", "up")

    def edge(_pin, edge=counter.edge, ticks_ms=clock.ticks_ms):
        edge(ticks_ms())

    pin.irq(edge, pin.IRQ_RISING if options.get("edge") == "rising" else pin.IRQ_FALLING)
    counter.pin = pin  # an interrupt's pin must not be collected
    return counter


class PulseDriver:
    """A driver that counts pulses, without what they mean: that adds DEBOUNCE_MS and `read`.

    `wake` in its options: a pulse wakes the board from deep sleep, and is counted.
    """

    DEBOUNCE_MS = 50

    def __init__(self, options, platform):
        self._options = options
        self._platform = platform
        self._counter = None
        self._before = 0  # pulses that were counted before the board slept
        self._closed = False  # it slept with the contact closed, so that its opening woke it: that is no pulse

    async def setup(self):
        if self._counter is None:  # a new counter would lose what was counted
            self._counter = listen(self._platform, self._options, self.DEBOUNCE_MS)

    def _take(self):
        """Pulses since the last take. OSError."""
        if self._counter is None:
            raise OSError("pulse counter: not set up yet")
        pulses, self._before = self._before + self._counter.take(), 0
        return pulses

    def keep(self):
        if not self._options.get("wake"):  # else lie_down() has looked, and what came since then wakes the board
            self._before = self._take()
        return [self._before, self._closed]

    def resume(self, kept):
        self._before = kept[0]
        if kept[1] and self._platform.woken_by_pin():
            self._before -= 1

    async def lie_down(self):
        """Before deep sleep: (pin object, level) of the next pulse, once the contact is open and bounces no more."""
        from bordstein import clock

        counter = self._counter  # type: ignore[var-annotated]
        pin, level = counter.pin, 1 if self._options.get("edge") == "rising" else 0
        begun = clock.ticks_ms()
        while True:
            now = clock.ticks_ms()
            waited = clock.ticks_diff(now, begun)
            self._closed = pin.value() == level
            if waited >= _OPEN_MS if self._closed else counter.quiet(now) or waited >= counter.debounce_ms:
                self._before = self._take()
                if self._closed or pin.value() != level:  # else a pulse came in this very moment
                    break
            await asyncio.sleep_ms(_LOOK_MS)
        return pin, level ^ self._closed  # stuck: its opening is waited for, or the board would never sleep
