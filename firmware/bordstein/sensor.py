"""One sensor in the sampler's hands: loads its driver, sets it up, reads it within a limit, and counts what fails.

Where a pin switches its power, a sensor that fails twice in a row is switched off for a while.
"""

import asyncio

from micropython import const

from bordstein import clock, platform, sensors
from bordstein.log import say

_LIMIT_S = const(15)  # for setting up, and for reading beyond the warm-up
_FIRST_PAUSE_S = const(2)
_LONGEST_PAUSE_S = const(600)
_OFF_S = const(3)  # until a sensor without power has forgotten everything
_ON_MS = const(500)
_TURN_S = const(60)  # pauses are counted in ticks, plans in uptime: look again at least so often


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
        self.options = options
        self._sample_s = options.get("sample_s", 0)  # it is read so often between two reports; 0: a reading is one
        self.least_s = 1  # it is not read more often
        self.derived = None  # what makes reports of readings; None: they are
        self.power = None  # the pin that switches it on
        self.values = None  # the last reading as the driver gave it, and how often it was the same
        self._same = 0
        self.warm = False
        self.asked = False  # read now, whatever the plan says
        self.failures = 0  # in a row
        self._wake = asyncio.Event()
        self._watcher = None
        self.touched = 0  # uptime at which its task last did something
        self.set_up = False  # once, whatever came then
        self.slept = None  # type: list | None  # what rest.py kept of it over deep sleep

    def ask(self):
        """Read as soon as possible: at once, also in a pause after a failure."""
        self.asked = True
        self._wake.set()

    def set_interval(self, seconds):
        self.interval_s = seconds
        self.due = self._next_due()
        self._wake.set()

    def free_utc(self):
        """The first second of UTC without a reading of it; after a clock that was put back a little, one to come."""
        if self.last_uptime < 0:
            return 0
        free = (self.last_utc or clock.utc_of(self.last_uptime)) + 1
        return free if free - clock.now() <= clock.JUMP_S else 0  # or these times were wrong

    def _next_due(self):
        # Multiples of the interval: sensors with the same interval meet in one round.
        step = max(self._sample_s or self.interval_s, self.least_s)
        return (clock.uptime() // step + 1) * step

    async def prepare(self):
        """Load and set up the driver, again and again until it works, with growing pauses."""
        while not self.ready:
            try:
                if self.driver is None:
                    self._load()
                if self.power is not None:
                    await self._switch_on(self.power)
                if hasattr(self.driver, "RESETS"):
                    self.warm = False
                await asyncio.wait_for_ms(self.driver.setup(), _LIMIT_S * 1000)
                if self.slept and not self.set_up and self.slept[6] is not None:
                    known, self.slept[6] = self.slept[6], None
                    self.driver.resume(known)
                self.set_up = self.ready = True
            except Exception as error:  # noqa: BLE001
                self.failed(error)
                await self.rest()
                continue
            if not self.warm and not self.options.get("sleep"):
                # What a sensor says while it warms up is no measurement.
                await asyncio.sleep(self.driver.WARM_UP_S)
            self.warm = True

    def _load(self):
        options = self.options
        if "power" in options:
            self.power = platform.pin(options["power"], "out")
        driver = sensors.load(options["driver"])(options, platform)
        self._sample_s = self._sample_s or getattr(driver, "SAMPLE_S", 0)
        if self._sample_s or "suppress_below" in options:
            from bordstein.derived import Derived

            self.derived = Derived(options)
            if self.slept and self.slept[5] is not None:
                self.derived.resume(self.slept[5])
        self.interval_s = self.interval_s or driver.INTERVAL_S
        self.driver = driver

    async def _switch_on(self, power):
        if self.failures > 1:
            power.value(0)
            self.warm = False
            await asyncio.sleep(_OFF_S)
        power.value(1)
        await asyncio.sleep_ms(_ON_MS)

    async def until_due(self):
        """Wait for the next reading: its time, a change that the driver saw, or ask()."""
        if self._watcher is None and hasattr(self.driver, "wait"):
            self._watcher = asyncio.create_task(self._watch())
        while self.ready and not self.asked and self.due > clock.uptime():
            await self.pause(self.due * 1000 - clock.uptime_ms())

    async def _watch(self):
        try:
            await self.driver.wait()  # type: ignore[union-attr]
        except Exception as error:  # noqa: BLE001
            self.failed(error)
        self._watcher = None
        self.ask()

    async def read(self):
        """What the driver measured: a list of (property, value); None after a failure, which is counted."""
        asked, self.asked = self.asked, False
        values = None
        try:
            slot = clock.uptime() // self.interval_s
            driver = self.driver  # type: ignore[var-annotated]
            values = await asyncio.wait_for_ms(driver.read(), (_LIMIT_S + driver.WARM_UP_S) * 1000)
            self.failures = 0
            self.due = self._next_due()
            self._look_at(values, getattr(driver, "STUCK_AFTER", 0))
            if self.derived:
                values = self.derived.take(values, slot, asked)
        except Exception as error:  # noqa: BLE001
            self.failed(error)
        self.attempts += 1
        return values

    def _look_at(self, values, limit):
        """Count a chip whose readings never change as a failure; they are sent all the same, the gateway marks them."""
        self._same = self._same + 1 if values == self.values else 1
        self.values = values
        if self._same == limit:
            self._same = 0
            self.failures = 1  # one more, and it is switched off
            self.failed("%d times the very same values: stuck?" % limit)

    def failed(self, error):
        """Count a failure. The chip may have lost its settings, so it is set up again before the next reading."""
        self.ready = False
        self.failures += 1
        self.refuse("no answer within the limit" if isinstance(error, asyncio.TimeoutError) else error)

    def refuse(self, error):
        """Count a value that is none."""
        self.errors += 1
        say("sensor %s: %s" % (self.name, error))

    async def rest(self):
        """The pause after a failure: the longer, the more there were in a row; ask() ends it."""
        pause = min(_FIRST_PAUSE_S << min(self.failures - 1, 10), _LONGEST_PAUSE_S) if self.failures else 1
        end = clock.uptime() + pause
        while not self.asked and clock.uptime() < end:
            await self.pause((end - clock.uptime()) * 1000)
        self.asked = False

    async def pause(self, ms):
        """Wait so long, or until ask()."""
        self.touched = clock.uptime()
        self._wake.clear()
        try:
            await asyncio.wait_for_ms(self._wake.wait(), min(ms, _TURN_S * 1000))
        except asyncio.TimeoutError:
            pass
