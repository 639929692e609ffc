"""The spool on littlefs: rotation, receipts, a full ring, damaged flash, batching. For MicroPython."""
# heapsize: 2M
# again: 31-bit

import gc
import json
import os

import flash

from bordstein import platform, segment
from bordstein.ranges import Ranges
from bordstein.spool import Spool

NONE = Ranges()


def spool(**options):
    options.setdefault("segment_bytes", 1024)
    options.setdefault("max_bytes", 65536)
    return Spool(**options)


def drain(box):
    """All packs, oldest first, as {(boot, seq): payload}; checks the order."""
    seen = Ranges()
    packs = {}
    last = (0, 0)
    while True:
        number = box.oldest(seen)
        if number is None:
            break
        assert number > last, (number, last)
        last = number
        seen.add(number[0], number[1], number[1])
        found = box.read(*number)
        if found:
            packs[number] = bytes(found[0])
    return packs


def segments():
    return sorted(name for name in os.listdir("spool") if name.endswith(".seg"))


def test_packs_are_numbered_without_holes_and_come_back_oldest_first():
    flash.mount()
    box = spool()
    for i in range(100):
        assert box.append(b"pack %d" % i, 2) == (1, i)
    assert drain(box) == {(1, i): b"pack %d" % i for i in range(100)}
    assert box.next == (1, 100) and box.packs == 100 and box.taken == 200
    assert len(segments()) > 2


def test_a_restart_goes_on_in_the_same_file_with_the_next_boot():
    flash.mount()
    spool().append(b"first", 1)
    box = spool()
    assert box.append(b"second", 1) == (2, 0)
    assert len(segments()) == 1
    box = spool()
    assert box.next == (3, 0) and box.taken == 2
    assert drain(box) == {(1, 0): b"first", (2, 0): b"second"}


def test_boot_counts_also_when_nothing_was_ever_spooled():
    flash.mount()
    assert [spool().boot for _ in range(5)] == [1, 2, 3, 4, 5]


def test_a_lost_state_file_never_gives_a_boot_number_twice():
    flash.mount()
    for _ in range(4):
        spool().append(b"x", 1)
    os.remove("spool/state")
    assert spool().boot == 5
    os.remove("spool/state")
    assert spool(boot_above=9).boot == 10


def test_newest_and_oldest_leave_out_what_is_settled_or_skipped():
    flash.mount()
    box = spool()
    for i in range(60):
        box.append(b"%d" % i, 1)
    skip = Ranges()
    assert box.newest(skip) == (1, 59) and box.oldest(skip) == (1, 0)
    skip.add(1, 50, 59)
    skip.add(1, 0, 3)
    box.settle(1, 4, 9)
    box.settle(1, 45, 49)
    assert box.newest(skip) == (1, 44) and box.oldest(skip) == (1, 10)
    skip.add(1, 10, 44)
    assert box.newest(skip) is None and box.oldest(skip) is None


def test_receipts_in_any_order_delete_exactly_what_they_cover():
    flash.mount()
    box = spool()
    for i in range(100):
        box.append(b"pack %d" % i, 1)
    for first, last in ((90, 99), (0, 4), (40, 60), (5, 20)):
        box.settle(1, first, last)
    wanted = [i for i in range(100) if 21 <= i < 40 or 60 < i < 90]
    assert sorted(drain(box)) == [(1, i) for i in wanted]
    assert box.packs == len(wanted)
    again = spool()
    held = drain(again)
    assert all((1, i) in held for i in wanted)
    box.settle(1, 0, 99)
    assert box.packs == 0 and len(segments()) <= 1  # the one that is written to stays while it is small


def test_a_receipt_for_what_is_not_held_is_harmless():
    flash.mount()
    box = spool()
    box.append(b"a", 1)
    for boot, first, last in ((7, 0, 1000000), (1, 1, 1000000), (1, 5, 2), (0, 0, 0)):
        box.settle(boot, first, last)
    for _ in range(1, 50):
        box.append(b"later", 1)
    assert box.packs == 50 and len(drain(box)) == 50


def test_newest_file_settled_first_does_not_take_older_ones_along():
    flash.mount()
    box = spool()
    for i in range(60):
        box.append(b"pack %d" % i, 1)
    box.settle(1, 10, 59)
    box = spool()
    held = drain(box)
    assert all((1, i) in held for i in range(10))
    box.append(b"next", 1)
    box = spool()
    assert all((1, i) in drain(box) for i in range(10))


