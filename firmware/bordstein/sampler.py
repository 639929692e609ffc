"""Reads the sensors, each at its own interval, and puts what is due in the same second into one pack.

Each sensor has a task of its own, so that one which fails or hangs holds up nobody: a round waits ROUND_MS for its
sensors at most; who comes later gets a pack of his own. The times of each series strictly increase: with the series,
they are what the gateway knows a reading by.
"""

import asyncio

from micropython import const

from bordstein import clock, senml
from bordstein.log import say
from bordstein.sensor import Sensor

ROUND_MS = const(3000)
_STANDSTILL_S = const(300)
_SAMPLE_S = const(20)
_MEET_MS = const(100)  # tasks that are due in the same second have all begun by then


class Round:
    """What was measured from one moment on; time: uptime in seconds."""

    def __init__(self, time):
        self.time = time
        self.open = True
        self.pending = 0
        self.sensors = []  # that gave something
        self.measurements = []
        self.complete = asyncio.Event()


class Sampler:
    """sensors: {id: options with "bus" resolved}; store(payload, readings) takes a finished pack."""

    def __init__(self, sensors, store):
        self.sensors = {name: Sensor(name, options) for name, options in sensors.items()}
        self._store = store
        self._round = None
        self.lost = 0  # readings that could not be spooled
        self.grid_s = 1  # a board that sleeps reads only when it is awake, at multiples of that

    def alive(self):
        """Does each sensor's task make progress, whatever comes of it?"""
        return all(clock.uptime() - sensor.touched < _STANDSTILL_S for sensor in self.sensors.values())

    async def run(self):
        """For ever."""
        tasks = [asyncio.create_task(self._live(sensor)) for sensor in self.sensors.values()]
        try:
            while True:
                await asyncio.sleep(3600)
        finally:
            for task in tasks:
                task.cancel()

    async def _live(self, sensor):
        await sensor.until_awake()
        while True:
            try:
                sensor.touched = clock.uptime()
                await sensor.prepare()
                await sensor.until_due()
                if sensor.ready:
                    mine = self._join()
                    self._deliver(sensor, mine, await sensor.read())
                if not sensor.ready:
                    await sensor.rest()
            except Exception as error:  # noqa: BLE001  # ours, not the sensor's; no reason to stop it for good
                sensor.failed(error)
                await sensor.rest()

    def _join(self):
        now = clock.uptime()
        mine = self._round
        if mine is None or not mine.open or mine.time != now:
            mine = self._round = Round(now)
            asyncio.create_task(self._close(mine))
        mine.pending += 1
        return mine

    def _deliver(self, sensor, mine, values):
        measurements = []
        for name, value in values or ():
            try:
                series = sensor.name + (name if name[0] == "." else "/" + name)
                measurements.append(senml.measurement(series, value))
            except (KeyError, TypeError) as error:
                sensor.refuse("%s can't be sent: %s" % (name, error))
        if not mine.open:
            self._spool(clock.uptime(), [sensor], measurements)
            return
        if measurements:
            mine.sensors.append(sensor)
            mine.measurements.extend(measurements)
        mine.pending -= 1
        if not mine.pending:
            mine.complete.set()

    async def _close(self, mine):
        await asyncio.sleep_ms(_MEET_MS)
        if mine.pending:
            mine.complete.clear()
            try:
                await asyncio.wait_for_ms(mine.complete.wait(), ROUND_MS - _MEET_MS)
            except asyncio.TimeoutError:
                pass
        mine.open = False
        self._spool(mine.time, mine.sensors, mine.measurements)

    def _spool(self, time, sensors, measurements):
        if not measurements:
            return
        time = max([time] + [sensor.last_uptime + 1 for sensor in sensors])
        utc = None
        now = clock.now()  # whatever it is good for: what stands in its file is then ahead of it
        if clock.quality() == "set":
            utc = max([now - clock.uptime() + time] + [sensor.free_utc() for sensor in sensors])
        for sensor in sensors:
            sensor.last_uptime, sensor.last_utc = time, utc or 0
        if utc is not None:
            payload = senml.pack(measurements, utc)
        else:
            payload = senml.pack(measurements, clock.utc_of(time), time)
        try:
            self._store(payload, len(measurements))
        except Exception as error:  # noqa: BLE001  # flash, or memory; the next round may work again
            self.lost += len(measurements)
            say("sampler: %d readings are lost, they could not be spooled: %s" % (len(measurements), error))

    # Deep sleep

    def slow_down(self):
        """From now on each sensor is read once a wake-up at most, as long as the board is awake as well."""
        for sensor in self.sensors.values():
            sensor.least_s = self.grid_s

    def served(self):
        """Was everything that is due read and spooled, or tried in vain?"""
        return not (self._round and self._round.open) and all(sensor.served() for sensor in self.sensors.values())

    def moved(self):
        """Was there a change that is to be told at once?"""
        return any(sensor.moved() for sensor in self.sensors.values())

    def keep(self):
        """What resume() takes after deep sleep; fit for JSON."""
        times = [[sensor.last_uptime, sensor.last_utc] for sensor in self.sensors.values()]
        kept = {name: sensor.keep() for name, sensor in self.sensors.items()}
        return [self.lost, max([time[0] for time in times] + [-1]), max([time[1] for time in times] + [0]), kept]

    def resume(self, slept):
        """Go on with what keep() gave."""
        self.lost, uptime, utc, kept = slept
        for name, sensor in self.sensors.items():
            sensor.last_uptime, sensor.last_utc = uptime, utc
            if name in kept:
                sensor.resume(kept[name])

    # Commands

    async def sample(self, name=None):
        """Read this sensor, or all, now; ends when all is spooled. Returns (ids read, ids that failed); KeyError."""
        asked = [self.sensors[name]] if name else list(self.sensors.values())
        before = [(sensor, sensor.attempts, sensor.errors) for sensor in asked]
        for sensor in asked:
            sensor.ask()
        begun = clock.uptime()
        while not all(sensor.attempts > attempts or sensor.errors > errors for sensor, attempts, errors in before):
            await asyncio.sleep_ms(100)
            # What is set up only now, or sleeps between two readings, warms up first.
            if clock.uptime() - begun >= _SAMPLE_S + max([sensor.warm_up_s() for sensor in asked] + [0]):
                break
        while self._round and self._round.open:
            await asyncio.sleep_ms(100)
        read = [sensor.name for sensor, attempts, errors in before if sensor.attempts > attempts and sensor.ready]
        return read, [sensor.name for sensor in asked if sensor.name not in read]

    def set_interval(self, name, seconds):
        """KeyError when there is no such sensor."""
        self.sensors[name].set_interval(seconds)

    def intervals(self):
        """Seconds between two readings, by sensor; 0 as long as the driver could not be loaded."""
        grid = self.grid_s
        return {name: -(-(sensor.interval_s or 0) // grid) * grid for name, sensor in self.sensors.items()}

    def errors(self):
        """Reads that failed since the start, by sensor."""
        return {name: sensor.errors for name, sensor in self.sensors.items()}
