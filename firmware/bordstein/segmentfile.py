"""One file of the spool: which packs it holds and where. The format is segment.py's, the policy spool.py's."""

import os
from array import array

from bordstein import segment


class SegmentFile:
    """number: of the file; size: bytes; sound: one may write behind its end; header: (dropped, taken) at its beginning,
    or None when damaged; damaged: places that are; readings: how many are in it."""

    def __init__(self, folder, number):
        self.number = number
        self.name = "%s/%08d.seg" % (folder, number)
        self.size = 0
        # (boot, first, last) of its packs, in their order, one behind the other: a board that starts and starts again
        # without ever reaching the town has hundreds of them.
        self._runs = array("I")
        self.readings = 0
        self.sound = False
        self.header = None
        self.damaged = 0
        self._offsets = None

    def scan(self):
        """Read the whole file; OSError, and then nothing has changed."""
        runs = array("I")
        readings = 0

        def found(_at, boot, seq, count):
            nonlocal readings
            readings += count
            _note(runs, boot, seq)

        with open(self.name, "rb") as file:
            size = os.stat(self.name)[6]
            header = segment.parse_header(file.read(segment.HEADER_BYTES))
            sound, damaged = segment.scan(file, size, found)
        self.size, self.header, self.damaged = size, header, damaged
        self._runs, self.readings, self._offsets = runs, readings, None
        self.sound = bool(header) and sound and not damaged
        return self

    def grow(self, boot, seq, readings, length):
        """A record of `length` bytes was written behind the end."""
        if self._offsets is not None:
            self._offsets.append(self.size)
        self.size += length
        self.readings += readings
        _note(self._runs, boot, seq)

    @property
    def boots(self):
        """How many boots have packs in it; 0: it is empty."""
        return len(self._runs) // 3

    def runs(self, backwards=False):
        """Yield (boot, first, last) of its packs, in their order."""
        count = len(self._runs)
        for at in range(count - 3, -1, -3) if backwards else range(0, count, 3):
            yield self._runs[at], self._runs[at + 1], self._runs[at + 2]

    def place(self, boot, seq):
        """The pack is the how-manieth in this file? -1: not in it."""
        at = 0
        for number, first, last in self.runs():
            if number == boot and first <= seq <= last:
                return at + seq - first
            at += last - first + 1
        return -1

    def unsettled(self, settled):
        """How many of its packs are not in `settled` (Ranges)."""
        count = 0
        for boot, first, last in self.runs():
            count += last - first + 1 - settled.count(boot, first, last)
        return count

    def read(self, boot, seq):
        """(payload, readings) of a pack that is in this file; None when it is damaged."""
        at = self.place(boot, seq)
        with open(self.name, "rb") as file:
            if self._offsets is None:
                self._offsets = self._index(file)
            found = None
            if at < len(self._offsets):
                found = segment.read_record(file, self._offsets[at], self.size)
        if found is None or found[0] != boot or found[1] != seq:
            return None
        return found[3], found[2]

    def forget_index(self):
        """Give back the memory that read() took."""
        self._offsets = None

    def _index(self, file):
        """Offsets of the records, in their order."""
        offsets = array("H" if self.size < 32768 else "I")

        def found(offset, boot, seq, _readings):
            at = self.place(boot, seq)
            while len(offsets) < at:
                offsets.append(0)  # damaged since the start: there is no record at 0
            if at == len(offsets):
                offsets.append(offset)

        segment.scan(file, self.size, found)
        return offsets


def _note(runs, boot, seq):
    if runs and runs[-3] == boot and runs[-1] == seq - 1:
        runs[-1] = seq
    else:
        runs.extend(array("I", (boot, seq, seq)))