def test_a_full_spool_drops_the_oldest_and_counts_it_for_good():
    flash.mount()
    box = spool(max_bytes=8 * 4096)
    for i in range(400):
        box.append(b"pack %d" % i, 1)
        if i % 50 == 7:
            box.settle(1, i, i)
    held = drain(box)
    assert (1, 399) in held and (1, 0) not in held
    first = min(held)[1]
    settled_and_gone = len(range(7, first, 50))
    assert box.dropped == first - settled_and_gone, (box.dropped, first)
    assert box.taken == 400
    assert len(segments()) <= 8
    again = spool(max_bytes=8 * 4096)
    assert again.dropped == box.dropped and again.taken == 400


def test_a_full_volume_drops_the_oldest_and_counts_it():  # once
    flash.mount(blocks=24)
    box = spool(max_bytes=10000000, segment_bytes=4096)
    for i in range(2400):
        box.append(b"a pack that takes some room, number %d" % i, 1)
    assert box.dropped > 0 and box.dropped + box.packs == 2400
    assert box.newest(NONE) == (1, 2399)
    first = box.oldest(NONE)[1]
    assert all(box.read(1, i) for i in range(first, 2400))
    again = spool(max_bytes=10000000, segment_bytes=4096)
    assert again.dropped == box.dropped and again.packs == box.packs


