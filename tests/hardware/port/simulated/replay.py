"""Replays columns of a CSV file over time, one row each `step_s` seconds, again from the top at the end.

The file is read as time goes on and never held in memory. Lines that begin with # (source and licence) are skipped.
An empty cell is a missing value: the chip then behaves as if dead.
"""


class Replay:
    def __init__(self, file, columns, step_s=1, first_row=0, interpolate=False):
        """columns: quantity -> name of the column. first_row: the row that time 0 begins with."""
        self._file = open(file)
        line = self._line()
        while line.startswith("#"):
            line = self._line()
        header = line.split(",")
        self._columns = {}
        for quantity, column in columns.items():
            if column not in header:
                raise ValueError("%s has no column %r, only %s" % (file, column, ", ".join(header)))
            self._columns[quantity] = header.index(column)
        self._data = self._file.tell()
        self._step_ms = int(step_s * 1000)
        self._first_row = first_row
        self._interpolate = interpolate
        self._rows = None  # known once the end was reached
        self._index = -1  # of the row in self._row
        self._row = None
        self._next = self._line()
        if not self._next:
            raise ValueError("%s has no rows" % file)

    def _line(self):
        return self._file.readline().rstrip()

    def _go(self, index):
        """Makes `index` (counted over all rounds) the current row."""
        if self._rows:
            # Whole rounds are skipped, also when the process started long after the scenario.
            rounds = (index - self._index) // self._rows
            if rounds > 0:
                self._index += rounds * self._rows
        while self._index < index:
            self._index += 1
            self._row = self._next
            self._next = self._line()
            if not self._next:
                if self._rows is None:
                    self._rows = self._index + 1
                self._file.seek(self._data)
                self._next = self._line()

    def value(self, quantity, elapsed_ms):
        """The quantity's value (float) at this time, or None where it is missing. Time must not go backwards."""
        self._go(elapsed_ms // self._step_ms + self._first_row)
        column = self._columns[quantity]
        here = self._cell(self._row, column)
        if self._interpolate and here is not None:
            there = self._cell(self._next, column)
            if there is not None:
                here += (there - here) * (elapsed_ms % self._step_ms) / self._step_ms
        return here

    @staticmethod
    def _cell(row, column):
        cells = row.split(",")
        cell = cells[column] if column < len(cells) else ""
        return float(cell) if cell else None
