"""Power cut at every single program and erase of flash, whole and torn, of a sampling-and-sending workload.

For MicroPython. What append() confirmed is there after the restart, unless it was settled or is counted as dropped.
"""
# heapsize: 2M

import gc

import flash

from bordstein.ranges import Ranges
from bordstein.spool import Spool


class Work:
    """A board's life: packs come in, go out oldest and newest first, receipts come in bits."""

    def __init__(self, **options):
        self.options = options
        self.confirmed = {}
        self.asked = None  # payload of the append that was under way
        self.settled = set()
        self.boots = []
        self.box = None

    def power_gone(self):
        """Let go of open files before their volume goes: the interpreter does not survive it otherwise."""
        if self.box:
            self.box._close()

    def run(self, boots):
        """Several starts, each with appends and receipts."""
        for start in range(boots):
            self.power_gone()
            box = self.box = Spool(**self.options)
            self.boots.append(box.boot)
            sent = Ranges()
            for i in range(9):
                self.asked = b"boot %d pack %d %s" % (box.boot, i, b"." * (i * 37 % 90))
                number = box.append(self.asked, 1)
                assert number not in self.confirmed, number
                self.confirmed[number] = self.asked
                self.asked = None
                number = box.newest(sent) if i % 4 == 3 else box.oldest(sent)
                if number:
                    sent.add(number[0], number[1], number[1])
                if i % 3 == 2 and start % 3 != 2:
                    for boot, first, last in list(sent.runs):
                        # From here on a cut may find them deleted.
                        self.settled.update((boot, seq) for seq in range(first, last + 1))
                        box.settle(boot, first, last)

    def check(self):
        """After the cut: a start on what flash holds now."""
        box = self.box = Spool(**self.options)
        assert not self.boots or box.boot > max(self.boots), (box.boot, self.boots)
        seen = Ranges()
        held = set()
        while True:
            number = box.oldest(seen)
            if number is None:
                break
            assert number not in held
            held.add(number)
            seen.add(number[0], number[1], number[1])
            payload = bytes(box.read(*number)[0])
            # Not confirmed but there: only the pack during which the power went.
            assert payload == self.confirmed.get(number, self.asked), (number, payload)
        missing = set(self.confirmed) - held - self.settled
        assert len(missing) <= box.dropped, ("lost", sorted(missing), box.dropped)
        assert box.corrupt == 0
        number = box.append(b"after", 1)
        assert number == (box.boot, 0) and bytes(box.read(*number)[0]) == b"after"
        return box, missing


def cut_everywhere(torn, boots, exact, **options):
    """Runs the workload once for each of its flash operations, cut there; returns how many cuts."""
    blank = flash.mount(blocks=48)
    complete = blank.snapshot()
    flash.mount(complete)
    whole = Work(**options)
    whole.run(boots)
    whole.power_gone()
    operations = complete.operations
    cuts = 0
    for cut in range(1, operations + 1):
        disk = blank.snapshot()
        flash.mount(disk)
        disk.operations = 0
        disk.cut_at = cut
        disk.torn = torn
        work = Work(**options)
        try:
            work.run(boots)
        except OSError:
            cuts += 1
        left = disk.snapshot()
        # The collector closes files that the cut left open; it is given a disk that answers.
        disk.cut_at = None
        disk.dead = False
        work.power_gone()
        work.box = None
        gc.collect()
        flash.mount(left)
        box, missing = work.check()
        if exact:
            assert not missing and box.dropped == 0, missing
        work.power_gone()
    return cuts


def test_power_cut_at_every_flash_write_loses_no_pack():
    assert cut_everywhere(False, 6, True, segment_bytes=700, max_bytes=100000) > 100


def test_power_cut_that_tears_every_flash_write_loses_no_pack():
    assert cut_everywhere(True, 6, True, segment_bytes=700, max_bytes=100000) > 100


def test_power_cut_at_every_flash_write_of_a_full_spool_loses_only_what_it_counts():
    assert cut_everywhere(False, 6, False, segment_bytes=500, max_bytes=4 * 4096) > 100


def test_power_cut_that_tears_every_write_of_a_full_spool_loses_only_what_it_counts():
    assert cut_everywhere(True, 6, False, segment_bytes=500, max_bytes=4 * 4096) > 100
