"""A case's procedure: begun with it, brought on with each step in the same commit, stopped where the case ends before.

The engine is pure (procedures/): a state in, a Progress out. What it says becomes rows here: steps for people, errands
for other systems, the time at which to wake it. Where it can't go on, people still can: all steps are theirs then.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import cached_property
from typing import TYPE_CHECKING, Any

import structlog

from ..procedures.progress import Errand, Progress
from ..rules.sheet import Sheet
from ..store import audit
from ..store import cases as rows
from ..store import procedures as kept
from ..store.audit import GATEWAY
from ..store.connection import Connection
from ..store.procedures import ENDED, RUNNING, STOPPED, Ordered, Process
from ..texts import Sentence
from . import states, steps
from .keeping import subject, there
from .looking import Looking
from .types import Case, CaseStep

if TYPE_CHECKING:
    from ..procedures.model import Model
    from ..procedures.procedures import Procedures

OUTSIDE = "outside"
"""The node of the errand that starts a procedure in the town's own engine."""
_log = structlog.get_logger(__name__)


class Running(Looking):
    """The part of Cases for procedures."""

    @cached_property
    def procedures(self) -> "Procedures":
        """The engine, loaded when it is first needed."""
        from ..procedures.procedures import Procedures

        return Procedures(self._config)

    def answered(self, key: str, ok: bool, result: Mapping[str, Any]) -> "Future[bool]":
        """An errand is through; False: it was before. `result`: what the other side said, or `reason`."""
        now = self._now()
        in_force = self._shelf.sheets()

        def job(connection: Connection) -> bool:
            errand = kept.ordered(connection, key)
            if errand is not None and errand.state == "dropped" and ok and errand.work is not None:
                # The case ended while the other side was called: what it has there has to be known.
                audit.enter(connection, now, GATEWAY, "called", subject(errand.work), _called(errand, result))
            if errand is None or errand.state != "due":
                return False
            kept.answer(connection, key, "done" if ok else "failed", result, now)
            if errand.work is None or (case := rows.get(connection, errand.work)) is None:
                return True
            action = ("called" if ok else "call failed") if errand.node else "notified" if ok else "notice failed"
            audit.enter(connection, now, GATEWAY, action, subject(case.id), _called(errand, result))
            sheet = _sheet_of(in_force, case)
            if errand.node == OUTSIDE:
                self._outside_ended(connection, case, sheet, ok, now)
            elif errand.task:
                self._bring_on(
                    connection,
                    case,
                    sheet,
                    lambda model, state: self.procedures.answered(model, state, key, ok, result, now),
                    now,
                )
            return True

        return self._store.submit(job)

    # For the other parts, within their commits

    def _begin(self, connection: Connection, case: Case, sheet: Sheet, now: int) -> None:
        places = self._stations.all()
        if sheet.procedure.engine is not None:
            from ..procedures.names import values

            request = {
                "process": sheet.procedure.process,
                "variables": values(case, sheet, self._config, places),
                "until_ended": True,
            }
            errand = Errand(f"{case.number}/{OUTSIDE}", OUTSIDE, OUTSIDE, "engine", sheet.procedure.engine, request)
            self._order(connection, case.id, [errand], now)
            begun = case._replace(state="in_work", changed=now)
            self._put(connection, begun, GATEWAY, "started", {"procedure": OUTSIDE})
            return
        try:
            model = self.procedures.model(self.procedures.text(sheet))
            progress = self.procedures.start(model, case, sheet, places, now)
        except Exception as problem:  # noqa: BLE001  (a drawn file may hold anything: the case is there all the same)
            self._derail(connection, case, steps.of_sheet(case, sheet), problem, now)
            return
        kept.put_model(connection, model.digest, case.rule, model.text)
        planned = steps.of_model(case, sheet, model.parts.values())
        rows.put_steps(connection, planned)
        self._follow(connection, case, sheet, model.digest, progress, now)

    def _complete(
        self, connection: Connection, case: Case, step: CaseStep, answers: Mapping[str, Any], now: int
    ) -> None:
        """A step was done, and is stored as such."""
        if step.task:
            self._bring_on(
                connection,
                case,
                None,
                lambda model, state: self.procedures.complete(model, state, step.task, answers, now),
                now,
            )

    def _recovered(self, connection: Connection, case: Case, sheet: Sheet | None, now: int, *, closes: bool) -> None:
        """Tell the procedure; where nothing waits for it, nothing happens. `closes`: the case ends with it."""
        before = kept.process(connection, case.id)
        self._bring_on(connection, case, sheet, lambda model, state: self.procedures.recovered(model, state, now), now)
        after = kept.process(connection, case.id)
        if closes and before is not None and after is not None and (before.ended, after.ended) == (RUNNING, ENDED):
            kept.put(connection, before._replace(changed=now))  # who opens the case again goes on from there

    def _wake(self, connection: Connection, id: int, sheets: Mapping[str, Any], now: int) -> None:
        """A timer of this case's procedure is due."""
        case = there(connection, id)
        sheet = _sheet_of(sheets, case)
        self._bring_on(connection, case, sheet, lambda model, state: self.procedures.wake(model, state, now), now)

    def _stop(self, connection: Connection, case: Case, now: int, *, keep_errands: bool = False) -> None:
        """The case has ended: what was to be done is not any more. `keep_errands`: what was ordered still is."""
        process = kept.process(connection, case.id)
        if process is not None and process.ended == RUNNING:
            kept.put(connection, process._replace(ended=STOPPED, changed=now))
        if not keep_errands:
            kept.drop(connection, case.id, now)
        before = rows.steps(connection, case.id)
        rows.put_steps(connection, [step._replace(state="skipped", at=now) for step in before if step.state == "ready"])

    def _resume(self, connection: Connection, case: Case, now: int) -> None:
        """The case is open again: what it stopped at is to be done again."""
        process = kept.process(connection, case.id)
        goes_on = process is not None and process.ended == STOPPED
        if process is not None and goes_on:
            kept.put(connection, process._replace(ended=RUNNING, changed=now))
            kept.order_again(connection, case.id, now)
        skipped = [step for step in rows.steps(connection, case.id) if step.state == "skipped"]
        rows.put_steps(connection, [step._replace(state="ready", at=None) for step in skipped if step.at is not None])
        if goes_on:  # what no way leads to is skipped again with the next step
            rows.put_steps(connection, [step._replace(state="waiting") for step in skipped if step.at is None])

    # Inside

    def _bring_on(
        self,
        connection: Connection,
        case: Case,
        sheet: Sheet | None,
        step: "Callable[[Model, str], Progress]",
        now: int,
    ) -> None:
        process = kept.process(connection, case.id)
        if process is None or process.ended != RUNNING:
            return
        text = kept.model(connection, process.model)
        try:
            if text is None:
                raise LookupError(process.model)
            progress = step(self.procedures.model(text), process.state)
        except LookupError as problem:
            from ..procedures.run import NoSuchTask

            if isinstance(problem, NoSuchTask):  # done before: what it tells is no news
                _log.info("a step of a procedure was done before", case=case.number, reason=str(problem))
                return
            self._derail(connection, case, rows.steps(connection, case.id), problem, now)
        except Exception as problem:  # noqa: BLE001  (a drawn file may do anything: people go on)
            self._derail(connection, case, rows.steps(connection, case.id), problem, now)
        else:
            self._follow(connection, case, sheet, process.model, progress, now)

    def _follow(
        self, connection: Connection, case: Case, sheet: Sheet | None, model: str, progress: Progress, now: int
    ) -> None:
        """What the engine says, in the store."""
        ended = ENDED if progress.ended else RUNNING
        kept.put(connection, Process(case.id, model, progress.state, ended, progress.due, now))
        before = rows.steps(connection, case.id)
        changed = steps.followed(case.id, before, progress, now)
        rows.put_steps(connection, changed)
        self._order(connection, case.id, progress.errands, now)
        if progress.escalate and case.state == "new":
            self._escalate(connection, case, sheet, now)
        if progress.ended and case.open and not any(step.actor for step in before) and not progress.failed:
            self._ended_alone(connection, case, now)

    def _ended_alone(self, connection: Connection, case: Case, now: int) -> None:
        """A procedure of services only: nobody will say that it is done."""
        if all(step.task == "" for step in rows.steps(connection, case.id)) and case.recovered is None:
            closed = states.close(case, None, now, "Der Ablauf ist zu Ende.")
            self._put(connection, closed, GATEWAY, "closed", {"reason": "procedure ended"})

    def _escalate(self, connection: Connection, case: Case, sheet: Sheet | None, now: int) -> None:
        deputy = sheet.deputy if sheet is not None else case.deputy
        escalated = case._replace(escalated=case.escalated + 1, deputy=deputy, changed=now)
        self._put(connection, escalated, GATEWAY, "escalated", {"desk": deputy, "times": escalated.escalated})
        self._tell(connection, escalated, sheet, "escalated", (deputy,), now)

    def _outside_ended(self, connection: Connection, case: Case, sheet: Sheet | None, ok: bool, now: int) -> None:
        """The town's own engine has ended the case's procedure, or can't begin it: then people do it."""
        if not case.open:
            return
        if ok:
            closed = states.close(case, None, now, "Der Ablauf ist zu Ende.")
            self._put(connection, closed, GATEWAY, "closed", {"reason": "procedure ended"})
            return
        back = case._replace(state="new" if case.account is None else "taken", changed=now)
        self._put(connection, back, GATEWAY, "procedure stuck", {"procedure": OUTSIDE})
        if sheet is not None:
            rows.put_steps(connection, [step._replace(state="ready") for step in steps.of_sheet(case, sheet)])
            self._tell(connection, back, sheet, "stuck", (back.desk,), now)

    def _derail(self, connection: Connection, case: Case, before: list[CaseStep], problem: Exception, now: int) -> None:
        """The engine can't: what is left becomes steps for people, in their order."""
        said = problem.args[0] if problem.args and isinstance(problem.args[0], Sentence) else None
        _log.warning("a procedure can't go on", case=case.number, reason=said or repr(problem))
        process = kept.process(connection, case.id)
        if process is not None:
            kept.put(connection, process._replace(ended=ENDED, due=None, changed=now))
        left = [step._replace(state="ready", task="") for step in before if step.state in ("waiting", "ready")]
        rows.put_steps(connection, left)
        reason = said.de if said is not None else type(problem).__name__
        audit.enter(connection, now, GATEWAY, "procedure stuck", subject(case.id), {"reason": reason})


def _called(errand: Ordered, result: Mapping[str, Any]) -> dict[str, Any]:
    """What the audit log keeps of a call and its answer."""
    detail = {"key": errand.key, "kind": errand.kind, "target": errand.target, "node": errand.node}
    return detail | {name: value for name, value in result.items() if name in ("id", "url", "reason")}


def _sheet_of(sheets: Mapping[str, Any], case: Case) -> Sheet | None:
    found = sheets.get(case.rule)
    return None if found is None else found.sheet
