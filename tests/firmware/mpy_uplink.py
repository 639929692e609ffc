"""The uplink against a scripted link and gateway: lost, reordered and foreign receipts, in virtual time.

For MicroPython.
"""
# ruff: noqa: B905, RUF007  (MicroPython's zip has no strict, and there is no itertools)
# heapsize: 1M
# again: 31-bit

import asyncio
import json

import flash
import virtual_time

time = virtual_time.install(virtual_time.WRAP - 5000)

from bordstein import clock, platform  # noqa: E402
from bordstein.spool import Spool  # noqa: E402
from bordstein.uplink import WINDOW, Uplink  # noqa: E402


class Link:
    """Delivers after 50 ms while connected; the rest waits for the next connection, as in the real one."""

    def __init__(self):
        self.connected = True
        self.session = 1
        self.published = []  # (boot, seq)
        self.packs = []
        self.taken = None  # called with each (boot, seq)

    async def publish(self, topic, payload, retain=False):
        assert topic == "t/readings"
        pack = json.loads(payload)
        number = pack[0]["v"], pack[1]["v"]
        await asyncio.sleep_ms(50)
        while not self.connected:
            await asyncio.sleep_ms(100)
        self.published.append(number)
        self.packs.append(pack)
        if self.taken:
            self.taken(number)


def board(packs=0, quality="set", restart=False, **options):
    if not restart:
        flash.mount()
        platform.rtc_memory(b"")
    now = clock.BUILD_TIME + 100 if quality == "set" else 946684800
    platform.rtc_utc = lambda: now
    platform.set_rtc = lambda utc: None
    spool = Spool(segment_bytes=2048, **options)
    clock.start(spool.boot)
    link = Link()
    uplink = Uplink(spool, link, "24a160123456", "t/readings")
    for _ in range(packs):
        put(spool, uplink)
    return spool, link, uplink


def put(spool, uplink):
    number = spool.next
    if clock.quality() == "set":
        spool.append(b"T%d;a/uptime=%d" % (clock.now(), number[1]), 1)
    else:
        spool.append(b"U%d,%d;a/uptime=%d" % (clock.uptime(), clock.now(), number[1]), 1)
    uplink.wake()


def run(uplink, script):
    async def main():
        task = asyncio.create_task(uplink.run())
        await script()
        task.cancel()
        await asyncio.sleep(0)

    asyncio.run(main())


def receipt(uplink, boot, first, last, **more):
    message = {"boot": boot, "seq": last, "from": first}
    message.update(more)
    uplink.receipt(json.dumps(message).encode())


def test_sends_oldest_first_and_every_fourth_the_newest():
    _spool, link, uplink = board(100)

    async def script():
        await asyncio.sleep(3)

    run(uplink, script)
    assert sorted(link.published) == sorted([(1, i) for i in range(12)] + [(1, i) for i in range(96, 100)])
    assert [number for number in link.published if number[1] < 50] == [(1, i) for i in range(12)]
    assert link.published.index((1, 99)) < 5


def test_no_more_than_a_window_is_out_without_a_receipt():
    _spool, link, uplink = board(100)

    async def script():
        await asyncio.sleep(19)
        assert len(link.published) == WINDOW
        receipt(uplink, 1, 0, 3)
        await asyncio.sleep(1)
        assert len(link.published) == WINDOW + 4

    run(uplink, script)


def test_everything_arrives_and_is_deleted_and_nothing_goes_twice_when_all_is_well():
    spool, link, uplink = board(200)
    link.taken = lambda number: receipt(uplink, number[0], number[1], number[1])

    async def script():
        await asyncio.sleep(30)

    run(uplink, script)
    assert sorted(link.published) == [(1, i) for i in range(200)]
    assert spool.packs == 0


def test_lost_receipts_make_it_send_again_after_growing_pauses():
    spool, link, uplink = board(3)
    times = []
    link.taken = lambda number: times.append(clock.uptime()) if number == (1, 0) else None

    async def script():
        await asyncio.sleep(700)

    run(uplink, script)
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert len(gaps) == 5, times
    assert all(abs(gap - wanted) <= 2 for gap, wanted in zip(gaps, (20, 40, 80, 160, 320))), gaps
    assert spool.packs == 3


def test_pauses_grow_to_an_hour_and_are_short_again_after_a_receipt():  # once
    _spool, link, uplink = board(3)

    async def script():
        await asyncio.sleep(4 * 86400)
        assert uplink.patience_ms == 3600000
        sent = len(link.published)
        await asyncio.sleep(36000)
        assert 24 <= len(link.published) - sent <= 36
        receipt(uplink, 1, 0, 0)
        assert uplink.patience_ms == 20000

    run(uplink, script)


def test_a_new_connection_sends_again_what_has_no_receipt():
    _spool, link, uplink = board(5)

    async def script():
        await asyncio.sleep(2)
        assert len(link.published) == 5
        receipt(uplink, 1, 1, 2)
        link.connected = False
        await asyncio.sleep(100)
        assert len(link.published) == 5
        link.connected = True
        link.session += 1
        await asyncio.sleep(3)
        assert sorted(link.published[5:]) == [(1, 0), (1, 3), (1, 4)]

    run(uplink, script)


