"""The account of packs: which running numbers are here, which must exist and are not. Pure.

A board numbers its packs 0, 1, 2, … within each boot, without holes. Rules of the account, all in packs:

* A pack belongs to the UTC day of its last record; an unreadable one to the day it came in.
* arrived: packs that are here for good, late and refused ones included, each once however often it was delivered.
* missing: numbers below one that is here, and below the `next` of the boot's last `state` message.
  A gap counts for the day of the first pack above it, a gap at the end for the day on which that `next` was first said.
* expected = arrived + missing.
* What a board sent before this gateway knew it is not missing: of the first boot that a pack came from, if that is
  not boot 1, numbers below the smallest that arrived don't count, and no number of a boot before it.
* A number that comes a second time with readings that are all new means that the board's flash was erased and it
  counts from the beginning: a new life, with an account of its own, for which the same rules hold. (Not if what came
  first under that number could not be read.)
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

DAY_MS = 86_400_000

LIFE_SHIFT = 32
"""Ledger key of a boot: life << LIFE_SHIFT | boot, so that a board that begins anew has new keys."""

BOOT = (1 << LIFE_SHIFT) - 1
"""Mask: the boot in a ledger key."""

Row = list[int]
"""[lo, hi, day]: numbers lo..hi, all of one day (days since 1970)."""


def _lo(row: Row) -> int:
    return row[0]


class Ranges:
    """The numbers of one boot that are here, as rows that neither overlap nor touch within a day.

    `changed` and `gone` name the rows (by lo) to be written and to be deleted since the last taken().
    """

    __slots__ = ("changed", "gone", "rows")

    def __init__(self, rows: Iterable[tuple[int, int, int]] = ()) -> None:
        self.rows: list[Row] = sorted([lo, hi, day] for lo, hi, day in rows)
        self.changed: set[int] = set()
        self.gone: set[int] = set()

    def add(self, seq: int, day: int) -> bool:
        """Note a number; False if it was here before."""
        rows = self.rows
        if rows:
            last = rows[-1]
            if seq == last[1] + 1 and day == last[2]:  # the usual case: the next one
                last[1] = seq
                self.changed.add(last[0])
                return True
        place = bisect_right(rows, seq, key=_lo)
        left = rows[place - 1] if place else None
        if left is not None and seq <= left[1]:
            return False
        right = rows[place] if place < len(rows) else None
        if left is not None and (left[1] != seq - 1 or left[2] != day):
            left = None
        if right is not None and (right[0] != seq + 1 or right[2] != day):
            right = None
        if right is not None:
            del rows[place]
            self.changed.discard(right[0])
            self.gone.add(right[0])
        hi = seq if right is None else right[1]
        if left is not None:
            left[1] = hi
            self.changed.add(left[0])
        else:
            rows.insert(place, [seq, hi, day])
            self.changed.add(seq)
            self.gone.discard(seq)
        return True

    def day_of(self, seq: int) -> int:
        """The day of a number that is here."""
        return self.rows[bisect_right(self.rows, seq, key=_lo) - 1][2]

    def taken(self) -> tuple[list[Row], list[int]]:
        """(rows to write, lo of rows to delete) since the last call; deletions have to be done first."""
        changed = [row for row in self.rows if row[0] in self.changed] if len(self.changed) > 1 else self._one()
        gone = list(self.gone)
        self.changed.clear()
        self.gone.clear()
        return changed, gone

    def _one(self) -> list[Row]:
        if not self.changed:
            return []
        (lo,) = self.changed
        return [self.rows[bisect_right(self.rows, lo, key=_lo) - 1]]


class Missing(NamedTuple):
    """Numbers lo..hi of a boot that are not here, counted for `day`."""

    boot: int
    lo: int
    hi: int
    day: int


class Next(NamedTuple):
    """What a boot's last `state` message said: the next pack of this boot (a ledger key) will be number seq."""

    boot: int
    seq: int
    day: int


def missing(boots: Mapping[int, list[Row]], following: Iterable[Next] = ()) -> Iterator[Missing]:
    """The gaps of one device, by ledger key and number. `boots`: rows, sorted, by ledger key."""
    ends = {end.boot: end for end in following}
    first: dict[int, int] = {}  # life -> the first boot that a pack came from
    for key in sorted(boots):
        first.setdefault(key >> LIFE_SHIFT, key)
    for key in sorted({*boots, *ends}):
        begin = first.get(key >> LIFE_SHIFT)
        if begin is None or key < begin:
            continue
        rows = boots.get(key, [])
        wanted = rows[0][0] if key == begin and key & BOOT != 1 else 0
        for lo, hi, day in rows:
            if lo > wanted:
                yield Missing(key, wanted, lo - 1, day)
            wanted = hi + 1
        if key in ends and ends[key].seq > wanted:
            yield Missing(key, wanted, ends[key].seq - 1, ends[key].day)


def merge(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Numbers in any order, some more than once, as ranges (lo, hi)."""
    ranges: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ranges
