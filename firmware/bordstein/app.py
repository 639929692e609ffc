"""Wires the parts together and keeps them running. main.py calls run()."""

import asyncio
import gc
import sys

from micropython import const

import bordstein
from bordstein import clock, log, platform
from bordstein.guard import Guard
from bordstein.log import say

_ROOT = "bordstein/v1/"
_AFTER_CRASH_S = const(10)
_LONGEST_PAUSE_S = const(300)
_SNTP_EACH_S = const(21600)
_SNTP_RETRY_S = const(60)
_FAREWELL_MS = const(5000)
_SETTLE_S = const(5)
_GARBAGE = const(16384)


def run():
    """Run until Ctrl-C. After an error that nothing else caught, the board restarts."""
    try:
        asyncio.run(App().run())
    except KeyboardInterrupt:
        from bordstein import prompt

        prompt.hold_watchdog()
        say("bordstein: stopped for an hour; bordstein.app.run() starts again")
    except Exception as error:  # noqa: BLE001
        log.trace(error)
        log.keep()
        say("bordstein: restart in %d s; Ctrl-C stops here" % _AFTER_CRASH_S)
        clock.sleep_ms(_AFTER_CRASH_S * 1000)
        platform.reset()


def forget(*names):
    """Give back the memory of modules of ours, and of those below them; the next import loads them anew."""
    for name in names:
        name = "bordstein." + name  # here: each text that is made is looked for among all names there are
        for module in list(sys.modules):
            if module.startswith(name):
                del sys.modules[module]
                if hasattr(bordstein, module[10:]):
                    delattr(bordstein, module[10:])
    gc.collect()


async def look_up(host):
    """The address of a host; OSError."""
    from bordstein import net
    from bordstein.resolve import lookup

    try:
        return await lookup(host, net.dns_servers())
    finally:
        del lookup
        forget("resolve")  # needed once a connection, and TLS then needs much memory


