"""Receipts: telling boards which packs are stored for good, so that they may delete them. Pure: no clock, no network.

A receipt names only packs that arrived since the last one (also those that came a second time), never older numbers
from the account: a board whose flash was erased counts from the beginning, and numbers of its former life must not make
it delete packs it has not sent yet.
"""

from collections.abc import Iterator

import msgspec

from ..boards.ledger import merge

PAUSE_S = 1.0
"""At most one receipt a device in this time."""
MOST_RANGES = 50
"""Ranges in one receipt; a board reads it into a small heap. The rest follows in the next one."""

_encode = msgspec.json.encode


class Receipts:
    """What has to be said to which board. add() after the commit, take() as often as you like."""

    def __init__(self) -> None:
        self._due: dict[str, dict[int, set[int]]] = {}  # device -> boot -> numbers
        self._last: dict[str, float] = {}
        self._trials: dict[str, tuple[int, int]] = {}  # device -> boot, version

    def __len__(self) -> int:
        return len(self._due) + len(self._trials)

    def add(self, device: str, boot: int, seq: int) -> None:
        """A pack is on disk."""
        try:
            self._due[device][boot].add(seq)
        except KeyError:
            self._due.setdefault(device, {}).setdefault(boot, set()).add(seq)

    def add_trial(self, device: str, boot: int, version: int) -> None:
        """A board's report that a configuration is on trial in this boot is on disk: it waits for an answer."""
        self._trials[device] = boot, version

    def take(self, now: float, utc: int, *, all_of_them: bool = False) -> Iterator[tuple[str, bytes]]:
        """(device, payload) of the receipts that are due at `now` (monotonic seconds); `utc` goes into them as time.

        They count as said. `all_of_them`: also where the pause is not over (before a stop).
        """
        while self._trials:
            device, (boot, version) = self._trials.popitem()
            yield device, _encode({"boot": boot, "config": version, "time": utc})
        due = [device for device in self._due if all_of_them or now - self._last.get(device, -PAUSE_S) >= PAUSE_S]
        for device in due:
            self._last[device] = now
            boots = self._due.pop(device)
            ranges = [(boot, lo, hi) for boot in sorted(boots) for lo, hi in merge(boots[boot])]
            for boot, lo, hi in ranges[MOST_RANGES:]:
                self._due.setdefault(device, {}).setdefault(boot, set()).update(range(lo, hi + 1))
            yield device, encode(ranges[:MOST_RANGES], utc)

    def wait(self, now: float) -> float | None:
        """Seconds until the next receipt is due; None: nothing to say."""
        if self._trials:
            return 0.0
        if not self._due:
            return None
        return max(0.0, min(self._last.get(device, -PAUSE_S) + PAUSE_S - now for device in self._due))


def encode(ranges: list[tuple[int, int, int]], utc: int) -> bytes:
    """The payload for ranges (boot, lo, hi), at least one: the newest in boot/from/seq, the others in `more`."""
    boot, lo, hi = ranges[-1]
    receipt: dict[str, object] = {"boot": boot, "seq": hi}
    if lo:
        receipt["from"] = lo
    if len(ranges) > 1:
        receipt["more"] = ranges[:-1]
    receipt["time"] = utc
    return _encode(receipt)
