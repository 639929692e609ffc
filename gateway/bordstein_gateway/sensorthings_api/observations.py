"""Queries on Observations: what of a $filter the store's indexes serve, pages in the order of time or id, counts.

Bounds of phenomenonTime and id, and conditions on the Datastream alone, choose what is read; the rest is looked at
reading by reading, of which one request may do so many only (View.looks). Sorting by anything else than time or id
takes all that matches into memory, so that is bounded, too. Pages go on from the last reading's time or id, not by
counting.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from ..store.observing import HOUR_MS, MANY, Observed
from .evaluate import Compiler, conjuncts, holds
from .kinds import KINDS
from .options import Options
from .ordering import arranged, orders
from .ranges import IDENTITY, TIMES, Range, bounded
from .scan import Scan
from .syntax import Mistake
from .view import Observation, View

SORTED = 50_000
"""Readings that are sorted at most."""
SKIPPED = 100_000
"""Readings that $skip passes at most."""
COUNTED = 5_000_000
"""Readings between two times that are counted at most."""
_TOKEN = re.compile(r"(-?\d{1,18})\.(\d{1,18})")
_ORDERS: dict[tuple[str, ...], str] = {**dict.fromkeys(TIMES, "time"), **dict.fromkeys(IDENTITY, "id")}
_BOUND = "phenomenonTime ge 2026-11-24T00:00:00Z"


class Page(NamedTuple):
    """`token`: for the next page; None: there is none. `skip`: entities before the next page."""

    rows: list[Observation]
    token: str | None
    skip: int


class Query:
    """A $filter and $orderby on Observations, compiled once for a request. Mistake."""

    def __init__(self, view: View, options: Options) -> None:
        self._view = view
        self._options = options
        self._compiler = Compiler(KINDS["Observations"], view, "$filter")
        self._scan = Scan(view)
        self._bounds = Range(frozenset())
        self._of_stream: list[Callable[[Observation], bool]] = []
        self._rest: list[Callable[[Observation], bool]] = []
        for tree in conjuncts(options.filter) if options.filter is not None else ():
            self._sort_in(tree)
        self._orders = orders(options.orderby, KINDS["Observations"], view)

    def range(self, series: frozenset[int]) -> Range:
        """What of these series is wanted."""
        for fits in self._of_stream:
            series = frozenset(id for id in series if fits(Observation(Observed(0, id, 0, 0, 0, 0))))
        rest = self._rest
        condition = None
        if len(rest) == 1:
            condition = rest[0]
        elif rest:
            condition = lambda entity: all(fits(entity) for fits in rest)  # noqa: E731
        return self._bounds._replace(series=series, condition=condition)

    def page(self, series: frozenset[int], limit: int) -> Page:
        """The options' page of these series' Observations, `limit` at most."""
        wanted = self.range(series)
        order, descending = self._order(wanted)
        skip, token = self._options.skip, self._options.token
        if order == "value":
            return self._sorted(wanted, skip, limit)
        after = None
        if token is not None:
            match = _TOKEN.fullmatch(token)
            if match is None:
                raise Mistake(
                    "$skiptoken ist keines dieses Dienstes; @iot.nextLink folgen, wie es ist.",
                    "$skiptoken is none of this service; follow @iot.nextLink as it is.",
                )
            after = int(match[1]), int(match[2])
        elif skip > SKIPPED:
            raise Mistake(
                f"$skip übergeht höchstens {SKIPPED} Observations; @iot.nextLink folgen oder eingrenzen.",
                f"$skip passes {SKIPPED} Observations at most; follow @iot.nextLink, or narrow the filter.",
            )
        source = self._scan.by_id if order == "id" else self._scan.by_time
        few = limit + 1 + (skip if after is None else 0)
        rows = self._meeting(wanted, source(wanted, after, descending=descending, few=few))
        if after is None and skip:
            rows = islice(rows, skip, None)
        found: list[Observation] = []
        more = False
        for row in rows:
            if row is None:  # enough looked at for one request
                if not found:
                    raise _too_much(
                        "Zu viele Observations wären anzusehen",
                        "Too many Observations would have to be looked at",
                    )
                more = True
                break
            if len(found) == limit:
                more = True
                break
            found.append(row)
        more = more and limit > 0
        last = found[-1].row if found else None
        if last is None and more:
            return Page([], f"{after[0]}.{after[1]}" if after else None, skip)
        return Page(found, f"{last.time}.{last.id}" if last and more else None, skip + len(found))

    def count(self, series: frozenset[int]) -> int:
        """All that the filter lets through, whatever the page."""
        view, wanted = self._view, self.range(series)
        if wanted.condition is None and not wanted.numbered:
            if not wanted.timed:
                accounts = view.tally.accounts()
                return sum(accounts[id].readings for id in wanted.series if id in accounts)
            return self._count_between(wanted)
        count = 0
        source = self._scan.by_id if wanted.numbered and not wanted.timed else self._scan.by_time
        for row in self._meeting(wanted, source(wanted, None, descending=False)):
            if row is None:
                raise _too_much(
                    "$count: zu viele Observations wären anzusehen",
                    "$count: too many Observations would have to be looked at",
                )
            count += 1
        return count

    def newest_first(self, series: frozenset[int]) -> Iterator[Observation]:
        """For a path over Observations in another filter."""
        wanted = self.range(series)
        for row in self._meeting(wanted, self._scan.by_time(wanted, None, descending=True), every=True):
            if row is None:
                raise _too_much(
                    "$filter: zu viele Observations wären anzusehen",
                    "$filter: too many Observations would have to be looked at",
                )
            yield row

    # The parts of a filter

    def _sort_in(self, tree: Any) -> None:
        within = bounded(self._bounds, tree)
        if within is not None:
            self._bounds = within
            return
        made = self._compiler.expression(tree)
        of_stream = made.paths and all(path[0] in ("Datastream", "FeatureOfInterest") for path in made.paths)
        (self._of_stream if of_stream else self._rest).append(holds(made))

    def _order(self, wanted: Range) -> tuple[str, bool]:
        """("time", "id" or "value", whether descending)."""
        if not self._orders:
            # By id where that is what the log is read by anyway.
            by_id = wanted.numbered or (len(wanted.series) > MANY and not wanted.timed)
            return ("id" if by_id else "time"), False
        trees = [order.children[0] for order in self._options.orderby.children]
        names = [_ORDERS.get(tuple(map(str, tree.children))) if tree.data == "path" else None for tree in trees]
        descending = self._orders[0][1]
        if names[0] == "id" and not wanted.timed:
            return "id", descending
        if names[0] == "time" and all(
            name and down == descending for name, (_, down) in zip(names, self._orders, strict=True)
        ):
            return "time", descending
        return "value", False

    # Reading

    def _meeting(
        self, wanted: Range, rows: Iterable[Observed | None], *, every: bool = False
    ) -> Iterator[Observation | None]:
        """Those that meet the condition and the bounds; None when this request has looked at enough."""
        view, condition = self._view, wanted.condition
        counted = condition is not None or every or wanted.numbered
        for row in rows:
            if row is None:
                yield None
                return
            if counted:
                view.looks -= 1
                view.in_time()
                if view.looks < 0:
                    yield None
                    return
            if row.series not in wanted.series or not wanted.first <= row.id <= wanted.last:
                continue
            if not wanted.from_ms <= row.time < wanted.to_ms:
                continue
            entity = Observation(row)
            if condition is None or condition(entity):
                yield entity

    def _sorted(self, wanted: Range, skip: int, limit: int) -> Page:
        found: list[Observation] = []
        for row in self._meeting(wanted, self._scan.by_time(wanted, None, descending=False)):
            if row is None or len(found) == SORTED:
                raise _too_much(
                    f"$orderby: mehr als {SORTED} Observations lassen sich so nicht sortieren",
                    f"$orderby: more than {SORTED} Observations can't be sorted so",
                )
            found.append(row)
        found = arranged(found, self._orders)
        page = found[skip : skip + limit]
        more = limit > 0 and skip + limit < len(found)
        return Page(page, "0.0" if more else None, skip + len(page))

    def _count_between(self, wanted: Range) -> int:
        self._view.in_time()
        low, high = self._scan.span(wanted)
        named = self._scan.named(wanted)
        store = self._view.store
        if named is None and len(wanted.series) == len(self._view.catalogue.streams):
            groups: list[list[int] | None] = [None]
        else:
            some = sorted(wanted.series)
            groups = [some[place : place + MANY] for place in range(0, len(some), MANY)]
        count = 0
        for group in groups:
            if group is not None and (high - low) // HOUR_MS * len(group) > COUNTED:
                raise _too_much(
                    "$count: zu viele Datastreams und Stunden",
                    "$count: too many Datastreams and hours",
                )
            count += store.count_between(low, high, group, COUNTED + 1 - count)
            if count > COUNTED:
                raise _too_much(
                    f"$count: mehr als {COUNTED} Observations werden nicht einzeln gezählt",
                    f"$count: more than {COUNTED} Observations are not counted one by one",
                )
        return count


def _too_much(de: str, en: str) -> Mistake:
    return Mistake(
        f"{de}; einen Datastream nennen oder Grenzen wie in {_BOUND}.",
        f"{en}; name a Datastream, or bounds as in {_BOUND}.",
    )
