"""A board that sleeps: wake up, sample, at every n-th wake-up connect, send, fetch what waits, and sleep again.

Configured by `sleep`; loaded only then. The board wakes up at multiples of `every_s` of its uptime, which goes on over
deep sleep, as do the boot number and the packs' numbers: a record in RTC memory keeps them. It is good for one wake-up;
any other start (power, watchdog, a mistake) finds none and is a boot of its own.

A wake-up that only samples loads no network. One that sends stays until the gateway has everything, whatever waits for
the board was fetched and done, and a second passed without news; or until nothing moved for `limit_s`. After a start by
power or reset button the board stays awake for `stay_s`: somebody may be standing there. It connects
* at every `send_each`-th wake-up; after a failure less and less often, each quarter of a day at least,
* at once when a value moved (`sample_s` with `deadband`, or true and false that changed),
* at its start, and in safe mode, unless dips of the supply led to that.
"""

import asyncio
import json
from binascii import crc32

from micropython import const

from bordstein import clock, log, platform, rest, retained
from bordstein.guard import SAFE_S
from bordstein.log import say

_DOG_MS = const(120000)
_SAMPLING_S = const(100)  # awake without a connection, and surely before the watchdog bites
_TURN_MS = const(100)
_QUIET_MS = const(1000)
_LONGEST_S = const(3600)  # awake at a stretch, whatever still moves
_LATE_MS = const(1000)  # the clock that wakes the board knows no more than seconds
_LEAST_MS = const(2000)
_RARELY_S = const(21600)
_URGENT = const(3)  # failures in a row after which what moved waits as well
_ENDS = ("done", "failed", "refused")  # of an update
_BY_HAND = ("power-on", "hard", "soft")


def woken():
    """The record of the sleep that this start ends, or None. It is gone then."""
    data = retained.load(retained.CYCLE)
    retained.store(retained.CYCLE, b"")
    try:
        return json.loads(data) if data else None
    except ValueError:
        return None


