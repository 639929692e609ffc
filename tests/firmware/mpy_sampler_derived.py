"""Averages, changes, stuck readings and power pins, through the sampler in virtual time. For MicroPython."""
# heapsize: 1M
# again: single, 31-bit

import asyncio
import gc

import mpy_sampler
from mpy_sampler import Driver, provide, run
from simulated import board


class Bare(Driver):
    """Reads what the test says, in turn; what is no list is raised."""

    PROPERTIES = ("air_temperature", "presence", "pedestrian_count")
    INTERVAL_S = 60
    readings = ()
    setup_levels = []

    async def setup(self):
        self.setup_levels.append(board.levels.get(13))
        await super().setup()

    async def read(self):
        self.reads += 1
        found = self.readings[(self.reads - 1) % len(self.readings)]
        if isinstance(found, Exception):
            raise type(found)(*found.args)  # a new one: each raise makes one longer
        return found


class Stuck(Bare):
    STUCK_AFTER = 5


class Watched(Bare):
    SAMPLE_S = 2


class Reset(Bare):
    WARM_UP_S = 30
    RESETS = True


provide("bare", Bare)
provide("reset", Reset)
provide("stuck", Stuck)
provide("watched", Watched)


def one(driver="bare", **options):
    return {"x": dict(options, driver=driver, id="x")}


def series(packs, name):
    return [items[name] for _, items in packs if name in items]


def test_averages_of_each_interval_and_the_number_of_readings():
    Bare.readings = [[("air_temperature", value)] for value in (100, 200, 300, 400)]
    packs, sampler = run(one(interval_s=40, sample_s=10, statistics=True), 201)
    assert 5 <= len(packs) <= 6, packs
    assert series(packs, "x.count/taken")[1:5] == ["4"] * 4
    assert series(packs, "x/air_temperature")[1:5] == ["2.50"] * 4
    assert series(packs, "x.min/air_temperature")[1:5] == ["1.00"] * 4
    assert series(packs, "x.max/air_temperature")[1:5] == ["4.00"] * 4
    assert mpy_sampler.increasing(packs) and sampler.errors() == {"x": 0}


def test_a_state_goes_out_when_it_changes_and_as_a_heartbeat():
    Bare.readings = [[("presence", False)]] * 50 + [[("presence", True)]] * 50
    packs, _ = run(one("watched", interval_s=60), 200)
    assert series(packs, "x/presence")[:4] == ["f", "f", "t", "t"], packs
    times = [int(head[1:]) for head, _ in packs]
    changed = [times[i] for i in range(1, len(packs)) if packs[i][1] != packs[i - 1][1]]
    assert changed[0] - times[0] in (98, 99, 100, 101, 102), times


def test_a_level_goes_out_when_it_moved_and_as_a_heartbeat():
    Bare.readings = [[("air_temperature", value)] for value in [100] * 20 + [110] * 20 + [150] * 20]
    packs, _ = run(one(interval_s=600, sample_s=10, deadband=20), 601)
    assert series(packs, "x/air_temperature") == ["1.00", "1.50", "1.00"], packs


def test_small_counts_are_withheld():
    Bare.readings = [[("pedestrian_count", value)] for value in (9, 2, 0, 4)]
    packs, _ = run(one(interval_s=60, suppress_below=3), 181)
    assert [next(iter(items.items())) for _, items in packs][:4] == [
        ("x/pedestrian_count", "9"),
        ("x/count_withheld", "t"),
        ("x/pedestrian_count", "0"),
        ("x/pedestrian_count", "4"),
    ], packs


def test_nothing_of_it_is_loaded_where_nobody_asks():
    import sys

    Bare.readings = [[("air_temperature", 1)]]
    run(one(), 100)
    assert "bordstein.derived" not in sys.modules


def test_readings_that_never_change_are_counted_and_sent_all_the_same():
    Bare.readings = [[("air_temperature", 815)]]
    Bare.setup_levels = []
    packs, sampler = run(one("stuck", interval_s=10), 101)
    assert mpy_sampler.count(packs, "x") == 11
    assert sampler.errors() == {"x": 2}
    assert len(Bare.setup_levels) == 3
    Bare.readings = [[("air_temperature", 815)]] * 4 + [[("air_temperature", 816)]]
    assert run(one("stuck", interval_s=10), 101)[1].errors() == {"x": 0}


def test_a_sensor_that_fails_twice_in_a_row_is_switched_off_and_on():
    from machine import Pin

    switched = []
    plain = Pin.value

    def value(self, level=None):
        if level is not None and self.number == 13:
            switched.append(level)
        return plain(self, level)

    Pin.value = value
    good, bad = [("air_temperature", 815)], OSError("no answer")
    Bare.readings = [good, bad, good, bad, bad] + [good] * 20
    Bare.setup_levels = []
    packs, sampler = run(one(interval_s=60, power=13), 310)
    Pin.value = plain
    assert sampler.errors() == {"x": 3}
    # On at the start, after one failure as it was, after the second in a row off and on.
    assert switched == [1, 1, 1, 0, 1], switched
    assert set(Bare.setup_levels) == {1}
    assert mpy_sampler.count(packs, "x") >= 3


def test_a_chip_that_its_setup_resets_warms_up_again():
    good, bad = [("air_temperature", 815)], OSError("no answer")
    for driver, wait in (("bare", 2), ("reset", 32)):
        Bare.readings = [good, good, bad] + [good] * 20
        packs, sampler = run(one(driver, interval_s=60), 310)
        times = [int(head[1:]) for head, _ in packs]
        assert sampler.errors() == {"x": 1}
        assert times[2] - times[1] == 60 + wait, (driver, times)


def test_ten_thousand_readings_and_their_reports_take_no_more_heap():  # once
    good = [("air_temperature", 815), ("pedestrian_count", 2), ("presence", True)]
    Bare.readings = [good] * 7 + [OSError("no answer")] * 2 + [[("air_temperature", 400), ("presence", False)]]
    marks = []

    async def script(sampler):
        for _ in range(6):
            await asyncio.sleep(7000)
            Bare.setup_levels = []
            gc.collect()
            marks.append(gc.mem_alloc())
        assert sampler.sensors["x"].attempts > 10000

    sampler = run(one(interval_s=60, sample_s=2, statistics=True, suppress_below=4, power=13), 0, script, keep=False)[1]
    assert sampler.errors()["x"] > 1000
    assert max(marks) - marks[0] < 2000, marks
