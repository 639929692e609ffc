"""Any stream of readings, against a slow evaluation that begins anew with the whole history at each moment."""

from collections.abc import Callable
from statistics import mean, median
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gateway.ruling import MINUTE, Street

AGE = 10
"""max_age, in minutes like all times here."""
Three = bool | None
Values = dict[str, Any]


class Came(NamedTuple):
    """A reading: when it came, when it was measured, of what."""

    at: int
    time: int
    property: str
    value: Any
    flags: int


class Case(NamedTuple):
    """A sheet, and what it means: of the signals' values."""

    signal: str
    fires: str
    clears: str
    fire: Callable[[Values], Three]
    over: Callable[[Values], Three]


def both(one: Three, other: Three) -> Three:
    return False if one is False or other is False else None if one is None or other is None else True


def either(one: Three, other: Three) -> Three:
    return None if (no := both(opposite(one), opposite(other))) is None else not no


def opposite(one: Three) -> Three:
    return None if one is None else not one


def more(value: float | None, than: float) -> Three:
    return None if value is None else value > than


AIR = f'[signal.air]\nproperty = "air_temperature"\nmax_age = "{AGE}m"\n'
SILENT = '[signal.silent]\ntake = "silence"\n'
CASES = [
    Case("", "fill > 0.6", "", lambda v: more(v["fill"], 0.6), lambda v: opposite(more(v["fill"], 0.6))),
    Case(
        "",
        "fill > 0.6",
        "fill < 0.3",
        lambda v: more(v["fill"], 0.6),
        lambda v: None if v["fill"] is None else v["fill"] < 0.3,
    ),
    Case(
        AIR,
        "fill > 0.6 && air > 5",
        "",
        lambda v: both(more(v["fill"], 0.6), more(v["air"], 5)),
        lambda v: opposite(both(more(v["fill"], 0.6), more(v["air"], 5))),
    ),
    Case(
        AIR,
        "fill > 0.6 || air > 5",
        "air < 8",
        lambda v: either(more(v["fill"], 0.6), more(v["air"], 5)),
        lambda v: None if v["air"] is None else v["air"] < 8,
    ),
    Case(
        SILENT,
        "fill > 0.6 || silent > 0.1",
        "",
        lambda v: either(more(v["fill"], 0.6), more(v["silent"], 0.1)),
        lambda v: opposite(either(more(v["fill"], 0.6), more(v["silent"], 0.1))),
    ),
]
Kept = list[tuple[int, float]]


def lately(kept: Kept, at: int) -> list[float]:
    return [value for time, value in kept if time > at - 5]


def change(kept: Kept, at: int) -> float | None:
    some = [one for one in kept if one[0] >= at - 5]
    return some[-1][1] - some[0][1] if some and some[-1][0] - some[0][0] >= 2.5 else None


TAKES: dict[str, Callable[[Kept, int], float | None]] = {
    "": lambda kept, _: kept[-1][1],
    'take = "mean"\nover = "5m"\n': lambda kept, at: mean(some) if (some := lately(kept, at)) else None,
    'take = "max"\nover = "5m"\n': lambda kept, at: max(lately(kept, at), default=None),
    'take = "change"\nover = "5m"\n': change,
    'take = "median"\nlast = 3\n': lambda kept, _: median(v for _, v in row(kept)[-3:]) if len(row(kept)) > 2 else None,
}


def row(kept: Kept) -> Kept:
    """Those since the last gap."""
    breaks = [place for place in range(1, len(kept)) if kept[place][0] - kept[place - 1][0] > AGE]
    return kept[max(breaks, default=0) :]


class Rule(NamedTuple):
    case: Case
    take: str
    hold: int
    clears_for: int
    cooldown: int
    n: int
    m: int

    @property
    def text(self) -> str:
        text = f'[signal.fill]\nproperty = "fill_level"\nmax_age = "{AGE}m"\n{self.take}{self.case.signal}[condition]\n'
        text += f'fires = "{self.case.fires}"\n'
        text += f'clears = "{self.case.clears}"\n' if self.case.clears else ""
        for key, value in (("for", self.hold), ("clears_for", self.clears_for), ("cooldown", self.cooldown)):
            text += f'{key} = "{value}m"\n' if value else ""
        return text + f"samples = {{ n = {self.n}, m = {self.m} }}\n" * (self.m > 0)


class Look(NamedTuple):
    at: int
    reading: bool
    fires: Three
    over: Three
    first: bool = False


def known(came: list[Came], property: str) -> Kept:
    """The readings that are evidence, in the order in which they came, which is that of their times."""
    kept: Kept = []
    for one in came:
        good = one.property == property and not one.flags and isinstance(one.value, float)
        if good and (not kept or one.time > kept[-1][0]):
            kept.append((one.time, one.value))
    return kept


def values(rule: Rule, came: list[Came], at: int, now: int) -> Values:
    found: Values = {}
    for key, property in (("fill", "fill_level"), ("air", "air_temperature")):
        kept = known(came, property)
        fresh = kept and now - kept[-1][0] <= AGE
        take = TAKES[rule.take if key == "fill" else ""]
        found[key] = take(kept, at) if fresh else None
    found["silent"] = max(0, now - max(one.at for one in came)) / 60 if came else None
    return found


