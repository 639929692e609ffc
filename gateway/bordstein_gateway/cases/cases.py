"""Cases: what verdicts and people make of them. Each change and its audit entries are one commit.

    cases.verdict(verdict, in_force)        what a rule says
    cases.take(id, actor), tick_off(…), …   what somebody does: a Future of the case as it is then
    cases.get(id), list(…), steps(id), …    what there is

A Future raises CaseProblem where it was not done: its sentence is for people. Who may do what is the pages' business.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple, Protocol

from ..boards.stations import Stations
from ..config.config import Config
from ..rules.sheet import Sheet
from ..rules.verdict import Verdict
from ..store import Store, audit
from ..store import cases as rows
from ..store.audit import GATEWAY
from ..store.cases import CaseFilter
from ..store.connection import Connection
from . import beginning, states
from .states import CaseProblem
from .types import AuditEntry, Case, CaseNote, CaseStep, Silence


class InForce(Protocol):
    """A sheet and which version of it, as rules/shelf.py has it."""

    @property
    def sheet(self) -> Sheet | None: ...
    @property
    def version(self) -> int: ...


class Shelf(Protocol):
    """The sheets in force."""

    def sheets(self) -> Mapping[str, Any]: ...


class Whole(NamedTuple):
    """A case with all that belongs to it."""

    case: Case
    steps: list[CaseStep]
    notes: list[CaseNote]
    history: list[AuditEntry]


class Cases:
    """A town's cases. Any thread."""

    def __init__(
        self,
        config: Config,
        store: Store,
        shelf: Shelf,
        stations: Stations | None = None,
        *,
        now: Callable[[], int] = lambda: int(time.time() * 1000),
    ) -> None:
        self._config = config
        self._store = store
        self._shelf = shelf
        self._stations = stations or Stations(config.devices, store)
        self._now = now

    # What rules say

    def verdict(self, verdict: Verdict, in_force: InForce) -> "Future[int | None]":
        """A commit of its own; the case's id, None where there is none."""
        now = self._now()
        return self._store.submit(lambda connection: self.apply(connection, verdict, in_force, now))

    def apply(self, connection: Connection, verdict: Verdict, in_force: InForce, now: int) -> int | None:
        """The same within somebody else's commit. The same verdict again changes nothing."""
        sheet = in_force.sheet
        case = rows.open_of(connection, verdict.rule, verdict.object)
        if verdict.edge == "recovers":
            rows.hold_back(connection, verdict.rule, verdict.object, None)
            return self._recovers(connection, case, verdict, sheet, now) if case else None
        if sheet is None:
            return case.id if case else None
        if case is None:
            silence = rows.silenced(connection, verdict.rule, verdict.object, now)
            if silence is not None:
                rows.hold_back(connection, verdict.rule, verdict.object, beginning.event(verdict))
                detail = {"silence": silence.id, "stage": verdict.stage, "signals": verdict.signals}
                subject = f"rule {verdict.rule} {verdict.object}"
                audit.enter(connection, now, GATEWAY, "silenced", subject, detail)
                return None
            return self._begins(connection, verdict, sheet, in_force.version, now)
        if beginning.higher(sheet, verdict.stage, case.stage):
            return self._rises(connection, case, verdict, sheet, now)
        if case.recovered is not None:  # it was over and is not
            self._put(connection, case._replace(recovered=None, changed=now), GATEWAY, "fires again", _seen(verdict))
        return case.id

    def _begins(self, connection: Connection, verdict: Verdict, sheet: Sheet, version: int, now: int) -> int | None:
        begun = beginning.begun(verdict, sheet, version, self._stations.all(), now)
        case = rows.add(connection, begun, beginning.year_of(now, self._config.town))
        if case is None:
            return None
        rows.hold_back(connection, verdict.rule, verdict.object, None)
        detail = {"number": case.number, "rule": case.rule, "version": version, "object": case.object}
        audit.enter(connection, now, GATEWAY, "opened", _subject(case), {**detail, **_seen(verdict)})
        return case.id

    def _rises(self, connection: Connection, case: Case, verdict: Verdict, sheet: Sheet, now: int) -> int:
        self._put(connection, beginning.risen(case, verdict, sheet, now), GATEWAY, "stage rises", _seen(verdict))
        return case.id

    def _recovers(
        self, connection: Connection, case: Case, verdict: Verdict, sheet: Sheet | None, now: int
    ) -> int | None:
        if case.recovered is not None:
            return case.id
        marked = case._replace(recovered=verdict.time, changed=now)
        self._put(connection, marked, GATEWAY, "recovers", _seen(verdict))
        if sheet is not None and sheet.recovered.then == "close" and case.state == "new":
            closed = states.close(marked, None, now, "erholt")
            self._put(connection, closed, GATEWAY, "closed", {"reason": "recovered"})
        return case.id

    # What people do

    def take(self, id: int, actor: str, *, instead_of: str | None = None) -> "Future[Case]":
        """Theirs from now on; `instead_of`: whom they saw having it."""
        return self._change(id, actor, "taken", lambda case, now: states.take(case, actor, now, instead_of))

    def give(self, id: int, actor: str, *, desk: str | None = None, account: str | None = None) -> "Future[Case]":
        """To a desk, to an account, or both."""
        if desk is not None and desk not in self._config.desk:
            return _failed(CaseProblem(f"Eine Stelle „{desk}“ gibt es nicht.", f'There is no desk "{desk}".'))
        detail = {"desk": desk, "account": account}
        return self._change(
            id, actor, "given", lambda case, now: states.give(case, now, desk=desk, account=account), detail
        )

    def start(self, id: int, actor: str) -> "Future[Case]":
        """Somebody is at it."""
        return self._change(id, actor, "started", lambda case, now: states.start(case, actor, now))

    def done(self, id: int, actor: str, *, trips: float | None = None, minutes: float | None = None) -> "Future[Case]":
        """It is done. `trips`, `minutes`: what was saved, as who ends it says; None: as the sheet proposes."""
        proposed = self.benefit(id)
        ledger = {
            "trips": proposed["trips"] if trips is None else trips,
            "minutes": proposed["minutes"] if minutes is None else minutes,
        }
        if not all(0 <= value <= 100_000 for value in ledger.values()):
            return _failed(
                CaseProblem(
                    "Gesparte Fahrten und Minuten sind Zahlen von 0 bis 100000.",
                    "Trips and minutes saved are numbers from 0 to 100000.",
                )
            )
        return self._change(id, actor, "done", lambda case, now: states.done(case, actor, now, ledger), ledger)

    def false_alarm(self, id: int, actor: str, reason: str) -> "Future[Case]":
        """There was nothing to do; why."""
        return self._change(
            id, actor, "false alarm", lambda case, now: states.false_alarm(case, actor, now, reason), {"reason": reason}
        )

    def close(self, id: int, actor: str, reason: str = "") -> "Future[Case]":
        """Put away; of an open case with a reason."""
        return self._change(
            id, actor, "closed", lambda case, now: states.close(case, actor, now, reason), {"reason": reason}
        )

    def reopen(self, id: int, actor: str, reason: str) -> "Future[Case]":
        """There is something to do after all; why."""

        def change(case: Case, now: int) -> Case:
            states.reasoned(reason)
            return states.reopen(case, actor, now)

        return self._change(id, actor, "reopened", change, {"reason": reason})

    # What there is

    def get(self, id: int) -> Case | None:
        """One case."""
        with self._store.database.reading() as connection:
            return rows.get(connection, id)

    def by_number(self, number: str) -> Case | None:
        """One case by what people call it, "2026-17"."""
        with self._store.database.reading() as connection:
            return rows.by_number(connection, number)

    def whole(self, id: int) -> Whole | None:
        """With steps, notes and what the audit log says of it, the oldest first."""
        with self._store.database.reading() as connection:
            case = rows.get(connection, id)
            if case is None:
                return None
            history = [row.entry() for row in reversed(audit.newest(connection, 500, subject=_subject(case)))]
            return Whole(case, rows.steps(connection, id), rows.notes(connection, id), history)

    def list(
        self, wanted: CaseFilter | None = None, *, order: str = "newest", limit: int = 200, offset: int = 0
    ) -> tuple[Sequence[Case], int]:
        """Cases and how many there are in all. `order`: newest, oldest, changed, urgent."""
        with self._store.database.reading() as connection:
            return rows.listed(connection, wanted or CaseFilter(), order, limit, offset)

    def counts(self, wanted: CaseFilter | None = None) -> dict[str, int]:
        """How many by state."""
        with self._store.database.reading() as connection:
            return rows.counted(connection, wanted or CaseFilter())

    def silences(self, *, ended: bool = False) -> Sequence[Silence]:
        """Those in force; `ended`: all there ever were."""
        with self._store.database.reading() as connection:
            return rows.silences(connection, None if ended else self._now())

    def benefit(self, id: int) -> dict[str, float]:
        """What the sheet proposes that a case saves: trips, minutes."""
        case = self.get(id)
        found = self._shelf.sheets().get(case.rule) if case else None
        if found is None or found.sheet is None:
            return {"trips": 0.0, "minutes": 0.0}
        return {"trips": float(found.sheet.benefit.trips), "minutes": float(found.sheet.benefit.minutes)}

    # Inside

    def _change(
        self,
        id: int,
        actor: str,
        action: str,
        change: Callable[[Case, int], Case],
        detail: Mapping[str, Any] | None = None,
    ) -> "Future[Case]":
        now = self._now()

        def job(connection: Connection) -> Case:
            case = _there(connection, id)
            after = change(case, now)
            if after != case:
                if after.open and not case.open:
                    _only_one(connection, case)
                self._put(connection, after, actor, action, detail or {})
            return after

        return self._store.submit(job)

    def _put(self, connection: Connection, case: Case, actor: str, action: str, detail: Mapping[str, Any]) -> None:
        rows.put(connection, case)
        audit.enter(connection, case.changed, actor, action, _subject(case), {"state": case.state, **detail})


def _there(connection: Connection, id: int) -> Case:
    case = rows.get(connection, id)
    if case is None:
        raise CaseProblem(f"Einen Vorgang {id} gibt es nicht.", f"There is no case {id}.")
    return case


def _only_one(connection: Connection, case: Case) -> None:
    newer = rows.open_of(connection, case.rule, case.object)
    if newer is not None:
        raise CaseProblem(
            f"Für {case.place} ist inzwischen Vorgang {newer.number} offen; dort weitermachen.",
            f"For {case.place} case {newer.number} is open by now; go on there.",
        )


def _subject(case: Case) -> str:
    return f"case {case.id}"


def _seen(verdict: Verdict) -> dict[str, Any]:
    return {"time": verdict.time, "stage": verdict.stage, "signals": verdict.signals, "devices": verdict.devices}


def _failed(problem: CaseProblem) -> "Future[Any]":
    future: Future[Any] = Future()
    future.set_exception(problem)
    return future
