"""Readings of a range from the store, in the order of their time or id, as many as somebody takes."""

from collections.abc import Iterator

from ..store.observing import HOUR_MS, MANY, Observed
from .ranges import Range
from .view import View

_CHUNK = 1000
_WIDEST_H = 24 * 64
_IDS = 200_000
_MOST_IDS = 20_000_000


class Scan:
    """For one request. `after`: the (time, id) behind which to go on."""

    def __init__(self, view: View) -> None:
        self._view = view

    def named(self, wanted: Range) -> list[int] | None:
        """The series to ask the store for; None: all."""
        few = len(wanted.series) <= MANY
        return sorted(wanted.series) if few and not (self._view.whole and wanted.series == self._view.series) else None

    def span(self, wanted: Range) -> tuple[int, int]:
        """The time in which any of these series has readings at all, within the wanted one."""
        view = self._view
        newest = [view.store.newest[id][0] for id in wanted.series if id in view.store.newest]
        if not newest:
            return 0, 0
        accounts = view.accounts
        firsts = [accounts[id].first for id in wanted.series if id in accounts]
        low = min(firsts, default=0) if len(firsts) == len(newest) else 0
        return max(wanted.from_ms, low), min(wanted.to_ms, max(newest) + 1, view.latest_ms)

    def by_time(
        self, wanted: Range, after: tuple[int, int] | None, *, descending: bool, few: int = _CHUNK
    ) -> Iterator[Observed | None]:
        """From window to window, each of them wider as long as little is in them. `few`: how many may do."""
        low, high = self.span(wanted)
        if after is not None:
            low, high = (low, min(high, after[0] + 1)) if descending else (max(low, after[0]), high)
        named = self.named(wanted)
        store = self._view.store
        chunk = min(few, _CHUNK)
        width = 1
        while low < high:
            self._view.in_time()
            edge = store.nearest_hour((high - 1 if descending else low) // HOUR_MS, descending=descending)
            if edge is None or (edge < low // HOUR_MS if descending else edge > (high - 1) // HOUR_MS):
                return
            if descending:
                begin, end = max(low, (edge - width + 1) * HOUR_MS), min(high, (edge + 1) * HOUR_MS)
                high = begin
            else:
                begin, end = max(low, edge * HOUR_MS), min(high, (edge + width) * HOUR_MS)
                low = end
            while True:
                rows = store.observed_between(begin, end, named, chunk, descending=descending, after=after)
                yield from rows
                if len(rows) < chunk:
                    break
                chunk = _CHUNK
                after = rows[-1].time, rows[-1].id
                begin, end = (begin, after[0] + 1) if descending else (after[0], end)
            if len(rows) < chunk // 4 or not rows:
                width = min(width * 4, _WIDEST_H if named is not None and len(named) <= 24 else 24)

    def by_id(
        self, wanted: Range, after: tuple[int, int] | None, *, descending: bool, few: int = _CHUNK
    ) -> Iterator[Observed | None]:
        """The same by id; None when the log was looked through for long enough."""
        first, last = max(wanted.first, 1), min(wanted.last, self._view.store.newest_id())
        if after is not None:
            first, last = (first, min(last, after[1] - 1)) if descending else (max(first, after[1] + 1), last)
        named = self.named(wanted)
        store, passed, chunk = self._view.store, 0, min(few, _CHUNK)
        while first <= last:
            self._view.in_time()
            if passed > _MOST_IDS:
                yield None
                return
            begin, end = (max(first, last - _IDS + 1), last) if descending else (first, min(last, first + _IDS - 1))
            rows = store.observed_by_id(begin, end, named, chunk, descending=descending)
            yield from (row for row in rows if row.time < self._view.latest_ms)
            if len(rows) == chunk:
                begin, end = (rows[-1].id, end) if descending else (begin, rows[-1].id)
            passed += end - begin + 1
            first, last = (first, begin - 1) if descending else (end + 1, last)
            chunk = _CHUNK