def looks(rule: Rule, came: list[Came], now: int) -> list[Look]:
    """All moments at which the rule looks, up to now."""
    found: list[Look] = []
    at = -1
    listens = "silent" in rule.case.fires
    watched = {"fill_level", "air_temperature"} if "air" in rule.case.fires else {"fill_level"}

    def look(so_far: list[Came], when: int, *, reading: bool, first: bool = False) -> None:
        if known(so_far, "fill_level"):
            v = values(rule, so_far, at, when)
            found.append(Look(when, reading, rule.case.fire(v), rule.case.over(v), first))

    for minute in range(now + 1):
        look([one for one in came if one.at < minute], minute, reading=False)
        for place, one in enumerate(came):
            if one.at != minute:
                continue
            so_far = came[: place + 1]
            news = one.property in watched and known(so_far, one.property) != known(came[:place], one.property)
            if news:
                at = max(at, one.time)
            if news or listens:
                look(so_far, at if news else max(at, minute), reading=True, first=news and one.property == "fill_level")
            look(so_far, minute, reading=False)
    return found


def said(rule: Rule, came: list[Came], end: int) -> list[tuple[str, int]]:
    """Edges and their minutes."""
    edges: list[tuple[str, int]] = []
    on, ended, last = False, None, -1
    begun: int | None = None
    over: int | None = None
    seen = 0
    sample: list[bool] = []
    for look in looks(rule, came, end):
        at = max(look.at, last)
        fires = look.fires
        if not on:
            if rule.m:
                if look.first and fires is not None:
                    sample.append(fires)
                fires = None if fires is None or not sample else sum(sample[-rule.m :]) >= rule.n
            if fires is False and look.reading:
                begun = None
            if not fires:
                continue
            if begun is None or (look.reading and at - seen > max(rule.hold, AGE)):
                begun, seen = at, at
            seen = at if look.reading else seen
            if at - begun >= rule.hold and (ended is None or at >= ended + rule.cooldown):
                on, over, last = True, None, at
                edges.append(("fires", at))
            continue
        is_over = False if fires else look.over
        if is_over is False and look.reading:
            over = None
        if not is_over or (over is None and not look.reading):
            continue
        if over is None or (look.reading and at - seen > max(rule.clears_for, AGE)):
            over = at
        seen = at if look.reading else seen
        if at - over >= rule.clears_for:
            on, begun, ended, last = False, None, at, at
            sample = []
            edges.append(("recovers", at))
    return edges


def rules() -> st.SearchStrategy[Rule]:
    short = st.sampled_from([0, 0, 2, 5, 13])

    def made(case: Case, take: str, hold: int, clears: int, cooldown: int, n: int, m: int) -> Rule:
        return Rule(case, "" if "silent" in case.fires else take, hold, clears, cooldown, min(n, m), m)

    counts = st.integers(1, 3), st.sampled_from([0, 0, 1, 3, 4])
    return st.builds(made, st.sampled_from(CASES), st.sampled_from(list(TAKES)), short, short, short, *counts)


def streams() -> st.SearchStrategy[list[Came]]:
    fill = st.tuples(st.just("fill_level"), st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]))
    air = st.tuples(st.just("air_temperature"), st.sampled_from([0.0, 7.0, 9.0]))
    odd = st.tuples(st.just("fill_level"), st.sampled_from([True, "full"]))
    one = st.tuples(
        st.sampled_from([0, 1, 1, 2, 3, 6, 12]), st.one_of(fill, fill, air, odd), st.sampled_from([0, 0, 0, 0, 2])
    )

    def made(rows: list[Any], late: list[int]) -> list[Came]:
        now, found = 0, []
        for (gap, (property, value), flags), behind in zip(rows, late * len(rows), strict=False):
            now += gap
            found.append(Came(now, max(0, now - behind), property, value, flags))
        return found

    return st.builds(
        made, st.lists(one, min_size=1, max_size=25), st.lists(st.sampled_from([0, 0, 0, 1, 3]), min_size=1)
    )


def run(rule: Rule, came: list[Came], end: int, restarts: set[int]) -> list[tuple[str, int]]:
    street = Street(rule.text)
    for place, one in enumerate(came):
        street.until(one.at * MINUTE)
        if place in restarts:
            street.restart()
        street.get(one.value, one.property, time=one.time * MINUTE, flags=one.flags)
    street.until(end * MINUTE)
    return [(verdict.edge, -(-verdict.time // MINUTE)) for verdict in street.all]


@settings(max_examples=60, deadline=None)
@given(rules(), streams(), st.sets(st.integers(0, 13), max_size=3))
def test_any_rule_over_any_stream(rule: Rule, came: list[Came], restarts: set[int]) -> None:
    end = came[-1].at + 20
    assert run(rule, came, end, restarts) == said(rule, came, end)