def test_a_flipped_bit_anywhere_costs_one_pack_and_is_counted():  # once
    flash.mount()
    box = spool()
    payloads = {box.append(b"pack number %d" % i, 1): b"pack number %d" % i for i in range(5)}
    box.close()
    name = "spool/" + segments()[0]
    with open(name, "rb") as file:
        sound = file.read()
    for bit in range(0, len(sound) * 8, 3):
        damaged = bytearray(sound)
        damaged[bit // 8] ^= 1 << bit % 8
        with open(name, "wb") as file:
            file.write(damaged)
        for extra in segments()[1:]:
            os.remove("spool/" + extra)
        box = spool()
        held = drain(box)
        lost = 0 if bit < 128 else 1
        assert len(held) == 5 - lost and box.corrupt == lost, (bit, held, box.corrupt)
        assert all(payloads[number] == payload for number, payload in held.items())
        number = box.append(b"after", 1)
        assert bytes(spool().read(*number)[0]) == b"after"


def test_damage_while_running_is_skipped_and_counted():
    flash.mount()
    box = spool()
    for i in range(10):
        box.append(b"pack %d" % i, 1)
    box.close()
    name = "spool/" + segments()[0]
    with open(name, "rb") as file:
        data = bytearray(file.read())
    data[data.find(b"pack 3")] ^= 4
    with open(name, "wb") as file:
        file.write(data)
    held = drain(box)
    assert len(held) == 9 and (1, 3) not in held
    assert box.corrupt == 1 and box.packs == 9


def test_never_writes_behind_a_torn_tail():
    flash.mount()
    box = spool()
    box.append(b"whole", 1)
    box.close()
    whole = segments()[0]
    for tail in (b"\xb5", b"\xb5\x40\x00\x01\x00", b"\x00" * 30, b"\xff" * 300):
        with open("spool/" + whole, "ab") as file:
            file.write(tail)
        size = os.stat("spool/" + whole)[6]
        box = spool()
        number = box.append(b"new", 1)
        box.close()
        assert os.stat("spool/" + whole)[6] == size
        assert (1, 0) in drain(box) and number in drain(box)


def test_a_volume_with_an_empty_file_of_a_cut_start_goes_on():
    flash.mount()
    box = spool()
    box.append(b"a", 1)
    box.close()
    open("spool/00000002.seg", "wb").close()
    box = spool()
    box.append(b"b", 1)
    assert drain(spool()) == {(1, 0): b"a", (2, 0): b"b"}


def test_a_pack_larger_than_a_segment_is_refused_and_takes_no_number():
    flash.mount()
    box = spool()
    try:
        box.append(b"x" * 1024, 1)
        raise AssertionError
    except ValueError as error:
        assert "too large" in str(error)
    assert box.append(b"x", 1) == (1, 0)


def blocks_with(disk, text):
    return {number for number, cell in enumerate(disk._cells) if cell and text in bytes(cell)}


def test_a_file_that_cannot_be_read_is_left_alone_and_the_rest_goes_on():
    disk = flash.mount()
    box = spool()
    for i in range(60):
        box.append(b"pack %02d %s" % (i, b"." * 100), 1)
    box.close()
    held = drain(box)
    disk.bad_blocks = blocks_with(disk, b"pack 00")
    box = spool()
    assert box.corrupt == 1 and 40 < box.packs < 60, (box.corrupt, box.packs)
    assert drain(box) == {number: payload for number, payload in held.items() if number[1] >= 60 - box.packs}
    box.append(b"new", 1)
    box.close()
    disk.bad_blocks = set()
    assert drain(spool()) == dict(list(held.items()) + [((2, 0), b"new")])


def test_the_newest_file_cannot_be_read_and_is_not_written_over():
    disk = flash.mount()
    box = spool()
    for i in range(10):
        box.append(b"pack %02d %s" % (i, b"." * 100), 1)
    box.close()
    held = drain(box)
    newest = max(held)
    disk.bad_blocks = blocks_with(disk, b"pack %02d" % newest[1])
    box = spool()
    for _ in range(10):
        box.append(b"new", 1)
    box.close()
    disk.bad_blocks = set()
    box = spool()
    assert all(drain(box)[number] == payload for number, payload in held.items()) and box.packs == 20


def test_a_pack_that_flash_does_not_take_leaves_a_gap_in_the_numbers():
    flash.mount(blocks=8)
    box = spool()
    others = []
    try:
        while True:
            others.append("/flash/%d" % len(others))
            with open(others[-1], "wb") as file:
                file.write(b"." * 900)
    except OSError:
        pass
    pack = b"x" * 900
    try:
        box.append(pack, 2)
        raise AssertionError
    except OSError as error:
        assert error.errno == 28, error
    os.remove(others[0])
    os.remove(others[1])
    assert box.append(pack, 2) == (1, 1) and box.next == (1, 2) and box.taken == 4
    box.close()
    box = spool()
    assert drain(box) == {(1, 1): pack} and box.dropped == 0


def test_a_failed_write_while_a_receipt_is_followed_costs_nothing_later():
    disk = flash.mount()
    box = spool(segment_bytes=8192)
    pack = b"x" * 900
    for _ in range(6):
        box.append(pack, 1)
    disk.worn = True
    try:
        box.settle(1, 0, 5)
        raise AssertionError
    except OSError:
        pass
    gc.collect()
    disk.worn = False
    numbers = [box.append(pack, 1) for _ in range(20)]
    box.settle(1, numbers[-1][1], numbers[-1][1])
    box.close()
    assert set(numbers[:-1]) <= set(drain(spool(segment_bytes=8192)))


def starts(count):
    """What so many starts with one pack each leave behind."""
    os.mkdir("spool")
    for number in range(count // 100):
        with open("spool/%08d.seg" % (number + 1), "wb") as file:
            file.write(segment.header(0, number * 100))
            for boot in range(number * 100 + 1, number * 100 + 101):
                file.write(segment.record(boot, 0, 1, b"U8,1795500000;air/air_temperature=8.15"))


def test_a_thousand_starts_without_a_receipt_fit_into_memory():
    flash.mount(blocks=256)
    starts(1000)
    box = spool(segment_bytes=16384, max_bytes=524288)
    assert box.packs == 1000 and box.dropped == 0
    for number in ((1, 0), (500, 0), (1000, 0)):
        assert box.read(*number)
    box.close()
    gc.collect()
    held = gc.mem_alloc()
    box = None
    gc.collect()
    assert held - gc.mem_alloc() < 20000, held - gc.mem_alloc()


def test_more_starts_than_memory_can_keep_apart_cost_the_oldest_which_are_counted():
    flash.mount(blocks=256)
    starts(2000)
    box = spool(segment_bytes=16384, max_bytes=524288)
    assert box.packs <= 1500 and box.packs + box.dropped == 2000 and box.boot == 2001
    assert box.newest(NONE) == (2000, 0)


def test_ten_thousand_packs_need_no_more_heap_than_a_hundred():  # once
    flash.mount()
    box = spool(segment_bytes=4096)
    marks = []
    for i in range(10000):
        box.append(b"air/air_temperature=8.15;air/relative_humidity=79.67", 2)
        if i % 4 == 3:
            number = box.oldest(NONE)
            assert number == (1, i - 3)
            box.read(*number)
            box.settle(1, i - 3, i)
        if i % 1000 == 999:
            gc.collect()
            marks.append(gc.mem_alloc())
    assert max(marks[1:]) - marks[0] < 6000, marks
    assert box.packs == 0 and box.taken == 20000 and box.dropped == 0


def test_batched_packs_survive_a_reset_in_rtc_memory():
    flash.mount()
    platform.rtc_memory(b"")
    box = spool(batch_ms=60000)
    for i in range(10):
        assert box.append(b"pack %d" % i, 1) == (1, i)
    assert not segments() and box.packs == 10
    box = spool(batch_ms=60000)
    assert drain(box) == {(1, i): b"pack %d" % i for i in range(10)}
    assert box.next == (2, 0) and box.taken == 10
    assert spool(batch_ms=60000).packs == 10


def test_a_reset_between_writing_a_batch_and_forgetting_it_doubles_nothing():
    flash.mount()
    platform.rtc_memory(b"")
    box = spool(batch_ms=60000)
    for i in range(10):
        box.append(b"pack %d" % i, 1)
    waiting = platform.rtc_memory()
    box.flush()
    assert box.packs == 10 and len(drain(box)) == 10
    platform.rtc_memory(waiting)
    again = spool(batch_ms=60000)
    assert again.packs == 10 and again.taken == 10


def test_a_batch_is_written_when_rtc_memory_is_full_or_on_flush():
    flash.mount()
    platform.rtc_memory(b"")
    box = spool(batch_ms=60000)
    for i in range(200):
        box.append(b"a pack of some length, number %d" % i, 1)
        assert len(platform.rtc_memory()) <= 2048
    assert 0 < box.batched < 40 and len(segments()) > 2
    assert sorted(drain(box)) == [(1, i) for i in range(200)]
    box.flush()
    assert box.batched == 0 and sorted(drain(box)) == [(1, i) for i in range(200)]


def test_what_is_settled_while_it_waits_in_rtc_memory_never_comes_to_flash():
    disk = flash.mount()
    platform.rtc_memory(b"")
    box = spool(batch_ms=60000)
    before = disk.operations
    for i in range(200):
        box.append(b"pack %d" % i, 3)
        assert box.oldest(NONE) == box.newest(NONE) == (1, i) and box.read(1, i) == (b"pack %d" % i, 3)
        box.settle(1, 0, i)
        assert box.packs == 0 and box.oldest(NONE) is None and box.read(1, i) is None
    assert disk.operations == before and not segments() and box.taken == 600
    for i in range(200, 210):
        box.append(b"pack %d" % i, 3)
    box.settle(1, 203, 205)
    box.flush()
    assert sorted(drain(box)) == [(1, i) for i in (200, 201, 202, 206, 207, 208, 209)]
    assert sorted(drain(spool())) == sorted(drain(box))


def test_a_boot_goes_on_over_deep_sleep_and_flash_is_only_looked_at_when_needed():
    disk = flash.mount()
    platform.rtc_memory(b"")
    box = spool(batch_ms=60000)
    for i in range(5):
        box.append(b"pack %d" % i, 1)
    box.flush()
    box.settle(1, 0, 2)
    box.append(b"pack 5", 1)
    slept = box.rest()
    before = disk.operations
    box = spool(batch_ms=60000, slept=slept)
    assert box.append(b"pack 6", 1) == (1, 6) and disk.operations == before and not box._opened
    slept = json.loads(json.dumps(box.rest()))
    box = spool(batch_ms=60000, slept=slept)
    assert sorted(drain(box)) == [(1, 3), (1, 4), (1, 5), (1, 6)] and box.packs == 4 and box.taken == 7
    box.settle(1, 0, 6)
    assert box.packs == 0 and disk.operations == before
    # Any other start is a boot of its own, and tells again what it can't know to be settled.
    box = spool(batch_ms=60000)
    assert box.next == (2, 0) and box.packs == 5


def test_garbage_in_rtc_memory_is_not_taken_for_packs():
    flash.mount()
    for garbage in (b"", b"\xff" * 2048, bytes(range(256)) * 8, b"\0Bo\x10\0\0\0\0\0" + b"\xb5" * 40):
        platform.rtc_memory(garbage)
        assert spool(batch_ms=1000).packs == 0
