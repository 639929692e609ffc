"""What a sheet would have done: run over stored readings in virtual time, beside the sheet in force and what there was.

Readings are taken in the order of their own time, as if each had come at once. A sheet that looks at the silence of
devices takes them in the order in which they came: only that tells when a device could not be heard. Nothing is kept in
memory but the states and the cases.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..boards.stations import Stations
from ..config.config import Config
from ..config.office import Town
from ..store import Store
from ..store.cases import CaseFilter, listed
from ..store.sheets import heard
from ..texts import Sentence, both, said
from .evaluate import Reading
from .past import by_arrival, by_time, span, wanted
from .running import Rule, Running, Said, listens
from .sheet import Sheet
from .shelf import InForce
from .world import Still

_NAMED = 5
"""So many objects a sentence names."""
_REAL = 10_000


class Rehearsed(NamedTuple):
    """A case that would have been, or was. Times: ms UTC; `end` None: still so at the end. `stage`: the highest.
    `signals`: at its begin."""

    object: str
    begin: int
    end: int | None
    stage: str
    signals: Mapping[str, float | bool | None]
    devices: tuple[str, ...]
    stands_for: int


class Rehearsal(NamedTuple):
    """`cases`: of the new sheet; `before`: what the sheet in force does with the same readings, None: there is none;
    `real`: what there was, whichever version. `added`, `gone`: objects of cases that the other one has not at that
    time. `readings`: that they looked at. `trouble`: of a sheet that could not be run to the end."""

    name: str
    from_ms: int
    to_ms: int
    readings: int
    cases: list[Rehearsed]
    before: list[Rehearsed] | None
    real: list[Rehearsed]
    added: list[str]
    gone: list[str]
    summary: Sentence
    trouble: str = ""


def rehearse(sheet: Sheet, in_force: Sheet | None, config: Config, store: Store, from_ms: int, to_ms: int) -> Rehearsal:
    """Both sheets over [from_ms, to_ms), after as much time before it as they need to know how things were. StoreError.

    Takes seconds for a million readings: not for the event loop's thread.
    """
    sheets = [sheet] if in_force is None else [sheet, in_force]
    world = _world(config, store, from_ms)
    running, books = Running(), []
    for place, one in enumerate(sheets):
        name = f"{place}"
        running.put(Rule(InForce(name, one, 0, ""), one, world))
        books.append(_Book(from_ms))
    series = wanted(store, sheets)
    begin = from_ms - max(span(one) for one in sheets)
    arrival = any(listens(one) for one in sheets)
    stream = (by_arrival if arrival else by_time)(store, series, begin, to_ms)
    count = 0
    for reading in stream:
        count += 1
        now = reading.received if arrival else reading.time
        _enter(books, running.feed(reading if arrival else _at_once(reading), now))
    _enter(books, running.tick(to_ms))
    cases, before = books[0].cases(), books[1].cases() if in_force is not None else None
    real = list(_real(store, sheet.name, from_ms, to_ms))
    added, gone = _without(cases, before or []), _without(before or [], cases)
    return Rehearsal(
        name=sheet.name,
        from_ms=from_ms,
        to_ms=to_ms,
        readings=count,
        cases=cases,
        before=before,
        real=real,
        added=added,
        gone=gone,
        summary=_summary(len(cases), None if before is None else len(before), added, gone, count),
        trouble=next((rule.trouble for rule in running.rules.values() if rule.trouble), ""),
    )


def _at_once(reading: Reading) -> Reading:
    return reading._replace(received=reading.time)


def _world(config: Config, store: Store, from_ms: int) -> Still:
    """The register as it is now; who was never heard before is not silent at the begin."""
    stations = Stations(config.devices, store).all()
    town: Town = config.town
    return Still(
        town=town,
        members={name: station.groups for name, station in stations.items() if not station.decommissioned},
        positions={
            name: (station.latitude, station.longitude)
            for name, station in stations.items()
            if station.latitude is not None and station.longitude is not None
        },
        heards=dict.fromkeys(heard(store), from_ms),
    )


class _Book:
    """Verdicts into cases."""

    def __init__(self, from_ms: int) -> None:
        self._from_ms = from_ms
        self._open: dict[str, Rehearsed] = {}
        self._ended: list[Rehearsed] = []

    def enter(self, one: Said) -> None:
        """What was said, in order."""
        verdict = one.verdict
        case = self._open.pop(verdict.object, None)
        if verdict.edge == "recovers":
            if case is not None and verdict.time >= self._from_ms:
                self._ended.append(case._replace(end=verdict.time))
            return
        if case is None:
            case = Rehearsed(
                object=verdict.object,
                begin=max(verdict.time, self._from_ms),
                end=None,
                stage=verdict.stage,
                signals=dict(verdict.signals),
                devices=verdict.devices,
                stands_for=verdict.stands_for,
            )
        self._open[verdict.object] = case._replace(stage=verdict.stage)

    def cases(self) -> list[Rehearsed]:
        """By begin."""
        return sorted([*self._ended, *self._open.values()], key=lambda case: (case.begin, case.object))


def _enter(books: list[_Book], said: list[Said]) -> None:
    for one in said:
        books[int(one.rule.name)].enter(one)


def _real(store: Store, rule: str, from_ms: int, to_ms: int) -> Iterator[Rehearsed]:
    with store.database.reading() as connection:
        found, _ = listed(connection, CaseFilter(rule=rule, opened_from=from_ms, opened_to=to_ms), "oldest", _REAL, 0)
    for case in found:
        event = case.event
        yield Rehearsed(
            object=case.object,
            begin=case.opened,
            end=case.recovered if case.recovered is not None else case.ended,
            stage=case.stage,
            signals=event.get("signals", {}),
            devices=tuple(event.get("devices", ())),
            stands_for=int(event.get("stands_for", 1)),
        )


def _without(some: list[Rehearsed], others: list[Rehearsed]) -> list[str]:
    """The objects of cases during which the others have none for the same object."""
    by_object: dict[str, list[Rehearsed]] = {}
    for case in others:
        by_object.setdefault(case.object, []).append(case)
    return [case.object for case in some if not any(_meet(case, other) for other in by_object.get(case.object, ()))]


def _meet(one: Rehearsed, other: Rehearsed) -> bool:
    return (other.end is None or one.begin <= other.end) and (one.end is None or other.begin <= one.end)


def _summary(count: int, before: int | None, added: list[str], gone: list[str], readings: int) -> Sentence:
    if not readings:
        return both(
            "In dieser Zeit gibt es keinen Messwert, den das Blatt ansieht.",
            "There is no reading in this time that the sheet looks at.",
        )
    if before is None:
        return both(
            f"{count} {'Vorgang' if count == 1 else 'Vorgänge'}; in Kraft ist kein Blatt dieses Namens.",
            f"{count} {'case' if count == 1 else 'cases'}; no sheet of this name is in force.",
        )
    if not added and not gone:
        return both(
            f"{count} {'Vorgang' if count == 1 else 'Vorgänge'}, dieselben wie mit dem Blatt in Kraft.",
            f"{count} {'case' if count == 1 else 'cases'}, the same as with the sheet in force.",
        )
    de = [f"{count} statt {before} {'Vorgang' if before == 1 else 'Vorgängen'}"]
    en = [f"{count} instead of {before} {'case' if before == 1 else 'cases'}"]
    for objects, german, english in ((gone, ("entfällt", "entfallen"), "no more"), (added, ("neu", "neu"), "new")):
        if objects:
            de.append(f"{len(objects)} {german[len(objects) != 1]}: {_some(objects, 'und weitere')}")
            en.append(f"{len(objects)} {english}: {_some(objects, 'and others')}")
    return both("; ".join(de) + ".", "; ".join(en) + ".")


def _some(objects: list[str], others: str) -> str:
    names = list(dict.fromkeys(objects))
    return ", ".join(names[:_NAMED]) + (f" {others}" if len(names) > _NAMED else "")


def as_json(found: Rehearsal) -> dict[str, object]:
    """For machines."""
    parts = {"cases": found.cases, "before": found.before, "real": found.real}
    return {
        **found._asdict(),
        **{name: None if some is None else [case._asdict() for case in some] for name, some in parts.items()},
        "summary": said(found.summary),
        "trouble": said(found.trouble),
    }
