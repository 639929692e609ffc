"""A whole board that sleeps, from start to start, in virtual time: chips, flash and RTC memory are simulated below the
firmware, broker and gateway are a model. For tests in MicroPython, which import this before the firmware.
"""

import asyncio
import gc
import json
import os

import flash
import virtual_time

virtual = virtual_time.install(virtual_time.WRAP - 5000)

from lives import StandIn, use  # noqa: E402
from simulated import board as chip  # noqa: E402
from simulated import world  # noqa: E402
from simulated.flashdisk import RamDisk  # noqa: E402

from bordstein import app, clock, platform  # noqa: E402
from bordstein.ranges import Ranges  # noqa: E402

BEGIN = clock.BUILD_TIME + 86400  # true time at the first start
BUSES = {"i2c0": {"type": "i2c", "id": 0, "scl": 22, "sda": 21}, "w1": {"type": "onewire", "pin": 4}}
MQTT = {"host": "127.0.0.1", "ca": "ca.der", "cert": "device.der", "key": "device.key.der"}
ROAD = {"driver": "ds18b20", "bus": "w1", "property": "road_surface_temperature", "interval_s": 600}
ROAD_CHIP = {"chip": "ds18b20", "name": "road", "bus": "onewire:4", "values": {"temperature": 3.5}}


class _Collector:
    """The collector, when it is needed: hundreds of starts with much to look through take too long otherwise."""

    collect = gc.collect

    def threshold(bytes):
        pass


app.gc = _Collector


class Reset(SystemExit):
    """What ends a start, as a reset does: at once."""


def _reset(code):
    raise Reset(code)


chip._exit = _reset


def true_time():
    return BEGIN + virtual.now_ms // 1000


class Town:
    """Broker and gateway.

    there: is the broker reached? answering: does the gateway? readings: {series: {time: value}}; packs: their numbers;
    told: the last [(topic, message)]; queue: what waits on the broker for the board; kept: what is retained there.
    """

    def __init__(self):
        self.there = self.answering = True
        self.readings = {}
        self.packs = Ranges()
        self.told = []
        self.queue = []
        self.kept = {}
        self.connections = 0
        self.doubled = 0
        self.twice = []  # times that a series used once more, which no board may do
        self.update = self.report = None  # the last word of a release, and of a configuration

    def take(self, payload):
        pack = json.loads(payload)
        number = pack[0]["v"], pack[1]["v"]
        base = pack[0].get("bt")
        if self.packs.count(number[0], number[1], number[1]):
            self.doubled += 1
            return number
        self.packs.add(number[0], number[1], number[1])
        for record in pack[2:]:
            if record["n"] == "clock":
                continue
            # Without a base time, times count from now (RFC 8428 section 4.5.3).
            time = true_time() + record.get("t", 0) if base is None else base
            known = self.readings.setdefault(record["n"], {})
            if time in known:  # an exception would only be one of its link's to the board, which goes on after it
                self.twice.append((record["n"], time, number))
            known[time] = record.get("v", record.get("vb"))
        return number

    def states(self):
        return [message for topic, message in self.told if topic == "state"]

    def series(self, name):
        """[(time, value)] of a series, in order."""
        return sorted(self.readings.get(name, {}).items())


