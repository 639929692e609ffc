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
        self.round = None
        self.lost = 0  # readings that could not be spooled
        self.grid_s = 1  # a board that sleeps reads only when it is awake, at multiples of that
        self.before = None  # coroutine function, awaited with each sensor before it is set up

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
        if self.before:
            await self.before(sensor)
        while True:
            try:
                sensor.touched = clock.uptime()
                await sensor.prepare()
                await sensor.until_due()
                if sensor.ready:
                    mine = self._join(sensor)
                    self._deliver(sensor, mine, await sensor.read())
                if not sensor.ready:
                    await sensor.rest()
            except Exception as error:  # noqa: BLE001  # ours, not the sensor's; no reason to stop it for good
                sensor.failed(error)
                await sensor.rest()

    def _join(self, sensor):
        now = clock.uptime()
        mine = self.round
        # Who was asked in the second in which it was due gives two readings, and each needs a time of its own.
        if mine is None or not mine.open or mine.time != now or sensor in mine.sensors:
            mine = self.round = Round(now)
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

    # Commands

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
