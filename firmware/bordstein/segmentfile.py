"""One file of the spool: which packs it holds and where. The format is segment.py's, the policy spool.py's."""

import os
from array import array

from bordstein import segment


class SegmentFile:
    """number: of the file; size: bytes; runs: packs in it as [boot, first, last], in their order; sound: one may write
    behind its end; header: (dropped, taken) at its beginning, or None when damaged; damaged: places that are."""

    def __init__(self, folder, number):
        self.number = number
        self.name = "%s/%08d.seg" % (folder, number)
        self.size = 0
        self.runs = []
        self.readings = 0
        self.sound = False
        self.header = None
        self.damaged = 0
        self._offsets = None

    def scan(self):
        """Read the whole file; OSError."""
        self.size = os.stat(self.name)[6]
        self.runs = []
        self.readings = 0
        self._offsets = None
        with open(self.name, "rb") as file:
            self.header = segment.parse_header(file.read(segment.HEADER_BYTES))
            sound, self.damaged = segment.scan(file, self.size, lambda _at, *record: self._note(*record))
        self.sound = bool(self.header) and sound and not self.damaged
        return self

    def grow(self, boot, seq, readings, length):
        """A record of `length` bytes was written behind the end."""
        if self._offsets is not None:
            self._offsets.append(self.size)
        self.size += length
        self._note(boot, seq, readings)

    def _note(self, boot, seq, readings):
        self.readings += readings
        if self.runs:
            run = self.runs[-1]
            if run[0] == boot and run[2] == seq - 1:
                run[2] = seq
                return
        self.runs.append([boot, seq, seq])

    def place(self, boot, seq):
        """The pack is the how-manieth in this file? -1: not in it."""
        at = 0
        for run in self.runs:
            if run[0] == boot and run[1] <= seq <= run[2]:
                return at + seq - run[1]
            at += run[2] - run[1] + 1
        return -1

    def unsettled(self, settled):
        """How many of its packs are not in `settled` (Ranges)."""
        return sum([run[2] - run[1] + 1 - settled.count(run[0], run[1], run[2]) for run in self.runs])

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
