"""Commands: each id exactly one result. For MicroPython."""
# again: 31-bit

import asyncio
import json
import os

import flash
import virtual_time

virtual_time.install(0)

from bordstein import platform  # noqa: E402
from bordstein.commands import Commands  # noqa: E402


class Driver:
    async def calibrate(self, what):
        if what != "dry":
            raise ValueError("it can calibrate dry")
        await asyncio.sleep(5)
        return {"raw_dry": 2300}


class Deaf:
    async def calibrate(self, what):
        await asyncio.sleep(100)


Driver.WARM_UP_S = Deaf.WARM_UP_S = 0


class Sensor:
    ready = True
    attempts = errors = 0

    def __init__(self, sampler, name, driver=None):
        self.sampler = sampler
        self.name = name
        self.driver = driver

    def ask(self):
        self.sampler.asked.append(self.name)
        asyncio.create_task(self._read())

    async def _read(self):
        await asyncio.sleep(2)
        if self.name == "dust":
            self.errors += 1
        else:
            self.attempts += 1


class Sampler:
    round = None

    def __init__(self):
        drivers = {"air": None, "dust": Deaf(), "soil": Driver()}
        self.sensors = {name: Sensor(self, name, driver) for name, driver in drivers.items()}
        self.asked = []
        self.intervals = {}

    def set_interval(self, name, seconds):
        self.intervals[name] = seconds


class Bench:
    """Gives commands and collects what comes back."""

    def __init__(self, fresh=True):
        if fresh:
            flash.mount()
        self.results = []
        self.events = []
        self.sampler = Sampler()
        self.commands = Commands(self.sampler, self._publish, self._restart, lambda: self.events.append("changed"))

    async def _publish(self, topic, payload):
        assert topic == "command/result"
        self.results.append(json.loads(payload))
        await asyncio.sleep_ms(100)
        self.events.append("published")

    async def _restart(self):
        self.events.append("restart")

    def give(self, *commands):
        async def main():
            tasks = []
            for command in commands:
                payload = command if isinstance(command, bytes) else json.dumps(command).encode()
                tasks.append(asyncio.create_task(self.commands.handle(payload)))
            for task in tasks:
                await task

        asyncio.run(main())
        return self.results


def test_sample_reads_one_or_all():
    bench = Bench()
    (result,) = bench.give({"id": "c1", "do": "sample"})
    assert (
        result["ok"] and sorted(result["result"]["read"]) == ["air", "soil"] and result["result"]["failed"] == ["dust"]
    )
    assert bench.give({"id": "c2", "do": "sample", "sensor": "air"})[-1]["ok"]
    refused = bench.give({"id": "c3", "do": "sample", "sensor": "dust"})[-1]
    assert refused["ok"] is False and "dust" in refused["error"]
    assert sorted(bench.sampler.asked[:3]) == ["air", "dust", "soil"] and bench.sampler.asked[3:] == ["air", "dust"]


def test_interval_is_set_and_told():
    bench = Bench()
    assert bench.give({"id": "1", "do": "interval", "sensor": "air", "seconds": 30}) == [{"id": "1", "ok": True}]
    assert bench.sampler.intervals == {"air": 30} and "changed" in bench.events


