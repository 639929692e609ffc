"""The sampler with good, dead, hanging and slow sensors, in virtual time that starts just before ticks wrap.

For MicroPython.
"""
# ruff: noqa: B905, RUF007  (MicroPython's zip has no strict, and there is no itertools)
# heapsize: 1M
# again: single, 31-bit

import asyncio
import sys

import flash
import virtual_time

time = virtual_time.install(virtual_time.WRAP - 5000)

from bordstein import clock, commands, platform  # noqa: E402
from bordstein.sampler import Sampler  # noqa: E402


class Driver:
    """A chip that does what the test tells it: `behaviour` maps a sensor's name to a coroutine function."""

    PROPERTIES = ("air_temperature",)
    WARM_UP_S = 0
    INTERVAL_S = 60
    setups = {}
    behaviour = {}

    def __init__(self, options, platform):
        self.name = options["id"]
        self.reads = 0

    async def setup(self):
        self.setups[self.name] = self.setups.get(self.name, 0) + 1
        if self.name.startswith("dead"):
            raise OSError(19, "no chip")

    async def read(self):
        self.reads += 1
        act = self.behaviour.get(self.name)
        if act:
            return await act(self.reads)
        return [("air_temperature", 800 + self.reads)]


class Module:
    pass


def provide(name, driver):
    module = Module()
    module.Driver = driver
    sys.modules["bordstein.sensors." + name] = module


provide("fake", Driver)


def sensors(**intervals):
    return {name: {"driver": "fake", "id": name, "interval_s": s} for name, s in intervals.items()}


def run(configuration, seconds, script=None, quality="set", keep=True):
    """Samples for so many virtual seconds; returns (packs as (time, {series: value}), if kept, and the sampler)."""
    flash.mount()
    platform.rtc_memory(b"")
    platform.rtc_utc = lambda: clock.BUILD_TIME + 100 if quality == "set" else 946684800
    platform.set_rtc = lambda utc: None
    clock.start(1)
    packs = []

    def store(payload, readings):
        head, *items = payload.decode().split(";")
        assert len(items) == readings
        if keep:
            packs.append((head, dict(item.split("=") for item in items)))
            assert len(packs[-1][1]) == readings, items  # no series twice at one time

    sampler = Sampler(configuration, store)

    async def main():
        task = asyncio.create_task(sampler.run())
        if script:
            await script(sampler)
        else:
            await asyncio.sleep(seconds)
        task.cancel()

    asyncio.run(main())
    return packs, sampler


def count(packs, series):
    return len([1 for _, items in packs if series + "/air_temperature" in items])


def increasing(packs):
    times = [int(head[1:].split(",")[0]) for head, _ in packs]
    return all(a < b for a, b in zip(times, times[1:]))


def test_each_sensor_has_its_own_interval_and_common_seconds_make_one_pack():
    packs, _ = run(sensors(a=10, b=20), 101)
    assert count(packs, "a") == 11 and count(packs, "b") == 6
    assert len(packs) == 11
    assert increasing(packs)


def test_a_dead_sensor_stops_nobody_and_is_counted_and_tried_with_growing_pauses():
    packs, sampler = run(sensors(good=10, dead=10), 3600)
    assert count(packs, "good") == 360 and count(packs, "dead") == 0
    errors = sampler.errors()
    assert errors["good"] == 0 and 8 <= errors["dead"] <= 16, errors


def test_a_hanging_sensor_delays_nobody():
    async def hang(reads):
        await asyncio.sleep(100000)

    Driver.behaviour = {"hung": hang}
    packs, sampler = run(sensors(good=10, hung=10), 600)
    assert count(packs, "good") == 60
    seconds = [int(head[1:]) for head, _ in packs]
    assert all(b - a == 10 for a, b in zip(seconds, seconds[1:])), seconds
    assert sampler.errors()["hung"] >= 3


