"""The spool: packs wait here, in flash, until the gateway has said that it stored them. Nothing else deletes them.

A ring of append-only segment files (segment.py has their format) in one folder of a littlefs volume:
* append() numbers a pack (boot, seq) and returns when it is in flash for good: littlefs makes each flush whole or not
  at all. With batch_ms > 0 packs wait in RTC memory first (outlives resets and sleep, not a power cut), go out from
  there, and only those that got no receipt in time are written, together: few erases or none, for the price of what a
  power cut may take.
* oldest(), newest() and read() are for sending; any pack may be read again at any time.
* settle(boot, first, last) takes a receipt. A file goes when all its packs are settled. What was settled is not written
  down: after a restart such packs go out again, and the gateway knows them by their number.
* when there is no room, the oldest file goes; its unsettled packs are counted in `dropped`. No room is there, too, for
  more starts than memory can keep apart.
* a file that can't be read is left alone and counted in `corrupt`; a pack that flash did not take has a number all the
  same, so that the gateway sees what is missing.

`state` in the same folder (spoolstate.py) keeps the boot number, `dropped`, `taken` and the number of the first file
that counts. It is written before what it says is done; a file that should be gone by then is removed at the next start.
"""

import errno
import gc
import os

from micropython import const

from bordstein import segment, spoolstate
from bordstein.batch import Batch
from bordstein.log import say
from bordstein.ranges import Ranges
from bordstein.segmentfile import SegmentFile

_BLOCK = const(4096)  # of littlefs: what a file at least takes, and what an emptied one may keep
_ENOSPC = const(28)  # the boards' errno module does not have it
_RUNS = const(4)  # settled runs that are remembered over sleep
_BOOTS = const(1500)  # runs of packs that memory has room for (18 kB)