def test_what_is_wrong_gets_a_sentence_and_changes_nothing():
    for command, word in (
        ({"do": "explode"}, "reboot, identify, sample, interval, log, calibrate, certificate and decommission"),
        ({}, "None"),
        ({"do": "interval", "sensor": "wind", "seconds": 5}, "air, dust, soil"),
        ({"do": "interval", "sensor": "air"}, "whole number"),
        ({"do": "interval", "sensor": "air", "seconds": 0}, "1 to 86400"),
        ({"do": "interval", "sensor": "air", "seconds": "30"}, '"30"'),
        ({"do": "interval", "sensor": "air", "seconds": True}, "true"),
        ({"do": "interval", "sensor": ["air"], "seconds": 5}, "no sensor"),
        ({"do": "sample", "sensor": None}, "no sensor"),
        ({"do": "identify", "seconds": 100000}, "600"),
        ({"do": "calibrate", "sensor": "wind", "what": "dry"}, "no sensor"),
        ({"do": "calibrate", "sensor": "air", "what": "dry"}, "nothing that could be calibrated"),
        ({"do": "calibrate", "sensor": "soil"}, "it can calibrate dry"),
        ({"do": "calibrate", "sensor": "dust"}, "within the limit"),
        ({"do": "decommission"}, "id of this board"),
        ({"do": "decommission", "device": "020000000001"}, "id of this board"),
    ):
        bench = Bench()
        command["id"] = "x"
        results = bench.give(command)
        assert len(results) == 1 and results[0]["ok"] is False and word in results[0]["error"], (command, results)
        assert not bench.sampler.intervals and "restart" not in bench.events and "wipe" not in os.listdir()


def test_without_a_usable_id_nothing_is_done():
    bench = Bench()
    for payload in (b"", b"{", b"[]", b"7", b'"x"', b"null", b'{"do":"reboot"}', b'{"id":7,"do":"reboot"}',
                    b'{"id":"","do":"reboot"}', b'{"id":"%s","do":"reboot"}' % (b"x" * 65), b"\xff"):  # fmt: skip
        assert bench.give(payload) == []
    assert bench.events == []


def test_a_repeated_id_is_answered_again_and_not_done_again():
    bench = Bench()
    command = {"id": "a", "do": "sample"}
    bench.give(command)
    assert bench.give(command) == [bench.results[0]] * 2
    assert len(bench.sampler.asked) == 3


def test_the_same_id_twice_at_once_is_done_and_answered_once():
    bench = Bench()
    command = {"id": "a", "do": "sample"}
    assert len(bench.give(command, command)) == 1
    assert len(bench.sampler.asked) == 3


def test_only_the_last_eight_are_remembered():
    bench = Bench()
    for i in range(9):
        bench.give({"id": "c%d" % i, "do": "sample", "sensor": "air"})
    bench.give({"id": "c1", "do": "sample", "sensor": "air"})
    assert len(bench.sampler.asked) == 9
    bench.give({"id": "c0", "do": "sample", "sensor": "air"})
    assert len(bench.sampler.asked) == 10


def test_reboot_tells_its_result_first_and_is_not_done_again_after_the_restart():
    bench = Bench()
    command = {"id": "r", "do": "reboot"}
    assert bench.give(command) == [{"id": "r", "ok": True}]
    assert bench.events == ["published", "restart"]
    again = Bench(fresh=False)
    assert again.give(command) == [{"id": "r", "ok": True}]
    assert again.events == ["published"]


def test_calibrate_says_what_is_kept():
    bench = Bench()
    assert bench.give({"id": "k", "do": "calibrate", "sensor": "soil", "what": "dry"}) == [
        {"id": "k", "ok": True, "result": {"raw_dry": 2300}}
    ]


def test_decommission_is_ordered_for_good_before_its_result_and_restarts_after_it():
    bench = Bench()
    bench.events = Events(bench.events)
    device = platform.device_id()
    assert bench.give({"id": "d", "do": "decommission", "device": device}) == [{"id": "d", "ok": True}]
    assert bench.events == ["wipe ordered", "published", "restart"]


class Events(list):
    def append(self, event):
        if event == "published" and "wipe" in os.listdir():
            super().append("wipe ordered")
        super().append(event)


def test_identify_blinks_and_ends_dark():
    bench = Bench()
    seen = []
    platform.led = seen.append

    async def main():
        await bench.commands.handle(b'{"id":"i","do":"identify","seconds":3}')
        assert bench.results == [{"id": "i", "ok": True}]
        await asyncio.sleep(5)

    asyncio.run(main())
    assert seen.count(True) == 6 and seen[-1] is False