def test_a_sensor_that_fails_once_is_set_up_and_read_again_at_once():
    async def once(reads):
        if reads == 3:
            raise OSError(5, "flipped bit")
        return [("air_temperature", reads)]

    Driver.behaviour = {"a": once}
    Driver.setups = {}
    packs, sampler = run(sensors(a=60), 600)
    assert count(packs, "a") == 10 and sampler.errors()["a"] == 1
    assert Driver.setups["a"] == 2
    assert increasing(packs)


def test_a_slow_sensor_gets_a_pack_of_its_own():
    async def slow(reads):
        await asyncio.sleep(7)
        return [("air_temperature", reads)]

    Driver.behaviour = {"slow": slow}
    packs, _ = run(sensors(quick=10, slow=20), 100)
    assert count(packs, "quick") == 10 and count(packs, "slow") == 5
    assert increasing(packs)
    assert not any(len(items) == 2 for _, items in packs)


def test_a_sensor_of_two_seconds_shares_the_round():
    async def slow(reads):
        await asyncio.sleep_ms(2000)
        return [("air_temperature", reads)]

    Driver.behaviour = {"slow": slow}
    packs, _ = run(sensors(quick=10, slow=10), 99)
    assert len(packs) == 10 and all(len(items) == 2 for _, items in packs)


def test_values_that_are_none_are_refused_and_counted():
    async def odd(reads):
        return [("air_temperature", 8.15), ("mood", 3), ("relative_humidity", 4000)]

    Driver.behaviour = {"odd": odd}
    packs, sampler = run(sensors(odd=60), 60)
    assert packs[0][1] == {"odd/relative_humidity": "40.00"}
    assert sampler.errors()["odd"] == 2


def test_a_driver_that_does_not_exist_stops_nobody():
    configuration = sensors(good=10)
    configuration["gone"] = {"driver": "no_such_driver", "interval_s": 10}
    packs, sampler = run(configuration, 100)
    assert count(packs, "good") == 10 and sampler.errors()["gone"] > 0


def test_flash_that_fails_costs_the_round_and_not_the_sampler():
    flash.mount()
    clock.start(1)
    calls = []

    def store(payload, readings):
        calls.append(payload)
        if len(calls) == 2:
            raise OSError(5)

    sampler = Sampler(sensors(a=10), store)

    async def main():
        task = asyncio.create_task(sampler.run())
        await asyncio.sleep(99)
        task.cancel()

    asyncio.run(main())
    assert len(calls) == 10 and sampler.lost == 1


def test_times_of_a_board_without_a_clock_are_uptimes_and_strictly_increase():
    packs, _ = run(sensors(a=1, b=3), 30, quality="unset")
    assert all(head[0] == "U" for head, _ in packs) and increasing(packs)


def test_more_packs_than_seconds_do_not_run_ahead_of_the_clock():
    def slow(seconds):
        async def read(number):
            await asyncio.sleep(seconds)
            return [("air_temperature", 100)]

        return read

    Driver.behaviour = {"b": slow(4), "c": slow(4), "d": slow(4)}
    now = []

    async def script(sampler):
        await asyncio.sleep(60)
        now.append(clock.now())

    packs, _ = run(sensors(a=1, b=5, c=5, d=5), 0, script)
    Driver.behaviour = {}
    assert count(packs, "b") >= 10 and len(packs) > 80
    assert max(int(head[1:]) for head, _ in packs) <= now[0]
    for name in "abcd":
        assert increasing([pack for pack in packs if name + "/air_temperature" in pack[1]])


def test_no_time_is_used_twice_when_the_clock_is_set_in_between_and_set_back():
    async def script(sampler):
        await asyncio.sleep(20)
        clock.set_utc(clock.BUILD_TIME + 5000, "receipt")
        await asyncio.sleep(20)
        clock.set_utc(clock.now() - 7, "sntp")
        await asyncio.sleep(20)

    packs, _ = run(sensors(a=1), 0, script, "unset")
    times = []
    for head, _ in packs:
        times.append(clock.birth(1) + int(head[1:].split(",")[0]) if head[0] == "U" else int(head[1:]))
    assert len(times) >= 58 and len(set(times)) == len(times) and times == sorted(times)