class App:
    def __init__(self):
        # Collect early: a heap that fills up first is in crumbs afterwards.
        gc.threshold(_GARBAGE)
        self.guard = Guard()
        self.device = platform.device_id()
        self.topics = _ROOT + self.device + "/"
        say("bordstein %s, device %s, started by %s" % (bordstein.__version__, self.device, self.guard.reset))
        self._slept = None  # the record of the deep sleep that this start ends
        if self.guard.reset == "deep-sleep":
            from bordstein import cycle

            self._slept = cycle.woken()
        slept = self._slept or {}
        self.cause = slept.get("reset", self.guard.reset)  # why this boot began
        from bordstein import configstate

        config, self.problems, self.trial = configstate.settings(self.guard.reset, slept.get("config"))
        if slept and slept.get("config") != config.get("sum"):
            say("config: it changed while the board slept; that begins anew")
            self._slept, slept = None, {}
            self.cause = self.guard.reset
        del configstate
        forget("prompt", "config", "configstate", "trial", "wipe")  # needed once a start
        # Not before: the check of a configuration takes as much memory as all of them.
        from bordstein.sampler import Sampler
        from bordstein.spool import Spool

        self.config = config
        if self.guard.safe:
            self.problems.append("safe mode after %d starts that ended early: no sensor is read" % self.guard.unhealthy)
            config["sensors"] = {}
        for problem in self.problems:
            say("config:", problem)
        kept = config["spool"]
        self.spool = Spool(
            max_bytes=kept["max_kb"] * 1024,
            batch_ms=kept["batch_s"] * 1000,
            boot_above=clock.last_boot(),
            slept=slept.get("spool"),
        )
        clock.start(self.spool.boot, slept.get("clock"))
        if config["time"].get("ds3231"):
            clock.on_set = self._use_chip  # type: ignore[assignment]
            self._use_chip()
        self.sampler = Sampler(config["sensors"], self._store)
        self.asked = asyncio.Event()  # to tell which configuration runs
        self._wanted = b""  # the one that came and was not looked at yet
        self.at_work = 0  # commands and configurations that are being followed
        self.leaving = False  # a restart is under way
        self.commands = None  # loaded when the first one comes: most boards never get any
        self.update = None  # loaded while one is under way
        self.link = self.uplink = self.state = None
        self.cycle = None
        if config["sleep"]:
            from bordstein.cycle import Cycle

            self.cycle = Cycle(self, config["sleep"], self._slept)
        if self.cycle is None or self.cycle.sends:
            self.join()

    def join(self):
        """Make what talks to the town."""
        from bordstein import wiring
        from bordstein.state import State
        from bordstein.uplink import Uplink

        say("boot %d, %d packs wait, clock %s" % (self.spool.boot, self.spool.packs, clock.quality()))
        boot = self.spool.boot
        wiring.use_pins(self.config, self.problems)
        link = wiring.make_link(self.config, self.device, self.topics, boot, self._message, look_up, self.problems)
        del wiring
        forget("wiring")
        self.link = link
        self.uplink = Uplink(self.spool, link, self.device, self.topics + "readings")
        topic, board = self.topics + "state", self.config.get("board", "")
        self.state = State(self.spool, self.sampler, link, topic, board, self.cause)
        self.state.problems = self.problems
        if not link.idle:
            link.on_connect.append(self.state.refresh)
            link.on_connect.append(self.uplink.wake)
            if not self._slept:
                link.on_connect.append(lambda _: self.asked.set())

    def _use_chip(self, seconds=None):
        """The board takes its time from the clock chip at the start; the chip that of the board once it was set."""
        from bordstein import ds3231

        ds3231.meet(self.config["time"]["ds3231"]["bus"], seconds)
        forget("ds3231")

    async def run(self):
        """For ever, or until deep sleep."""
        await (self.cycle or self).live()

    async def live(self):
        """Everything at once, for ever."""
        from bordstein import net

        config = self.config
        jobs = [("sampler", self.sample), ("housekeeping", self._housekeeping), ("readiness", self._get_ready)]
        parts = [("sampler", self.sampler.alive)]
        interface = net.make(config["network"])
        if interface:
            jobs.append(("network", lambda: net.keep(interface, self.link.silent_s)))
        if config["time"].get("servers"):
            jobs.append(("time", self._ask_for_time))
        if not self.link.idle:
            jobs.append(("link", self.link.run))
            jobs.append(("uplink", self.uplink.run))
            jobs.append(("state", self.state.run))
            jobs.append(("health", self._tell_health))
            if not self._slept:
                jobs.append(("update", self._update))
            jobs.append(("configuration", self._configure))
            parts += [("link", self.link.alive), ("uplink", self.uplink.alive)]
        if self.trial:
            jobs.append(("trial", lambda: self.trial.run(self)))
        jobs.append(("guard", lambda: self.guard.run(parts, self.link, self.restart)))
        await asyncio.gather(*[keep(name, job) for name, job in jobs])

    async def sample(self):
        """Read the sensors, for ever."""
        if not self._slept:
            # Supplies settle. And no time is used twice: this is more than the clocks of two starts can differ.
            await asyncio.sleep(_SETTLE_S)
        await self.sampler.run()

    def _store(self, payload, readings):
        self.spool.append(payload, readings)
        if self.uplink:
            self.uplink.wake()

    def _message(self, topic, payload):
        if topic.endswith("/receipt"):
            if self.trial and self.trial.receipt(payload, self.spool.boot):
                return
            try:
                self.uplink.receipt(payload)
            except OSError as error:  # flash; what could not be deleted goes out again
                say("app: a receipt could not be followed:", error)
        elif topic.endswith("/command"):
            # In a task of its own: its result waits for a PUBACK, which the link has to be free to read.
            asyncio.create_task(self._command(payload))
        elif topic.endswith("/config"):
            if self.cycle is None or self.cycle.is_news(0, payload):
                self._wanted = payload
                self.asked.set()
        elif self.update:
            self.update.take(topic, payload)
        elif topic.endswith("/release") and payload and (self.cycle is None or self.cycle.is_news(1, payload)):
            asyncio.create_task(keep("update", lambda: self._update(payload)))

    async def _command(self, payload):
        if self.commands is None:
            from bordstein.commands import Commands

            self.commands = Commands(self.sampler, self.publish, self.restart, self.state.refresh)
        self.at_work += 1
        try:
            await self.commands.handle(payload)
        finally:
            self.at_work -= 1

    async def _update(self, offer=None):
        """A release is offered; None: after the start, how did the last update go?"""
        if self.update:  # two offers in a moment
            return self.update.take("", offer)
        from bordstein.update import Update

        self.update = Update(self)
        try:
            await self.update.run(offer)
        finally:
            self.update = None
            forget("update")
            if offer and self.cycle:
                self.cycle.followed(1, offer)

    async def publish(self, topic, payload, retain=False):
        """Below the board's own topic; returns when the broker has it."""
        await self.link.publish(self.topics + topic, payload, retain)

    async def _configure(self):
        """Tell which configuration runs, and follow the one that is wanted."""
        while True:
            await self.asked.wait()
            if not self._slept:
                await asyncio.sleep(_SETTLE_S)  # on a new connection the wanted one comes behind
            self.asked.clear()
            payload, self._wanted = self._wanted, b""
            self.at_work += 1
            try:
                from bordstein import wanted

                await wanted.follow(self, payload)
                if payload != b"" and self.cycle:
                    self.cycle.followed(0, payload)
                del wanted
            finally:
                self.at_work -= 1
                forget("wanted")  # needed once a connection

    async def _tell_health(self):
        from bordstein import health

        topic = self.topics + "health"
        await health.run(self.spool, self.sampler, self.link, self.state, self.device, topic, self.config["health_s"])

    async def _get_ready(self):
        """`init` until each sensor was tried once, then `ready`, or `alert` when the configuration has mistakes."""
        self.state.refresh()
        while not self._slept and not all(sensor.attempts or sensor.errors for sensor in self.sampler.sensors.values()):
            await asyncio.sleep(1)
        self.state.set("alert" if self.state.problems else "ready")

    async def _housekeeping(self):
        batch_s = self.config["spool"]["batch_s"]
        flushed = clock.uptime()
        while True:
            await asyncio.sleep(min(batch_s, 60) or 60)
            clock.poll()
            if batch_s and clock.uptime() - flushed >= batch_s:
                flushed = clock.uptime()
                self.spool.flush()
                self.uplink.wake()

    async def _ask_for_time(self):
        while True:
            from bordstein import sntp

            pause = _SNTP_RETRY_S
            for server in self.config["time"]["servers"]:
                try:
                    seconds = await sntp.query(server)
                except (OSError, ValueError) as error:
                    say("time: %s: %s" % (server, error))
                    continue
                if clock.set_utc(seconds, "sntp"):
                    pause = _SNTP_EACH_S
                    self.uplink.wake()
                    break
            del sntp
            forget("sntp", "resolve")  # needed every six hours
            await asyncio.sleep(pause)

    async def restart(self, why="it was told to"):
        """Say goodbye, keep what waits, restart."""
        say("app: restart,", why)
        self.leaving = True
        self.guard.ended()
        try:
            await self.farewell("disconnected")
        finally:
            try:
                self.spool.close()
            finally:
                platform.reset()

    async def farewell(self, word, wake=None):
        """Say with what state the board goes, and when it will be back; end the connection, if there is one."""
        self.state.word, self.state.wake = word, wake
        try:
            if self.link.connected:
                await asyncio.wait_for_ms(self.state.publish(), _FAREWELL_MS)
                await asyncio.wait_for_ms(self.link.close(), _FAREWELL_MS)
        except (OSError, asyncio.TimeoutError):
            pass


async def keep(name, job):
    """Run a coroutine function; when it dies, log that and start it again after a pause that grows."""
    pause = 1
    while True:
        begun = clock.uptime()
        try:
            await job()
            return
        except Exception as error:  # noqa: BLE001
            say("%s: stopped by an error, goes on in %d s" % (name, pause))
            log.trace(error)
        await asyncio.sleep(pause)
        pause = 1 if clock.uptime() - begun > _LONGEST_PAUSE_S else min(2 * pause, _LONGEST_PAUSE_S)
