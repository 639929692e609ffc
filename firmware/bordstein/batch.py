"""Packs that wait in RTC memory to be sent, or to be written to flash together. It outlives resets and sleep, not a
power cut."""

from bordstein import retained, segment


class Batch:
    """data: the records (segment.record), one behind the other; entries: (boot, seq, readings, length) of each."""

    def __init__(self):
        self.data = b""
        self.entries = []

    def recover(self):
        """Take what a former start left; what is damaged, and all behind it, is not taken."""
        self.data = retained.load(retained.BATCH)
        at = 0
        while at < len(self.data):
            found = segment.parse_record(self.data, at)
            if found is None:
                break
            length = segment.RECORD_BYTES + len(found[3])
            self.entries.append((found[0], found[1], found[2], length))
            at += length
        self.data = self.data[:at]

    @property
    def readings(self):
        return sum([entry[2] for entry in self.entries])

    def fits(self, record):
        return len(self.data) + len(record) <= retained.capacity(retained.BATCH)

    def add(self, record, entry):
        self.data += record
        self.entries.append(entry)
        retained.store(retained.BATCH, self.data)

    def read(self, boot, seq):
        """(payload, readings) of a pack, or None: it is not here."""
        at = 0
        for entry in self.entries:
            if entry[0] == boot and entry[1] == seq:
                found = segment.parse_record(self.data, at)
                return found and (found[3], found[2])
            at += entry[3]
        return None

    def head(self, room):
        """(records, entries) of as many of the first as fit into so many bytes."""
        size = count = 0
        for entry in self.entries:
            if size + entry[3] > room:
                break
            size += entry[3]
            count += 1
        return self.data[:size], self.entries[:count]

    def remove(self, count):
        """Forget the first so many: they are in flash."""
        size = sum([entry[3] for entry in self.entries[:count]])
        self.data = self.data[size:]
        self.entries = self.entries[count:]
        retained.store(retained.BATCH, self.data)

    def settle(self, boot, first, last):
        """Forget boot's packs first..last: the gateway has them."""
        data, entries, at = b"", [], 0
        for entry in self.entries:
            if entry[0] != boot or not first <= entry[1] <= last:
                data += self.data[at : at + entry[3]]
                entries.append(entry)
            at += entry[3]
        if len(entries) < len(self.entries):
            self.data, self.entries = data, entries
            retained.store(retained.BATCH, data)