class Cycle:
    """app: App. options: section `sleep`. slept: of woken()."""

    def __init__(self, app, options, slept):
        self._app = app
        self._every_s = options["every_s"]
        self._each = options["send_each"]
        self._limit_s = options["limit_s"]
        self._stay_s = 0
        self._slept = slept or {}
        self._fails = self._slept.get("fails", 0)
        self._next = self._slept.get("next", 0)  # uptime of the next connection
        self._flushed = self._slept.get("flushed", 0)  # uptime since which packs may wait in RTC memory
        self._seen = self._slept.get("seen", [0, 0])  # check sums of the last configuration and release that came
        if not slept:
            retained.store(retained.CYCLE, b"")  # of a sleep that something else ended
            if app.guard.reset in _BY_HAND:
                self._stay_s = options["stay_s"]
        # Where the supply gives way again and again, the radio may be what is too much for it.
        self.sends = app.guard.reset != "brown-out" if app.guard.safe else clock.uptime() >= self._next
        app.sampler.grid_s = self._every_s
        if not self._stay_s:
            rest.slow_down(app.sampler)
        for name, sensor in app.config["sensors"].items():
            if sensor.get("wake") and not platform.can_wake(sensor["pin"]):
                sensor["wake"] = False
                said = "sensors.%s.wake: pin %d can't wake this chip; use another one, or another board"
                app.problems.append(said % (name, sensor["pin"]))
                say("config:", app.problems[-1])
        if slept:
            rest.resume(app.sampler, slept["sampler"])

    def is_news(self, place, payload):
        """Did this not come at an earlier one? What is retained comes again. place: 0 configuration, 1 release."""
        return not self._slept or crc32(payload or b"") != self._seen[place]

    def followed(self, place, payload):
        """This has been dealt with."""
        if place == 0 or (self._app.state.update or {}).get("result") in _ENDS:
            self._seen[place] = crc32(payload or b"")

    async def live(self):
        """Ends in deep sleep, whatever goes wrong: a board that is awake empties its battery."""
        data, wake = b"", None
        try:
            await self._stay()
            data, wake = await self._lie_down()
        except Exception as error:  # noqa: BLE001  # counted by the guard: the next start is a boot of its own
            log.trace(error)
            log.keep()
        retained.store(retained.CYCLE, data)
        if data:
            self._app.guard.ended(True)
        platform.deep_sleep(self._pause_ms(), wake)

    async def _stay(self):
        """Read, and send where it is time."""
        app = self._app
        if not self.sends:
            # Nobody feeds it: a wake-up that only samples is over before it bites.
            platform.watchdog(_DOG_MS)
            sampling = asyncio.create_task(app.sample())
            await self._until(lambda: rest.served(app.sampler), min(self._limit_s, _SAMPLING_S))
            if rest.moved(app.sampler) and self._fails < _URGENT:
                sampling.cancel()
                self.sends = True
                app.join()
        if self.sends:
            await self._send()

    async def _until(self, ready, limit_s):
        end = clock.uptime() + limit_s
        while not ready() and clock.uptime() < end:
            await asyncio.sleep_ms(_TURN_MS)

    async def _send(self):
        from bordstein import health

        app = self._app
        health.low(self._slept.get("heap"))
        if self._slept and _owes():  # at any other start all is told
            app.link.on_connect.append(lambda _: app.asked.set())
        asyncio.create_task(app.live())
        begun = moved = clock.uptime()
        waiting = 0
        met = False
        while True:
            await asyncio.sleep_ms(_TURN_MS)
            now = clock.uptime()
            served, packs, connected = rest.served(app.sampler), app.spool.packs, app.link.connected
            # Packs that come, and connections that come and go, are no progress: they would go on for ever.
            if packs < waiting or (connected and not met) or self._is_held() or (connected and app.at_work):
                moved = now
            waiting, met = packs, met or connected
            quiet = clock.ticks_diff(clock.ticks_ms(), app.link.last_contact) >= _QUIET_MS
            done = served and (app.link.idle or (connected and quiet and not packs and not self._is_busy()))
            if now - begun < self._stay_s or self._is_held():
                continue
            rest.slow_down(app.sampler)
            if done or now - moved >= self._limit_s or now - begun >= _LONGEST_S:
                break
        self._fails = 0 if done else self._fails + 1
        left = self._each
        if not done:
            say("cycle: the gateway does not have everything: %s" % (app.link.problem or "a receipt is missing"))
            most = max(self._each, _RARELY_S // self._every_s)
            left = min(self._each << min(self._fails - 1, 10), most)
        self._next = (clock.uptime() // self._every_s + left) * self._every_s

    def _is_held(self):
        """Is something under way that a wake-up could not go on with? A download goes on with the next offer."""
        app, update = self._app, self._app.update
        return app.trial is not None or (update is not None and not (update.fetching and not app.link.connected))

    def _is_busy(self):
        """Is there something left to be done, or not yet with the broker?"""
        app = self._app
        return app.asked.is_set() or app.at_work or app.link.flight or (app.commands and app.commands.busy())

    async def _lie_down(self):
        """(record to be kept over sleep, b"" for none; what ends the sleep, see rest.lie_down)."""
        app = self._app
        if self.sends:
            pause_s = SAFE_S if app.guard.safe else self._next - clock.uptime() + _LATE_MS // 1000
            await app.farewell("sleeping", clock.now() + pause_s if clock.quality() == "set" else None)
            if app.leaving or (app.commands and app.commands.restarts):  # a broker that is gone must not put it off
                await app.restart()
            await _switch_off()
        batch_s = app.config["spool"]["batch_s"]
        if not app.spool.batched:
            self._flushed = clock.uptime()
        elif clock.uptime() - self._flushed >= batch_s:
            self._flushed = clock.uptime()
            try:
                app.spool.flush()
            except OSError as error:  # it waits on in RTC memory
                say("cycle: flash does not take what waits: %r" % error)
        if app.guard.safe:
            app.guard.try_again()
            return b"", None
        heap = self._slept.get("heap")
        if self.sends:
            from bordstein import health

            heap = health.low()
        # The last that takes time: from now on a pulse is counted by waking the board, and by nothing else.
        wake = await rest.lie_down(app.sampler)
        record = {
            "spool": app.spool.rest(),
            "clock": clock.rest(),
            "sampler": rest.keep(app.sampler),
            "heap": heap,
            "next": self._next,
            "fails": self._fails,
            "seen": self._seen,
            "flushed": self._flushed,
            "reset": app.cause,
            "config": app.config.get("sum"),
        }
        return _packed(record), wake

    def _pause_ms(self):
        """How long to sleep."""
        if self._app.guard.safe:
            return SAFE_S * 1000
        return max(self._every_s * 1000 - clock.uptime_ms() % (self._every_s * 1000) + _LATE_MS, _LEAST_MS)


def _owes():
    """Is there the result of a command that could not be sent before the board slept?"""
    from bordstein import app, configstate

    try:
        return "result" in configstate.load()
    finally:
        del configstate
        app.forget("configstate")


def _packed(record):
    """The record as JSON (bytes). Where RTC memory has no room for it, what takes most of it is left out."""
    sensors = record["sampler"][3]
    while True:
        data = json.dumps(record, separators=(",", ":")).encode()
        if len(data) <= retained.capacity(retained.CYCLE):
            return data
        parts = [(len(json.dumps(kept[part])), name, part) for name, kept in sensors.items() for part in (5, 6)]
        size, name, part = max(parts) if parts else (0, "", 0)
        if size > len("null"):
            what = "what its driver knows" if part == 6 else "its reports"
            say("cycle: RTC memory has no room for %s: sensor %s begins anew with each wake-up" % (what, name))
            sensors[name][part] = None
        elif sensors:
            say("cycle: RTC memory has no room for %d sensors: each is read at every wake-up" % len(sensors))
            sensors.clear()
        else:
            return b""


async def _switch_off():
    """Before deep sleep: what draws current in the network interface; and net.keep() ends."""
    from bordstein import net

    interface, net.current = net.current, None
    if interface:
        try:
            await interface.off()
        except OSError as error:
            say("%s: %s" % (interface.name, error))