class Link(StandIn):
    town = None
    asked = None  # (offset, length) -> the piece of a release
    last_contact = 0

    def __init__(self, *, on_message, **_):
        self._on_message = on_message
        self.on_connect = []
        self.flight = []

    def bring(self, topic, payload):
        self.last_contact = clock.ticks_ms()
        self._on_message("x/" + topic, payload)

    async def run(self):
        town = Link.town
        while True:
            await asyncio.sleep(2)
            if town.there and not self.connected:
                self.connected = True
                self.session += 1
                town.connections += 1
                self.last_contact = clock.ticks_ms()
                for told in self.on_connect:
                    told(True)
                await asyncio.sleep_ms(50)
                for topic, payload in town.kept.items():
                    self.bring(topic, payload)
                while town.queue:
                    self.bring(*town.queue.pop(0))
            elif not town.there:
                self.connected = False

    async def publish(self, topic, payload, retain=False):
        self.flight.append(topic)
        try:
            await asyncio.sleep_ms(50)
            while not Link.town.there:
                await asyncio.sleep(1)
            topic = topic.split("/", 3)[3]
            if topic == "readings":
                asyncio.create_task(self._answer(Link.town.take(payload)))  # noqa: RUF006
            elif topic == "release/get":
                wanted = json.loads(payload)
                self.bring("release/data", Link.asked(wanted["offset"], wanted["length"]))
            else:
                message = json.loads(payload)
                Link.town.told.append((topic, message))
                del Link.town.told[:-100]
                if topic == "config/reported":
                    Link.town.report = message
                elif topic == "state":
                    Link.town.update = message.get("update", Link.town.update)
        finally:
            self.flight.pop()

    async def _answer(self, number):
        await asyncio.sleep_ms(300)
        town = Link.town
        if town.answering and town.there:
            receipt = {"boot": number[0], "from": number[1], "seq": number[1], "time": true_time()}
            self.bring("receipt", json.dumps(receipt).encode())


use(Link)


class Board:
    """What stays of a board over its starts. drift: per cent by which its clock runs fast while it sleeps."""

    def __init__(self, config, chips, blocks=64, drift=0):
        self.disk = RamDisk(blocks, 4096)
        self.drift = drift
        self.town = Link.town = Town()
        flash.mount(flash.blank(self.disk))
        for name in ("ca.der", "device.der", "device.key.der"):
            open(name, "w").close()
        config = dict({"mqtt": MQTT, "buses": BUSES}, **config)
        with open("config.json", "w") as file:
            json.dump(config, file)
        self._chips = chips
        self.power_cut()

    def power_cut(self):
        """The next start is by power; RTC memory and clock are as after that."""
        chip.start({}, "power-on")
        world.load({"chips": self._chips})

    def start(self, seconds=7200, cause=None, script=None):
        """One start, until the board resets or sleeps and its sleep is over, or the time; returns the App.

        cause: of this start, instead of that which ended the last one.
        """
        if cause:
            chip.cause = chip._CAUSES[cause]
            chip.woken_by = 0
        platform._buses.clear()
        chip.wake_pin = None
        self.slept_s = 0
        self.awake_s = virtual.now_ms
        running = None

        def asleep(ms, sleep=chip.sleep):
            self.awake_s = (virtual.now_ms - self.awake_s) // 1000
            begun = virtual.now_ms
            try:
                sleep(ms * 100 // (100 + self.drift))  # the timer goes by the same clock
            finally:
                self.slept_s = (virtual.now_ms - begun + 500) // 1000
                chip._rtc_offset += self.slept_s * self.drift // 100

        def restart(reason):
            chip.cause = reason
            if reason != chip._CAUSES["deep-sleep"]:
                chip.woken_by = 0
            raise Reset(reason)

        chip.sleep, before = asleep, chip.sleep
        chip.restart = restart
        self.ended = False
        try:
            running = app.App()

            async def main():
                asyncio.create_task(running.run())  # noqa: RUF006
                if script:
                    asyncio.create_task(script(running))  # noqa: RUF006
                await asyncio.sleep(seconds)

            asyncio.run(main())
        except Reset:
            self.ended = True
        finally:
            chip.sleep = before
            while asyncio.core._task_queue.peek():
                asyncio.core._task_queue.pop()
            if running:
                running.spool._close()
        assert not self.town.twice, ("one time used twice", self.town.twice)
        return running

    def live(self, seconds):
        """Starts, one after the other, for so long; returns how many."""
        end = virtual.now_ms + seconds * 1000
        starts = 0
        while virtual.now_ms < end:
            self.start()
            starts += 1
        return starts


def numbers(ranges):
    """{(boot, seq)} of Ranges."""
    return {(boot, seq) for boot, first, last in ranges.runs for seq in range(first, last + 1)}


def files():
    return sorted(os.listdir())
