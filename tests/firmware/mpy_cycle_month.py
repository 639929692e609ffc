"""Thirty days of a board that sleeps, with all that can come between: the town away, the gateway silent, brown-outs,
power cuts, a watchdog, a sensor that fails, a clock that drifts, a configuration from afar and an update that does not
start. Every reading is accounted for. For MicroPython.
"""
# heapsize: 3M

import json
import struct
import sys

import sleeper
from sleeper import ROAD, ROAD_CHIP, Board, true_time, virtual, world
from update_bench import NEW, Release, trust

from bordstein import clock
from bordstein.batch import Batch
from bordstein.ranges import Ranges
from bordstein.spool import Spool
from bordstein.update import slots

DAY = 86400
EVERY_S = 1200
CONFIG = {
    "sensors": {"road": dict(ROAD, interval_s=EVERY_S)},
    "sleep": {"every_s": EVERY_S, "send_each": 4, "limit_s": 60, "stay_s": 60},
    "spool": {"batch_s": 7200},
    "board": "virtual",
}
BAD = Release(NEW, "0.9.0", 5, date=clock.BUILD_TIME + 500000)

append = Spool.append
set_utc = clock.set_utc


class Month:
    """What happens to the board, and what it had."""

    def __init__(self):
        self.board = Board(CONFIG, [ROAD_CHIP], blocks=128, drift=1)
        self.town = self.board.town
        self.begun = virtual.now_ms
        self.had = Ranges()  # packs that the spool has confirmed
        self.lost = set()  # numbers of those that were in RTC memory when the power went for good
        self.breaks = []  # true times at which a reading may be missing
        self.starts = 0
        self.seed = 7

    def day(self):
        return (virtual.now_ms - self.begun) / 1000 / DAY

    def chance(self, below):
        self.seed = (self.seed * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.seed >> 8) % below

    def start(self, **how):
        """boot.py with the software that it chooses, then the application."""
        self.starts += 1
        if slots.load()[1] != slots.NONE and self.choose(how.get("cause")):
            how["cause"] = "hard"
            assert not self.choose("hard")
        self.board.start(**how)

    def choose(self, cause=None):
        """The real boot.py. Modules are loaded anew, as the other slot has its own; those of the bad release are none.
        Whether that fails."""
        if cause:
            sleeper.chip.cause = sleeper.chip._CAUSES[cause]
        loaded = {name: module for name, module in sys.modules.items() if name.startswith("bordstein")}
        for name in loaded:
            del sys.modules[name]
        try:
            exec(BOOT, {"__name__": "__main__"})
        except sleeper.Reset:
            self.failed_starts += 1
            return True
        finally:
            while sys.path[0] in ("a", "b"):
                sys.path.pop(0)
            for name in [name for name in sys.modules if name.startswith("bordstein")]:
                del sys.modules[name]
            sys.modules.update(loaded)
        return False

    failed_starts = 0

    def brown_out(self):
        """The supply dips: RTC memory stays, and the chip says power-on."""
        if self.chance(2):
            self.start(seconds=1 + self.chance(4))  # in the middle of a wake-up, if it lasts so long
        self.breaks.append(true_time())
        self.start(cause="power-on")

    def power_cut(self):
        batch = Batch()
        batch.recover()
        self.lost.update([entry[:2] for entry in batch.entries])
        self.breaks.append(true_time())
        self.board.power_cut()
        self.start()


def recorded(spool, payload, readings):
    number = append(spool, payload, readings)
    month.had.add(number[0], number[1], number[1])
    return number


def corrected(seconds, source):
    if abs(seconds - clock.now()) > 30:
        month.breaks.append(true_time())
    return set_utc(seconds, source)


with open(next(path + "/boot.py" for path in sys.path if path.endswith("/firmware") and "tests" not in path)) as file:
    BOOT = compile(file.read().replace("time.sleep_ms(1000)", ""), "boot.py", "exec")


def test_a_month_at_the_kerb():
    global month
    month = Month()
    Spool.append, clock.set_utc = recorded, corrected
    board, town = month.board, month.town
    trust()
    sleeper.Link.asked = lambda offset, length: (
        struct.pack(">II", BAD.order, offset) + BAD.pack[offset : offset + length]
    )
    config_sent = False
    brown_outs = power_cuts = 0
    month.start()
    while month.day() < 30:
        day = month.day()
        # 36 hours without the town; then each tenth day's afternoon; the gateway is silent for six hours.
        town.there = not (3 < day < 4.5 or (day % 10 > 9 and 0.5 < day % 1 < 0.8))
        town.answering = not 6 < day < 6.25
        board.drift = 1 if day < 15 else -1
        world.chips[0].spec["values"]["temperature"] = 3.5 if not 12 < day < 12.3 else None
        if day > 10:
            town.kept["release"] = BAD.offer
        if day > 20 and not config_sent:
            config_sent = True
            config = dict(CONFIG, buses=sleeper.BUSES, sleep=dict(CONFIG["sleep"], send_each=2))
            town.kept["config"] = json.dumps({"version": 4, "config": config}).encode()
        if month.chance(200) == 0:
            brown_outs += 1
            month.brown_out()
        elif month.chance(450) == 0:
            power_cuts += 1
            month.power_cut()
        elif month.chance(900) == 0:
            month.breaks.append(true_time())
            month.start(cause="watchdog")
        else:
            month.start()
    town.there = town.answering = True
    for _ in range(12):
        month.start()
    Spool.append = append
    assert brown_outs > 8 and power_cuts > 1 and month.starts > 2100, (brown_outs, power_cuts, month.starts)

    # What the board had is in the town, but for what a power cut took out of RTC memory; and nothing else is.
    had, arrived = sleeper.numbers(month.had), sleeper.numbers(town.packs)
    missing = had - arrived
    assert missing <= month.lost, sorted(missing - month.lost)
    assert arrived <= had
    # Each time once (Town looks at that), in order, and no gap that has no reason.
    readings = town.series("road/road_surface_temperature")
    reasons = month.breaks + [month.begun // 1000 + sleeper.BEGIN + 12 * DAY]
    lacking = 0
    for at in range(1, len(readings)):
        before, after = readings[at - 1][0], readings[at][0]
        if after - before > EVERY_S + 100:
            lacking += 1
            lost = len(month.lost) * EVERY_S
            assert any(before - 60 <= time <= after + lost + 60 for time in reasons), (before, after, reasons)
    assert len(readings) > 2000, len(readings)
    # The clock was put right at each connection.
    assert abs(readings[-1][0] - true_time()) < 3 * EVERY_S
    # The bad update failed, and was said to; the configuration runs.
    last, report = town.update, town.report
    assert month.failed_starts == 1 and last["result"] == "failed" and last["version"] == "0.9.0", last
    assert report["ok"] and report["running"] == 4, report
    # A month is good for flash: it was written for the clock, and where the town was away.
    print("%d starts, %d readings, %d packs lost to power cuts, %d gaps, %d connections, %d erases" % (
        month.starts, len(readings), len(missing), lacking, town.connections, board.disk.erases))  # fmt: skip
    assert board.disk.erases < 4000
