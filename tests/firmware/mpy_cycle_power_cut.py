"""A board that sleeps: a power cut at every flash write of its wake-ups, and a wrong bit anywhere in RTC memory. For
MicroPython."""
# heapsize: 2M

import gc
import json
import os

import flash
import sleeper
from simulated.flashdisk import RamDisk
from sleeper import ROAD, ROAD_CHIP, Board, chip, true_time, virtual

from bordstein import batch, clock, cycle, retained, spool

SLEEP = {"every_s": 600, "send_each": 6}


def road(**sleep):
    return {"sensors": {"road": ROAD}, "sleep": dict(SLEEP, **sleep)}


def awake(board, starts):
    """Seconds that these starts took, one by one."""
    times = []
    for _ in range(starts):
        board.start()
        assert board.ended
        times.append(board.awake_s)
    return times


append = spool.Spool.append
confirmed = set()  # numbers of packs that the spool has taken


def recorded(box, payload, readings):
    number = append(box, payload, readings)
    confirmed.add(number)
    return number


spool.Spool.append = recorded


class Disk(RamDisk):
    """Its power cut ends the start in that very moment."""

    def _is_cut(self):
        if super()._is_cut():
            waiting = batch.Batch()
            waiting.recover()
            for entry in waiting.entries:  # that is what batch_s costs
                confirmed.discard(entry[:2])
            self._refuse()
        return False

    def _refuse(self):
        raise sleeper.Reset(0)

    def copy(self):
        copy = Disk(self.blocks, self.block_size)
        copy._cells = [None if cells is None else bytearray(cells) for cells in self._cells]
        return copy


def _copied(readings, runs):
    return {series: dict(times) for series, times in readings.items()}, [run[:] for run in runs]


class Moment:
    """A board between two starts, to be gone back to."""

    def __init__(self, board):
        self._disk = board.disk.copy()
        self._chip = (chip.cause, chip.woken_by, chip.rtc_memory, chip._rtc_offset)
        self._now = virtual.now_ms
        self._town = _copied(board.town.readings, board.town.packs.runs)
        self._confirmed = set(confirmed)

    def back(self, board):
        board.disk.cut_at, board.disk.dead = None, False
        gc.collect()  # it closes what a cut left open
        board.disk = flash.mount(self._disk.copy())
        chip.cause, chip.woken_by, chip.rtc_memory, chip._rtc_offset = self._chip
        virtual.now_ms = self._now
        board.town.readings, board.town.packs.runs = _copied(*self._town)
        board.town.there = True
        confirmed.clear()
        confirmed.update(self._confirmed)


def on_its_own_disk(config):
    board = Board(config, [ROAD_CHIP])
    board.disk = Disk(64, 4096)
    names = {}
    for name in os.listdir():
        with open(name) as file:
            names[name] = file.read()
    flash.mount(flash.blank(board.disk))
    for name, text in names.items():
        with open(name, "w") as file:
            file.write(text)
    confirmed.clear()
    return board


def is_whole(board, app, where):
    """Everything that was taken is in the town, under one number and one time each."""
    town = board.town
    assert app.spool.packs == app.spool.dropped == app.spool.corrupt == 0, where
    packs, readings = sleeper.numbers(town.packs), town.series("road/road_surface_temperature")
    assert confirmed <= packs, (where, confirmed - packs)
    assert len(readings) == len(packs), (where, readings)
    assert {value for _, value in readings} == {3.5}, where
    times = [time for time, _ in readings]
    assert min(times) >= sleeper.BEGIN and max(times) <= true_time() + 2, (where, times)


def cut_everywhere(starts, gone=(), **kept):
    """Cuts the power at each flash operation of so many starts; returns how many these were. gone: those without a
    town."""
    board = on_its_own_disk(dict(road(send_each=3, stay_s=0, limit_s=30), spool=kept))
    total = 0
    for start in range(starts):
        before = Moment(board)
        board.town.there = start not in gone
        begun = board.disk.operations
        board.start()
        operations = board.disk.operations - begun
        behind = Moment(board)
        for cut in range(1, operations + 1):
            before.back(board)
            board.town.there = start not in gone
            board.disk.cut_at = cut
            try:
                board.start()
            except sleeper.Reset:
                pass
            assert board.disk.dead, (start, cut, operations)
            board.disk.cut_at, board.disk.dead = None, False
            gc.collect()
            board.disk = flash.mount(board.disk.copy())
            board.power_cut()
            board.town.there = True
            is_whole(board, board.start(), (start, cut, operations))
        behind.back(board)
        total += operations
    return total


def test_power_cut_at_every_flash_write_of_wake_ups_loses_and_doubles_nothing():
    assert cut_everywhere(5, gone=(3,)) > 30


def test_power_cut_at_every_flash_write_costs_only_what_waited_in_rtc_memory():
    assert cut_everywhere(18, gone=range(2, 16), batch_s=7200) > 30


def flipped(data, bit):
    data = bytearray(data)
    data[bit >> 3] ^= 1 << (bit & 7)
    return bytes(data)


def test_no_bit_of_the_record_can_be_wrong_unnoticed():
    board = Board(dict(road(), spool={"batch_s": 7200}), [ROAD_CHIP])
    awake(board, 4)
    memory = chip.rtc_memory
    record = cycle.woken()
    waiting = batch.Batch()
    waiting.recover()
    assert record and len(waiting.entries) == 3
    for area, blob in ((retained.CYCLE, json.dumps(record)), (retained.BATCH, waiting.data)):
        chip.rtc_memory = memory
        whole = retained.load(area)
        for bit in range(area[0] * 8, (area[0] + 8 + len(whole)) * 8):
            chip.rtc_memory = flipped(memory, bit)
            assert retained.load(area) == b"", (bit, blob)


def test_a_wake_up_with_a_wrong_bit_in_rtc_memory_loses_only_what_was_there():
    board = on_its_own_disk(dict(road(send_each=3, stay_s=0), spool={"batch_s": 7200}))
    awake(board, 3)
    before = Moment(board)
    waiting = batch.Batch()
    waiting.recover()
    assert waiting.entries
    head = 12
    places = list(range(retained.CYCLE[0] + head)) + list(range(retained.BATCH[0], retained.BATCH[0] + head))
    places += range(retained.CYCLE[0] + head, retained.CYCLE[0] + 300, 90)
    for place in places:
        before.back(board)
        bit = place * 8 + place % 8
        chip.rtc_memory = flipped(chip.rtc_memory, bit)
        if place >= retained.BATCH[0]:
            confirmed.difference_update([entry[:2] for entry in waiting.entries])
        connections = board.town.connections
        while True:
            app = board.start()
            assert board.ended and board.awake_s < 15 and app.spool.boot <= 2 and not app.guard.safe
            if board.town.connections > connections:
                break
        is_whole(board, app, place)


def test_an_estimate_is_not_taken_for_the_time_whatever_bit_of_its_mark_is_wrong():
    board = Board(road(), [ROAD_CHIP])
    board.town.there = False
    board.start(seconds=10)
    for bit in range(8):
        chip.rtc_memory = flipped(chip.rtc_memory, bit)
        board.start(seconds=1, cause="watchdog")
        assert clock.quality() != "set", bit
