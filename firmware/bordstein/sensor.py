"""One sensor in the sampler's hands: loads its driver, sets it up, reads it within a limit, and counts what fails."""

import asyncio

from micropython import const

from bordstein import clock, platform
from bordstein.log import say

_LIMIT_S = const(15)  # for setting up, and for reading beyond the warm-up
_FIRST_PAUSE_S = const(2)
_LONGEST_PAUSE_S = const(600)
_TURN_S = const(60)  # pauses are counted in ticks, plans in uptime: look again at least so often


def load(driver):
    """The Driver class of a driver's name; ImportError when there is none."""
    return __import__("bordstein.sensors." + driver, None, None, ("Driver",)).Driver


class Sensor:
    """name: id in the configuration; options: its part of it, with options["bus"] the bus's own part."""

    def __init__(self, name, options):
        self.name = name
        self.interval_s = options.get("heartbeat_s") or options.get("interval_s")
        self.due = 0  # uptime in seconds of the next reading
        self.errors = 0  # since the start
        self.attempts = 0  # readings tried since the start
        self.last_uptime = -1  # times of its last reading; UTC is 0 while the clock is not set
        self.last_utc = 0
        self.ready = False
        self.driver = None  # type: ignore[var-annotated]
        self._options = options
        self._warm = False
        self._asked = False  # read now, whatever the plan says
        self._failures = 0  # in a row
        self._wake = asyncio.Event()
        self._watcher = None
        self.touched = 0  # uptime at which its task last did something

    def ask(self):
        """Read as soon as possible: at once, also in a pause after a failure."""
        self._asked = True
        self._wake.set()

    def set_interval(self, seconds):
        self.interval_s = seconds
        self.due = self._next_due()
        self._wake.set()

    def free_utc(self):
        """The first second of UTC without a reading of it; after a clock that was put back a little, one to come."""
        if self.last_uptime < 0:
            return 0
        free = max(self.last_utc, clock.utc_of(self.last_uptime)) + 1
        return free if free - clock.now() <= clock.JUMP_S else 0  # or these times were wrong

    def _next_due(self):
        # Multiples of the interval: sensors with the same interval meet in one round.
        return (clock.uptime() // self.interval_s + 1) * self.interval_s

    async def prepare(self):
        """Load and set up the driver, again and again until it works, with growing pauses."""
        while not self.ready:
            try:
                if self.driver is None:
                    self.driver = load(self._options["driver"])(self._options, platform)
                    self.interval_s = self.interval_s or self.driver.INTERVAL_S
                await asyncio.wait_for_ms(self.driver.setup(), _LIMIT_S * 1000)
                self.ready = True
            except Exception as error:  # noqa: BLE001
                self.failed(error)
                await self.rest()
                continue
            if not self._warm and not self._options.get("sleep"):
                # What a sensor says while it warms up is no measurement.
                await asyncio.sleep(self.driver.WARM_UP_S)
            self._warm = True

    async def until_due(self):
        """Wait for the next reading: its time, a change that the driver saw, or ask()."""
        if self._watcher is None and hasattr(self.driver, "wait"):
            self._watcher = asyncio.create_task(self._watch())
        while self.ready and not self._asked and self.due > clock.uptime():
            await self._pause(self.due - clock.uptime())

    async def _watch(self):
        try:
            await self.driver.wait()  # type: ignore[union-attr]
        except Exception as error:  # noqa: BLE001
            self.failed(error)
        self._watcher = None
        self.ask()

    async def read(self):
        """What the driver measured: a list of (property, value); None after a failure, which is counted."""
        self._asked = False
        values = None
        try:
            driver = self.driver  # type: ignore[var-annotated]
            values = await asyncio.wait_for_ms(driver.read(), (_LIMIT_S + driver.WARM_UP_S) * 1000)
            self._failures = 0
            self.due = self._next_due()
        except Exception as error:  # noqa: BLE001
            self.failed(error)
        self.attempts += 1
        return values

    def failed(self, error):
        """Count a failure. The chip may have lost its settings, so it is set up again before the next reading."""
        self.ready = False
        self._failures += 1
        self.refuse("no answer within the limit" if isinstance(error, asyncio.TimeoutError) else error)

    def refuse(self, error):
        """Count a value that is none."""
        self.errors += 1
        say("sensor %s: %s" % (self.name, error))

    async def rest(self):
        """The pause after a failure: the longer, the more there were in a row; ask() ends it."""
        pause = min(_FIRST_PAUSE_S << min(self._failures - 1, 10), _LONGEST_PAUSE_S) if self._failures else 1
        end = clock.uptime() + pause
        while not self._asked and clock.uptime() < end:
            await self._pause(end - clock.uptime())
        self._asked = False

    async def _pause(self, seconds):
        self.touched = clock.uptime()
        self._wake.clear()
        try:
            await asyncio.wait_for_ms(self._wake.wait(), min(seconds, _TURN_S) * 1000)
        except asyncio.TimeoutError:
            pass
