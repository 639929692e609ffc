"""Cases and their parts, as they lie in the store. Times are ms UTC."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

CaseState = Literal["new", "taken", "in_work", "done", "false_alarm", "closed"]
"""new → taken → in_work → done or false_alarm → closed. The first three are open. closed without done: the sensor
recovered, or the town's own procedure ended it."""
OPEN: tuple[CaseState, ...] = ("new", "taken", "in_work")


class Case(NamedTuple):
    """`number`: as people say it, "2026-17". `title`: German. `desk`: whose it is; `deputy`: the desk that has it too
    since it escalated, else empty; `account`: who has taken it. `recovered`: when the condition was over. `escalated`:
    how often. `reason`: of a false alarm, or of a close. `event`: what fired, see rules/verdict.py. `ledger`:
    {"trips": 1.0, "minutes": 25.0} once done, {"false_alarm": 1.0} of a false alarm; both stay when it is closed.
    """

    id: int
    number: str
    rule: str
    sheet_version: int
    object: str
    title: str
    place: str
    state: CaseState
    stage: str
    priority: str
    desk: str
    deputy: str
    account: str | None
    opened: int
    changed: int
    taken: int | None
    ended: int | None
    recovered: int | None
    escalated: int
    reason: str
    event: Mapping[str, Any]
    ledger: Mapping[str, float]

    @property
    def open(self) -> bool:
        """Whether there is still something to do."""
        return self.state in OPEN


class CaseStep(NamedTuple):
    """A step of a case, in order. `task`: of the process engine; `node`: the BPMN element's id (the sheet's step id).
    `form`: list of fields (sheet.Field as JSON); `answers`: name -> value. state: waiting (not reached), ready, done,
    skipped, failed (a service)."""

    case: int
    number: int
    task: str
    node: str
    title: str
    instruction: str
    desk: str
    form: list[dict[str, Any]]
    state: Literal["waiting", "ready", "done", "skipped", "failed"]
    answers: Mapping[str, Any]
    note: str
    actor: str | None
    at: int | None


class CaseNote(NamedTuple):
    """`kind`: comment, photo, or differently: what was done in another way than the sheet says, which is a proposal to
    change it: `state` open, accepted or declined, else empty. `photo`: its digest. `step`: to which it belongs."""

    id: int
    case: int
    at: int
    actor: str
    kind: Literal["comment", "photo", "differently"]
    text: str
    photo: str | None
    step: int | None
    state: Literal["", "open", "accepted", "declined"]


class Silence(NamedTuple):
    """Empty `rule` or `object`: all."""

    id: int
    rule: str
    object: str
    since: int
    until: int
    actor: str
    reason: str


class AuditEntry(NamedTuple):
    """`actor`: an account, "gateway" or "command line". `subject`: "case 17", "sheet bin-full", "account eva"."""

    id: int
    at: int
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]
    hash: str
