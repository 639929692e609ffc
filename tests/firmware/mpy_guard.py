"""Safe mode, the record of starts and the watchdog, in virtual time. For MicroPython."""
# heapsize: 512K
# again: 31-bit

import asyncio

import virtual_time

virtual = virtual_time.install(virtual_time.WRAP - 5000)

from bordstein import clock, platform  # noqa: E402
from bordstein.guard import FORLORN_S, LIMIT, SAFE_S, WELL_S, Guard  # noqa: E402

memory = [b""]
causes = ["power-on"]


def rtc_memory(data=None):
    if data is None:
        return memory[0]
    memory[0] = bytes(data)


platform.rtc_memory = rtc_memory
platform.reset_cause = lambda: causes[0]


class Dog:
    def __init__(self, limit_ms):
        self.limit_ms = limit_ms
        self.fed = clock.uptime_ms()

    def feed(self):
        self.fed = clock.uptime_ms()

    @property
    def bites(self):
        return clock.uptime_ms() - self.fed > self.limit_ms


class Link:
    idle = False
    connected = True


def begin(cause="watchdog"):
    causes[0] = cause
    return Guard()


def power_cut():
    memory[0] = b""


def run(watched, seconds, parts=(), link=None, script=None):
    """Runs the guard for so long; (the dog, why it restarted or None)."""
    dogs, why = [], []
    platform.watchdog = lambda limit_ms: dogs.append(Dog(limit_ms)) or dogs[0]

    async def restart(reason):
        why.append(reason)
        await asyncio.Event().wait()

    async def main():
        task = asyncio.create_task(watched.run(list(parts), link or Link(), restart))
        if script:
            await script()
        await asyncio.sleep(seconds)
        task.cancel()

    asyncio.run(main())
    return dogs[0], why[0] if why else None


def test_five_starts_that_end_early_lead_to_safe_mode_and_a_good_one_leads_out_for_good():
    power_cut()
    for number in range(LIMIT):
        assert begin().unhealthy == number
    assert begin().safe
    tried = begin()
    assert tried.safe
    dog, why = run(tried, SAFE_S + 30)
    assert "safe mode" in why and not dog.bites
    again = begin("hard")
    assert not again.safe
    run(again, WELL_S + 30)
    for _ in range(LIMIT):
        last = begin()
    assert not last.safe and last.unhealthy == LIMIT - 1


def test_a_start_that_fails_again_goes_back_to_safe_mode_at_once():
    power_cut()
    for _ in range(LIMIT + 1):
        safe = begin()
    run(safe, SAFE_S + 30)
    assert not begin("hard").safe
    assert begin().safe


def test_restarts_in_good_order_do_not_count():
    power_cut()
    for _ in range(3 * LIMIT):
        ended = begin("hard")
        assert not ended.safe and ended.unhealthy == 0
        ended.ended()


def test_a_dip_of_the_supply_is_told_from_a_power_cut():
    power_cut()
    assert begin("power-on").reset == "power-on"
    assert begin("power-on").reset == "brown-out"
    assert begin("watchdog").reset == "watchdog"
    power_cut()
    assert begin("power-on").reset == "power-on"


def test_a_damaged_record_is_none():
    power_cut()
    begin()
    good = memory[0]
    for at in range(1, 5):
        for bit in range(8):
            memory[0] = good[:at] + bytes((good[at] ^ 1 << bit,)) + good[at + 1 :]
            assert begin("power-on").reset == "power-on"


def test_the_record_leaves_the_clocks_mark_and_the_batch_alone():
    from bordstein import retained

    power_cut()
    platform.rtc_memory(b"\xe5")
    retained.store(retained.BATCH, b"three packs")
    retained.store(retained.CYCLE, b"a record")
    watched = begin()
    assert memory[0][0] == 0xE5 and retained.load(retained.BATCH) == b"three packs"
    retained.store(retained.BATCH, b"four packs")
    watched.well()
    assert memory[0][0] == 0xE5 and retained.load(retained.BATCH) == b"four packs"
    assert retained.load(retained.CYCLE) == b"a record"
    assert begin().unhealthy == 0


def test_the_watchdog_is_fed_only_while_every_part_makes_progress():
    power_cut()
    goes_on = [True]
    parts = [("link", lambda: True), ("sampler", lambda: goes_on[0])]
    watched = begin()

    async def script():
        await asyncio.sleep(3 * 3600)
        goes_on[0] = False

    dog, _ = run(watched, 100, parts, script=script)
    assert not dog.bites and watched.late == ["sampler"]
    goes_on[0] = True
    dog, _ = run(watched, 100, parts, script=script)
    goes_on[0] = False
    dog, _ = run(watched, 200, parts)
    assert dog.bites


def test_a_board_that_reaches_nobody_for_hours_restarts_in_good_order():
    power_cut()
    link = Link()
    link.connected = False
    _, why = run(begin(), FORLORN_S - 60, link=link)
    assert why is None
    _, why = run(begin(), FORLORN_S + 60, link=link)
    assert "nobody" in why
    link.idle = True  # a board without a broker
    _, why = run(begin(), FORLORN_S + 60, link=link)
    assert why is None
