"""Virtual time for asyncio in MicroPython: where the loop would wait, a counter jumps ahead instead.

    import virtual_time
    time = virtual_time.install(start_ms=virtual_time.WRAP - 1000)   # before the code under test is imported or run
    asyncio.run(three_days())                                        # takes milliseconds
    time.now_ms                                                      # milliseconds since the install, never wraps

What is replaced: the scheduler's clock in `asyncio.core`, and the ticks of `bordstein.clock` (when it can be imported).
The firmware sees ticks that start at `start_ms` and wrap at 2**30, as on an ESP32; the Unix port's own practically
never wrap. asyncio's queue compares in the port's own period, so asyncio gets the counter without a wrap.

Sockets still work: they are polled before the counter jumps. Code that never waits does not move time; `advance(ms)`
does it by hand.
"""

import asyncio.core as core
import time

WRAP = 1 << 30  # the period of ticks_ms on an ESP32: 12.4 days

# asyncio's queue is written in C and stamps a task that is due at once with the real clock. Virtual time lies so far
# ahead of the real one that such a stamp is always in the past, hence due. With words of 32 bits the queue's ticks wrap
# after 12.4 days, so there the lead must stay small: what is more than _MOST_AHEAD_MS is taken back again and again.
_MASK = time.ticks_add(0, -1)
_AHEAD_MS = min(10**12, _MASK >> 4)
_MOST_AHEAD_MS = 2 * _AHEAD_MS if _MASK == WRAP - 1 else _MASK


class VirtualTime:
    def __init__(self, start_ms=0):
        self.start_ms = start_ms
        self.now_ms = 0  # since the install
        self._loop_base = time.ticks_ms() + _AHEAD_MS

    def advance(self, ms):
        """Jumps ahead by hand; tasks that are due then run when the loop next has its turn."""
        self.now_ms += ms

    # what asyncio gets

    def _loop_ticks(self):
        return (self._loop_base + self.now_ms) & _MASK

    def _wait(self, dt):
        if dt <= 0:
            return self._poll(dt)
        self._poll(0)
        task = core._task_queue.peek()
        if core.ticks_diff(task.ph_key, self._loop_ticks()) > 0:
            self.now_ms += dt
            lead = core.ticks_diff(self._loop_ticks(), time.ticks_ms())
            if lead > _MOST_AHEAD_MS:
                self._take_back(lead - _AHEAD_MS)

    def _take_back(self, ms):
        """Lets the loop's counter, and all that waits for it, be so much less. Nothing may be due yet but by time."""
        self._loop_base -= ms
        waiting = []
        while core._task_queue.peek():
            waiting.append(core._task_queue.pop())
        for task in waiting:
            core._task_queue.push(task, (task.ph_key - ms) & _MASK)

    # what the firmware gets

    def ticks_ms(self):
        return (self.start_ms + self.now_ms) & (WRAP - 1)

    def ticks_add(self, ticks, delta):
        return (ticks + delta) & (WRAP - 1)

    def ticks_diff(self, later, earlier):
        return ((later - earlier + WRAP // 2) & (WRAP - 1)) - WRAP // 2

    def install(self):
        """Takes over asyncio in this process. Undone only by the end of the process."""
        io = core._io_queue
        self._poll = io.wait_io_event
        io.wait_io_event = self._wait
        core.ticks = self._loop_ticks
        return self

    def drive(self, module):
        """Gives a module (`bordstein.clock`) these ticks, or the simulated RTC its seconds.

        To be called before other modules import the names from that one.
        """
        if hasattr(module, "host_seconds"):
            begin = module.host_seconds() - self.now_ms // 1000
            module.host_seconds = lambda: begin + self.now_ms // 1000
            module.pause = self.advance
            return self
        module.ticks_ms = self.ticks_ms
        module.ticks_add = self.ticks_add
        module.ticks_diff = self.ticks_diff
        module._last = self.ticks_ms()  # or uptime stands still until these ticks pass the real ones
        return self


def install(start_ms=0):
    """Makes asyncio, `bordstein.clock` and the simulated world (what of them can be imported) run in virtual time."""
    virtual = VirtualTime(start_ms).install()
    for name in ("bordstein.clock", "simulated.world", "simulated.board"):
        try:
            module = __import__(name, None, None, ("ticks_ms",))
        except ImportError:
            continue
        virtual.drive(module)
    return virtual
