"""A case's steps beside where its procedure stands. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from ..procedures.progress import Progress
from ..rules.sheet import Sheet, words
from .answers import checked
from .states import CaseProblem
from .types import Case, CaseStep

if TYPE_CHECKING:
    from ..procedures.model import Part


def of_model(case: Case, sheet: Sheet, parts: Iterable["Part"]) -> list[CaseStep]:
    """All tasks of a procedure, so that who looks sees what is to come; the engine says which are ready."""
    return [
        _step(case, number, part.id, part.title, part.instruction, part.desk or sheet.owner, list(part.form))
        for number, part in enumerate(parts, 1)
    ]


def of_sheet(case: Case, sheet: Sheet) -> list[CaseStep]:
    """A sheet's steps as they stand there, where the engine can't say more."""
    return [
        _step(
            *(case, number, step.id, words(step.title, "de"), words(step.do, "de"), step.desk or sheet.owner),
            msgspec.to_builtins(step.form),
        )
        for number, step in enumerate(sheet.steps, 1)
    ]


def _step(
    case: Case, number: int, node: str, title: str, instruction: str, desk: str, form: list[dict[str, Any]]
) -> CaseStep:
    return CaseStep(case.id, number, "", node, title, instruction, desk, form, "waiting", {}, "", None, None)


def followed(case: int, steps: Sequence[CaseStep], progress: Progress, now: int) -> list[CaseStep]:
    """Those that are different now. A drawn procedure may have steps that no sheet has, and come to one again."""
    before = list(steps)
    after = list(steps)
    for task in progress.ready:
        at = next((i for i, step in enumerate(after) if step.task == task.id), None)
        if at is None:
            at = next((i for i, step in enumerate(after) if step.node == task.node and not step.task), None)
        if at is None:
            number = max((step.number for step in after), default=0) + 1
            after.append(CaseStep(case, number, "", task.node, task.title, "", "", [], "waiting", {}, "", None, None))
            at = len(after) - 1
        if after[at].state == "waiting":
            after[at] = after[at]._replace(
                task=task.id,
                title=task.title,
                instruction=task.instruction,
                desk=task.desk or after[at].desk,
                form=list(task.form),
                state="ready",
            )
    ready = {task.id for task in progress.ready}
    for i, step in enumerate(after):
        if step.state in ("waiting", "ready") and step.node in progress.failed and step.task not in ready:
            after[i] = step._replace(state="failed", at=now)
        elif step.state == "ready" and step.task not in ready:
            after[i] = step._replace(state="done" if step.node in progress.done else "skipped", at=now)
        elif step.state == "waiting" and step.node in progress.done:
            after[i] = step._replace(state="done", at=now)
        elif step.state == "waiting" and (step.node in progress.skipped or progress.ended):
            after[i] = step._replace(state="skipped")
    return [step for i, step in enumerate(after) if i >= len(before) or step != before[i]]


def ticked(step: CaseStep, given: Mapping[str, Any], note: str, actor: str, now: int) -> CaseStep:
    """Done, with what was answered. CaseProblem: somebody was faster, it is not its turn, or an answer is wrong."""
    if step.state != "ready":
        who = step.actor or "Gateway"
        said = {
            "done": (f"ist schon erledigt, von {who}", f"is done already, by {who}"),
            "skipped": ("entfällt", "is not needed"),
            "failed": ("ist fehlgeschlagen", "has failed"),
        }.get(step.state, ("ist noch nicht an der Reihe", "is not due yet"))
        raise CaseProblem(f"Schritt {step.number} {said[0]}.", f"Step {step.number} {said[1]}.")
    answers, wrong = checked(step.form, given)
    if wrong:
        raise AnswersWrong(wrong)
    return step._replace(state="done", answers=answers, note=note.strip()[:4000], actor=actor, at=now)


class AnswersWrong(CaseProblem):
    """`fields`: name of a field -> what is wrong."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields = dict(fields)
        super().__init__(
            "; ".join(one.de for one in self.fields.values()) + ".", "; ".join(map(str, self.fields.values())) + "."
        )
