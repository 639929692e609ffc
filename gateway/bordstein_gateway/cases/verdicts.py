"""What rules say, and what becomes of it: a case begins, its stage rises, the condition is over."""

from concurrent.futures import Future

from ..rules.sheet import Sheet
from ..rules.verdict import Verdict
from ..store import audit
from ..store import cases as rows
from ..store.audit import GATEWAY
from ..store.connection import Connection
from . import beginning, states
from .keeping import InForce, seen, subject
from .running import Running
from .types import Case


class Verdicts(Running):
    """The part of Cases for rules."""

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
                detail = {"silence": silence.id, **seen(verdict)}
                audit.enter(connection, now, GATEWAY, "held back", f"rule {verdict.rule} {verdict.object}", detail)
                return None
            return self._begins(connection, verdict, sheet, in_force.version, now)
        if beginning.higher(sheet, verdict.stage, case.stage):
            return self._rises(connection, case, verdict, sheet, now)
        if case.recovered is not None:  # it was over and is not
            self._put(connection, case._replace(recovered=None, changed=now), GATEWAY, "fires again", seen(verdict))
        return case.id

    def _begins(self, connection: Connection, verdict: Verdict, sheet: Sheet, version: int, now: int) -> int | None:
        begun = beginning.begun(verdict, sheet, version, self._stations.all(), now)
        case = rows.add(connection, begun, beginning.year_of(now, self._config.town))
        if case is None:
            return None
        rows.hold_back(connection, verdict.rule, verdict.object, None)
        detail = {"number": case.number, "rule": case.rule, "version": version, "object": case.object}
        audit.enter(connection, now, GATEWAY, "opened", subject(case.id), {**detail, **seen(verdict)})
        self._tell(connection, case, sheet, "opened", (case.desk,), now)
        self._begin(connection, case, sheet, now)
        return case.id

    def _rises(self, connection: Connection, case: Case, verdict: Verdict, sheet: Sheet, now: int) -> int:
        risen = beginning.risen(case, verdict, sheet, now)
        self._put(connection, risen, GATEWAY, "stage rises", seen(verdict))
        self._tell(connection, risen, sheet, "rises", (risen.desk, risen.deputy), now)
        return case.id

    def _recovers(self, connection: Connection, case: Case, verdict: Verdict, sheet: Sheet | None, now: int) -> int:
        if case.recovered is not None:
            return case.id
        marked = case._replace(recovered=verdict.time, changed=now)
        self._put(connection, marked, GATEWAY, "recovers", seen(verdict))
        closes = sheet is not None and sheet.recovered.then == "close"
        if closes and case.state != "new":
            return case.id  # who has taken it says what becomes of it
        self._recovered(connection, marked, sheet, now, closes=closes)
        if closes:
            closed = states.close(marked, None, now, "Der Auslöser ist vorbei.")
            self._put(connection, closed, GATEWAY, "closed", {"reason": "recovered"})
            self._stop(connection, closed, now)
        return case.id