def test_receipts_in_any_order_for_many_boots_delete_what_they_cover():
    board(4)
    board(4, restart=True)
    spool, _link, uplink = board(4, restart=True)
    assert spool.packs == 12

    async def script():
        await asyncio.sleep(2)
        receipt(uplink, 3, 2, 3, more=[[1, 1, 2], [2, 0, 3]])
        assert spool.packs == 4
        receipt(uplink, 1, 0, 3)
        assert spool.packs == 2
        uplink.receipt(b'{"boot":3,"seq":1}')  # no "from": from 0 on
        assert spool.packs == 0

    run(uplink, script)


def test_receipts_for_unknown_packs_and_nonsense_are_harmless():
    spool, _link, uplink = board(5)

    async def script():
        await asyncio.sleep(2)
        receipt(uplink, 9, 0, 1000000)
        receipt(uplink, 1, 5, 1000000)
        for nonsense in (
            b"", b"[]", b"7", b"null", b"{", b'{"boot":1}', b'{"boot":"1","seq":2}', b'{"boot":1,"seq":2.5}',
            b"\xff\xfe",
            b'{"boot":1,"seq":-1}', b'{"boot":1,"seq":1,"more":[[1,2]]}', b'{"boot":1,"seq":1,"more":7}',
            b'{"boot":true,"seq":4}', b'{"boot":1,"seq":4,"more":["abc"]}',
        ):  # fmt: skip
            uplink.receipt(nonsense)
        assert spool.packs == 5
        for _ in range(3):
            put(spool, uplink)
        assert spool.packs == 8

    run(uplink, script)


def test_without_a_clock_one_pack_asks_for_the_time_and_the_rest_has_true_times():
    _spool, link, uplink = board(6, quality="unset")

    async def script():
        await asyncio.sleep(1)
        assert link.published == [(1, 0)]
        assert "bt" not in link.packs[0][0]
        receipt(uplink, 1, 0, 0, time=clock.BUILD_TIME + 5000)
        assert clock.quality() == "set"
        await asyncio.sleep(2)
        assert sorted(link.published) == [(1, i) for i in range(6)]
        assert all(pack[0]["bt"] == clock.BUILD_TIME + 4999 for pack in link.packs[1:]), link.packs

    run(uplink, script)


def test_a_receipt_from_before_an_outage_does_not_set_the_clock():
    _spool, _link, uplink = board(2, quality="unset")

    async def script():
        # The broker kept it for this board; it answers nothing that went out on this connection.
        receipt(uplink, 1, 7, 9, time=clock.BUILD_TIME + 5000)
        assert clock.quality() == "unset"
        await asyncio.sleep(12)
        receipt(uplink, 1, 0, 0, time=clock.BUILD_TIME + 5000)  # too late to say what time it is
        assert clock.quality() == "unset"

    run(uplink, script)


def test_a_damaged_pack_stops_nothing():
    spool, link, uplink = board(6)
    spool.close()
    with open("spool/00000001.seg", "rb") as file:
        data = bytearray(file.read())
    data[data.find(b"uptime=2")] ^= 1
    with open("spool/00000001.seg", "wb") as file:
        file.write(data)
    link.taken = lambda number: receipt(uplink, number[0], number[1], number[1])

    async def script():
        await asyncio.sleep(5)

    run(uplink, script)
    assert sorted(link.published) == [(1, 0), (1, 1), (1, 3), (1, 4), (1, 5)]
    assert spool.packs == 0 and spool.corrupt == 1


def test_a_spool_that_overflows_while_packs_are_out_goes_on():
    spool, link, uplink = board(0, max_bytes=3 * 4096)

    async def script():
        for _ in range(600):
            put(spool, uplink)
            await asyncio.sleep_ms(20)
        assert spool.dropped > 0
        link.taken = lambda number: receipt(uplink, number[0], number[1], number[1])
        await asyncio.sleep(60)
        assert spool.packs == 0

    run(uplink, script)
    assert len(set(link.published)) + spool.dropped >= 600


def test_random_losses_and_breaks_lose_nothing_in_the_end():
    import random

    random.seed(7)
    spool, link, uplink = board(30)
    stored = set()

    def taken(number):
        stored.add(number)
        if random.random() < 0.5:
            receipt(uplink, number[0], number[1], number[1])

    link.taken = taken

    async def script():
        for _ in range(100):
            put(spool, uplink)
            await asyncio.sleep(random.randint(0, 5))
            if random.random() < 0.2:
                link.connected = not link.connected
                link.session += link.connected
        link.session += not link.connected
        link.connected = True
        await asyncio.sleep(3000)

    run(uplink, script)
    assert spool.packs == 0 and stored == {(1, i) for i in range(130)}


def test_ten_thousand_packs_through_take_no_more_heap():  # once
    import gc

    spool, link, uplink = board(0)

    class Nothing:
        def append(self, item):
            pass

    link.published = link.packs = Nothing()
    link.taken = lambda number: receipt(uplink, number[0], number[1], number[1])
    marks = []

    async def script():
        for i in range(10000):
            put(spool, uplink)
            await asyncio.sleep_ms(200)
            if i % 1000 == 999:
                gc.collect()
                marks.append(gc.mem_alloc())

    run(uplink, script)
    assert spool.packs <= 1
    assert max(marks[1:]) - marks[0] < 4000, marks
