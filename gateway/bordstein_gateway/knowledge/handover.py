"""The handover sheet (Übergabeblatt): what whoever comes next has to know, of one desk or of all.

Open cases, silences, stations that somebody has to look after, what waits to be passed on, and what has changed since a
date. It counts things, never people.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ..boards.stations import Station
from ..cases.cases import Cases
from ..cases.types import OPEN, AuditEntry, Case, Silence
from ..forward.standing import Standing, standings
from ..rules.sheet import Sheet
from ..store import Store, audit
from ..store.cases import CaseFilter
from .failing import Failing, failing

_MOST = 500
_NO_CHANGES = ("login ", "session ")
"""Subjects of the audit log that nobody has to be told of at a handover."""


class Handover(NamedTuple):
    """`desk` empty: of all. `since`, `at`: ms UTC. `changes`: the oldest first; `more`: there were more."""

    desk: str
    since: int
    at: int
    cases: Sequence[Case]
    silences: Sequence[Silence]
    stations: Sequence[Failing]
    targets: Sequence[Standing]
    changes: Sequence[AuditEntry]
    more: bool


def handover(
    store: Store,
    cases: Cases,
    sheets: Mapping[str, Sheet],
    stations: Mapping[str, Station],
    targets: Iterable[str],
    *,
    desk: str = "",
    since: int,
    now: int | None = None,
) -> Handover:
    """As it is now. `sheets`: those in force; `targets`: names of the [forward.…]."""
    at = int(time.time() * 1000) if now is None else now
    rules = {name for name, sheet in sheets.items() if not desk or desk in (sheet.owner, sheet.deputy)}
    found, _ = cases.list(CaseFilter(states=OPEN, desks=[desk] if desk else []), order="urgent", limit=_MOST)
    silences = [one for one in cases.silences() if not desk or not one.rule or one.rule in rules]
    failed = failing(store, stations, at)
    if desk:
        mine = watched(store, stations, [sheets[name] for name in rules])
        failed = [one for one in failed if one.device in mine]
    waiting = [one for one in standings(targets, store).values() if one.waiting or one.dead or one.state != "running"]
    changes, more = _changes(store, since, {f"case {case.id}" for case in found}, rules if desk else None)
    return Handover(desk, since, at, found, silences, failed, waiting, changes, more)


def watched(store: Store, stations: Mapping[str, Station], sheets: Iterable[Sheet]) -> set[str]:
    """The devices that these sheets are about."""
    have: dict[str, set[str]] = {}
    for latest in store.latest():
        have.setdefault(latest.property, set()).add(latest.device)
    found: set[str] = set()
    for sheet in sheets:
        objects = sheet.objects
        found.update(objects.devices)
        for name, station in stations.items():
            if set(objects.groups) & set(station.groups) or (
                objects.group_prefix and any(group.startswith(objects.group_prefix) for group in station.groups)
            ):
                found.add(name)
        if not objects.devices and not objects.groups:
            for signal in sheet.signal.values():
                found |= have.get(signal.property or "", set())
    return found


def _changes(store: Store, since: int, open_cases: set[str], rules: set[str] | None) -> tuple[list[AuditEntry], bool]:
    """`rules` None: all changes; else those of these rules' sheets and of the cases that are listed."""
    found: list[AuditEntry] = []
    before = None
    with store.database.reading() as connection:
        while rows := audit.newest(connection, 1000, before):
            for row in rows:
                if row.at < since:
                    return found[::-1], False
                if row.subject.startswith(_NO_CHANGES):
                    continue
                kind, _, name = row.subject.partition(" ")
                if (
                    rules is None
                    or row.subject in open_cases
                    or (kind in ("sheet", "rule") and name.split()[0] in rules)
                ):
                    if len(found) == _MOST:
                        return found[::-1], True
                    found.append(row.entry())
            before = rows[-1].id
    return found[::-1], False