class Spool:
    """max_bytes: flash that all files together may take. batch_ms: longest wait of packs in RTC memory; 0 = none.

    boot_above: number that the boot number has to be larger than, for the case that the state is lost. slept: what
    rest() gave before deep sleep: the boot goes on, and flash is only looked at when it is needed.
    """

    def __init__(self, path="spool", max_bytes=524288, segment_bytes=16384, batch_ms=0, boot_above=0, slept=None):
        self._path = path
        self._max = max_bytes
        self._segment_bytes = segment_bytes
        self.batch_ms = batch_ms
        self._file = None  # of the last segment, open for appending
        self._segments = []  # SegmentFile, oldest first
        self._indexed = []  # the two of them that were read from last
        self._settled = Ranges()
        self._batch = Batch()
        self.corrupt = 0  # damaged records seen since the start
        self.seq = 0
        self._last = 0  # number of the newest file there ever was
        self.boot = boot_above
        self.dropped = self.taken = self._first = 0
        self._opened = False
        if slept:
            self.boot, self.seq, self.taken = slept[:3]
            for boot, first, last in slept[3]:
                self._settled.add(boot, first, last)
            self._batch.recover()
        else:
            self._open()
            self._recover()
            self._begin_boot()

    # What is held

    @property
    def next(self):
        """The number (boot, seq) that the next pack will get."""
        return self.boot, self.seq

    @property
    def batched(self):
        """Packs that wait in RTC memory."""
        return len(self._batch.entries)

    @property
    def packs(self):
        """Packs that wait, those in RTC memory included."""
        self._open()
        return sum([item.unsettled(self._settled) for item in self._segments]) + len(self._batch.entries)

    # Writing

    def append(self, payload, readings):
        """Take a pack (bytes) with this many readings; returns its number (boot, seq).

        It is durable then, unless batching. Raises ValueError when it is larger than a segment (it gets no number),
        OSError when flash fails (its number is used up).
        """
        if len(payload) + segment.RECORD_BYTES + segment.HEADER_BYTES > self._segment_bytes:
            raise ValueError("a pack of %d bytes is too large for the spool" % len(payload))
        entry = (self.boot, self.seq, readings, segment.RECORD_BYTES + len(payload))
        record = segment.record(self.boot, self.seq, readings, payload)
        try:
            if not self.batch_ms or not self._batch.fits(record):
                self.flush()
            if self.batch_ms and self._batch.fits(record):
                self._batch.add(record, entry)
            else:
                self._write(record, [entry])
        finally:
            self.seq += 1
            self.taken += readings
        return entry[0], entry[1]

    def flush(self):
        """Write what waits in RTC memory to flash."""
        if self._batch.entries:
            self._open()
        while self._batch.entries:
            last = self._segments[-1] if self._segments else None
            room = self._segment_bytes - (last.size if last and last.sound else segment.HEADER_BYTES)
            data, entries = self._batch.head(room)
            if not entries:
                data, entries = self._batch.head(self._segment_bytes - segment.HEADER_BYTES)
            self._write(data, entries)
            self._batch.remove(len(entries))

    def _write(self, data, entries):
        """Append whole records to flash. After an error the last file is looked at anew."""
        self._open()
        attempts = 0
        while True:
            last = self._segments[-1] if self._segments else None
            try:
                if last is None or not last.sound or last.size + len(data) > self._segment_bytes:
                    last = self._begin(data)
                else:
                    self._file = self._file or open(last.name, "ab")
                    self._file.write(data)
                    self._file.flush()
                break
            except OSError as error:
                self._close()
                attempts += 1
                if error.errno == _ENOSPC and self._drop():
                    continue
                if attempts > 1:
                    raise
                if last:
                    if last.scan().place(entries[-1][0], entries[-1][1]) >= 0:
                        return  # it is in flash after all
                    # The failed file object may still write when it is collected: never again into this file.
                    last.sound = False
        for entry in entries:
            last.grow(*entry)

    def _begin(self, data):
        """Begin a new file with these records, after making room for it."""
        self._close()
        room = self._max - _whole_blocks(self._segment_bytes)
        while self._segments and sum([_whole_blocks(item.size) for item in self._segments]) > room:
            self._drop()
        item = SegmentFile(self._path, max(self._first, self._last + 1))
        self._file = open(item.name, "wb")
        try:
            self._file.write(segment.header(self.dropped, self._written()))
            self._file.write(data)
            self._file.flush()
        except OSError:
            self._close()
            os.remove(item.name)
            raise
        self._last = item.number
        item.size = segment.HEADER_BYTES
        item.sound = True
        self._segments.append(item)
        return item

    def _written(self):
        """Readings taken that are in flash, or were."""
        return self.taken - self._batch.readings

    def _drop(self):
        """Give up the oldest file; False when there is none."""
        if not self._segments:
            return False
        self._close()
        oldest = self._segments[0]
        count = oldest.unsettled(self._settled)
        self.dropped += count
        try:
            self._save(oldest.number + 1)
        except OSError as error:
            if error.errno != _ENOSPC:
                self.dropped -= count
                raise
            # No room even for that: the header of the next file says it.
            self._first = oldest.number + 1
        self._segments.pop(0)
        self._remove(oldest)
        return True

    # Reading

    def _runs(self, backwards=False):
        """Yield (boot, first, last) of all that is held, oldest first or newest first."""
        self._open()
        waiting = [(entry[0], entry[1], entry[1]) for entry in self._batch.entries]
        if backwards:
            yield from reversed(waiting)
        for item in reversed(self._segments) if backwards else self._segments:
            yield from item.runs(backwards)
        if not backwards:
            yield from waiting

    def oldest(self, skip):
        """Number of the oldest pack that is neither settled nor in `skip` (Ranges), or None."""
        for boot, first, last in self._runs():
            while True:
                first = self._settled.first_free(boot, first, last)
                free = skip.first_free(boot, first, last) if first >= 0 else -1
                if free < 0:
                    break
                if free == first:
                    return boot, first
                first = free
        return None

    def newest(self, skip):
        """Number of the newest pack that is neither settled nor in `skip` (Ranges), or None."""
        for boot, first, last in self._runs(True):
            while True:
                last = self._settled.last_free(boot, first, last)
                free = skip.last_free(boot, first, last) if last >= 0 else -1
                if free < 0:
                    break
                if free == last:
                    return boot, last
                last = free
        return None

    def read(self, boot, seq):
        """(payload, readings) of a pack, or None: not held, or damaged (counted, and never offered again)."""
        self._open()
        waiting = self._batch.read(boot, seq)
        if waiting:
            return waiting
        for item in self._segments:
            if item.place(boot, seq) >= 0:
                break
        else:
            return None
        if item not in self._indexed:
            # Reading oldest and newest in turn needs two files' indexes, and no more.
            self._indexed.append(item)
            if len(self._indexed) > 2:
                self._indexed.pop(0).forget_index()
        found = item.read(boot, seq)
        if found is None:
            self.corrupt += 1
            self.settle(boot, seq, seq)
        return found

    # Receipts

    def settle(self, boot, first, last):
        """The gateway has boot's packs first..last for good. What is not held is not touched."""
        self._open()
        self._batch.settle(boot, first, last)
        for item in self._segments[:]:
            touched = False
            for number, low, high in item.runs():
                if number == boot and low <= last and high >= first:
                    self._settled.add(boot, max(low, first), min(high, last))
                    touched = True
            if touched and not item.unsettled(self._settled):
                self._discard(item)

    def _discard(self, item):
        """Remove a file of which all is settled. The one that is written to stays until it is worth a new file."""
        if item is self._segments[-1]:
            if item.sound and item.size < min(_BLOCK, self._segment_bytes // 2):
                return
            self._close()
            # It was the one that knew how many readings were taken.
            self._save(item.number + 1 if len(self._segments) == 1 else self._first)
        self._segments.remove(item)
        self._remove(item)

    def _remove(self, item):
        for boot, first, last in item.runs():
            self._settled.remove(boot, first, last)
        if item in self._indexed:
            self._indexed.remove(item)
        os.remove(item.name)

    # Files

    def _close(self):
        file = self._file
        self._file = None
        if file:
            try:
                file.close()
            except OSError:
                pass  # all that counts was flushed

    def close(self):
        """Flush and let go of the files."""
        self.flush()
        self._close()

    def rest(self):
        """Let go of the files before deep sleep, which RTC memory outlives; what is to be given as `slept` after it."""
        self._close()
        # What of the receipts is not remembered goes out again, and the gateway knows it.
        return self.boot, self.seq, self.taken, self._settled.runs[-_RUNS:]

    def _save(self, first):
        spoolstate.save(self._path, self.boot, self.dropped, self._written(), first)
        self._first = first

    def _open(self):
        """Look at what is in flash, once."""
        if self._opened:
            return
        self._opened = True
        boot, self.dropped, known, self._first = spoolstate.load(self._path)
        self.boot = max(boot, self.boot)
        self.taken = max(known, self.taken)
        try:
            os.mkdir(self._path)
        except OSError as error:
            if error.errno != errno.EEXIST:
                raise
        taken = 0
        for name in sorted(os.listdir(self._path)):
            if not name.endswith(".seg") or not name[:-4].isdigit():
                continue
            item = SegmentFile(self._path, int(name[:-4]))
            self._last = max(self._last, item.number)
            try:
                if item.number < self._first or not item.scan().boots:
                    os.remove(item.name)
            except OSError as error:
                say("spool: %s can't be used, it is left alone: %r" % (item.name, error))
                self.corrupt += 1
                continue
            self.corrupt += item.damaged
            if item.header:
                self.dropped = max(self.dropped, item.header[0])
                taken = max(taken, item.header[1])
            taken += item.readings
            if item.boots:
                self._segments.append(item)
                for boot, _, _ in item.runs():
                    self.boot = max(self.boot, boot)
            gc.collect()  # or the records' garbage lies between what stays
        self.taken = max(self.taken, taken)
        while sum([item.boots for item in self._segments]) > _BOOTS:
            self._drop()

    def _begin_boot(self):
        self.boot += 1
        while True:
            try:
                self._save(self._first)
                break
            except OSError as error:
                if error.errno != _ENOSPC or not self._drop():
                    raise

    def _recover(self):
        """What waited in RTC memory at a reset is written now, unless it had reached flash already."""
        batch = self._batch
        batch.recover()
        self.taken += batch.readings
        while batch.entries:
            entry = batch.entries[0]
            self.boot = max(self.boot, entry[0])
            if all(item.place(entry[0], entry[1]) < 0 for item in self._segments):
                self._write(batch.data[: entry[3]], [entry])
            else:
                self.taken -= entry[2]
            batch.remove(1)


def _whole_blocks(size):
    return (size + _BLOCK - 1) // _BLOCK * _BLOCK