def test_a_clock_that_was_years_ahead_does_not_hold_the_times_of_readings_there():
    wrong = clock.BUILD_TIME + 5 * 365 * 86400
    right = clock.BUILD_TIME + 7000

    async def script(sampler):
        clock.set_utc(wrong, "sntp")
        await asyncio.sleep(20)
        clock.set_utc(right, "sntp")
        await asyncio.sleep(20)

    packs, _ = run(sensors(a=1), 0, script)
    times = [int(head[1:]) for head, _ in packs]
    assert any(time >= wrong for time in times) and right <= times[-1] < right + 40
    after = [time for time in times if time < wrong]
    assert after == sorted(set(after))


def test_a_command_to_sample_reads_now_and_says_what_failed():
    results = []

    async def script(sampler):
        await asyncio.sleep(5)
        results.append(await commands.sample(sampler, "a"))
        results.append(await commands.sample(sampler))

    packs, _ = run(sensors(a=3600, dead=3600), 0, script)
    assert results[0] == (["a"], [])
    assert results[1] == (["a"], ["dead"])
    assert count(packs, "a") == 3 and increasing(packs)


def test_a_command_to_sample_in_the_second_of_a_reading_gives_one_more_with_its_own_time():
    async def script(sampler):
        await asyncio.sleep_ms(60030 - clock.uptime_ms())
        await commands.sample(sampler)
        await asyncio.sleep(20)

    packs, sampler = run(sensors(one=60, two=60), 0, script)
    assert sampler.lost == 0 and increasing(packs) and [len(items) for _, items in packs[-2:]] == [2, 2], packs


def test_a_command_changes_the_interval_at_once():
    async def script(sampler):
        await asyncio.sleep(5)
        sampler.set_interval("a", 2)
        await asyncio.sleep(20)
        assert sampler.intervals() == {"a": 2}

    packs, _ = run(sensors(a=3600), 0, script)
    assert 10 <= count(packs, "a") <= 12


class Bay(Driver):
    """A sensor that tells when something changed."""

    PROPERTIES = ("parking_bay_occupied",)
    changes = ()

    def __init__(self, options, platform):
        super().__init__(options, platform)
        self.state = False
        self.told = False

    def _look(self):
        self.state = len([change for change in self.changes if change <= clock.uptime()]) % 2 == 1

    async def read(self):
        self._look()
        self.told = self.state
        return [("parking_bay_occupied", self.state)]

    async def wait(self):
        self._look()
        while self.state is self.told:
            await asyncio.sleep(1)
            self._look()


def test_an_event_sensor_is_read_on_change_and_as_a_heartbeat():
    provide("bay", Bay)
    Bay.changes = (100, 130, 500)
    configuration = {"bay": {"driver": "bay", "id": "bay", "heartbeat_s": 300}}
    packs, _ = run(configuration, 1000)
    begin = int(packs[0][0][1:])
    seen = [(int(head[1:]) - begin, items["bay/parking_bay_occupied"]) for head, items in packs]
    assert [when for when, _ in seen if when in (0, 300, 600, 900)] == [0, 300, 600, 900], seen
    changed = [when for when, _ in seen if when not in (0, 300, 600, 900)]
    assert len(changed) == 3 and all(0 <= a - b <= 1 for a, b in zip(changed, (100, 130, 500))), seen
    assert [value for _, value in seen] == ["f", "t", "f", "f", "t", "t", "t"], seen


def test_days_of_sampling_take_no_more_heap():  # once
    import gc

    marks = []

    async def script(sampler):
        for _ in range(6):
            await asyncio.sleep(20000)
            gc.collect()
            marks.append(gc.mem_alloc())

    flash.mount()
    clock.start(1)
    total = [0]

    def store(payload, readings):
        total[0] += readings

    sampler = Sampler(sensors(a=20, b=60, dead=60), store)

    async def main():
        task = asyncio.create_task(sampler.run())
        await script(sampler)
        task.cancel()

    asyncio.run(main())
    assert total[0] >= 6000 + 2000
    # A single look may find some that only looks like it is still in use.
    assert min(marks[3:]) - min(marks[:3]) < 2000, marks
