"""Sets of pack numbers, kept as merged runs [boot, first, last] in order: small however many packs they hold."""


class Ranges:
    def __init__(self):
        self.runs = []

    def add(self, boot, first, last):
        """Add boot's numbers first..last."""
        runs = self.runs
        at = 0
        while at < len(runs) and (runs[at][0] < boot or (runs[at][0] == boot and runs[at][2] < first - 1)):
            at += 1
        while at < len(runs) and runs[at][0] == boot and runs[at][1] <= last + 1:
            first = min(first, runs[at][1])
            last = max(last, runs[at][2])
            del runs[at]
        runs.insert(at, [boot, first, last])

    def remove(self, boot, first, last):
        """Take boot's numbers first..last out, as far as they are in."""
        kept = []
        for run in self.runs:
            if run[0] != boot or run[2] < first or run[1] > last:
                kept.append(run)
                continue
            if run[1] < first:
                kept.append([boot, run[1], first - 1])
            if run[2] > last:
                kept.append([boot, last + 1, run[2]])
        self.runs = kept

    def clear(self):
        self.runs = []

    def count(self, boot, first, last):
        """How many of first..last are in."""
        total = 0
        for run in self.runs:
            if run[0] == boot and run[1] <= last and run[2] >= first:
                total += min(run[2], last) - max(run[1], first) + 1
        return total

    def first_free(self, boot, first, last):
        """The smallest of first..last that is not in, or -1."""
        for run in self.runs:
            if run[0] == boot and run[1] <= first <= run[2]:
                first = run[2] + 1
        return first if first <= last else -1

    def last_free(self, boot, first, last):
        """The largest of first..last that is not in, or -1."""
        for run in reversed(self.runs):
            if run[0] == boot and run[1] <= last <= run[2]:
                last = run[1] - 1
        return last if last >= first else -1
