"""What may become of a case. Pure: a case and what somebody does, and the case as it is after it, or why not."""

from collections.abc import Mapping

from ..texts import Sentence, both
from .types import Case, CaseState

REOPEN_MS = 30 * 86_400_000
"""So long after its end a case may be opened again; later it is evidence, and what happens is a new one."""
LONGEST_REASON = 2000
_GERMAN: dict[CaseState, str] = {
    "new": "neu",
    "taken": "übernommen",
    "in_work": "in Arbeit",
    "done": "erledigt",
    "false_alarm": "ein Fehlalarm",
    "closed": "abgeschlossen",
}
_ENGLISH: dict[CaseState, str] = {
    "new": "new",
    "taken": "taken",
    "in_work": "in work",
    "done": "done",
    "false_alarm": "a false alarm",
    "closed": "closed",
}


class CaseProblem(Exception):
    """It was not done; its sentence says why and what to do."""

    def __init__(self, de: str, en: str) -> None:
        self.sentence = both(de, en)
        super().__init__(self.sentence)


def state_words(state: CaseState) -> Sentence:
    """As a sentence says it."""
    return both(_GERMAN[state], _ENGLISH[state])


def take(case: Case, actor: str, now: int, instead_of: str | None = None) -> Case:
    """Theirs from now on. `instead_of`: whom they saw having it; CaseProblem where somebody else was faster."""
    _only_open(case)
    if case.account == actor and case.state != "new":
        return case
    if case.account is not None and case.account != instead_of:
        raise CaseProblem(
            f"Vorgang {case.number} hat {case.account} schon übernommen; mit {case.account} absprechen oder ihn geben "
            "lassen.",
            f"Case {case.number} was taken by {case.account} already; agree with {case.account}, or have it given to "
            "you.",
        )
    state: CaseState = "taken" if case.state == "new" else case.state
    return case._replace(state=state, account=actor, taken=case.taken or now, changed=now)


def give(case: Case, now: int, *, desk: str | None = None, account: str | None = None) -> Case:
    """To a desk, where somebody has to take it, to an account, or to an account of another desk."""
    _only_open(case)
    if account is None and desk is None:
        raise CaseProblem("Es fehlt, an wen der Vorgang geht.", "It is missing to whom the case goes.")
    if account is None:
        deputy = "" if desk == case.deputy else case.deputy
        return case._replace(desk=desk or case.desk, deputy=deputy, account=None, state="new", changed=now)
    state: CaseState = "taken" if case.state == "new" else case.state
    return case._replace(desk=desk or case.desk, account=account, state=state, taken=case.taken or now, changed=now)


def start(case: Case, actor: str, now: int) -> Case:
    """Somebody is at it; who had not taken it has now."""
    if case.state == "in_work":
        return case
    taken = case if case.state == "taken" else take(case, actor, now)
    return taken._replace(state="in_work", account=taken.account or actor, changed=now)


def done(case: Case, actor: str, now: int, ledger: Mapping[str, float]) -> Case:
    """It is done; `ledger`: what was saved."""
    _only_open(case)
    return _ended(case, "done", actor, now, "")._replace(ledger=ledger)


def false_alarm(case: Case, actor: str, now: int, reason: str) -> Case:
    """There was nothing to do; CaseProblem without a reason."""
    _only_open(case)
    return _ended(case, "false_alarm", actor, now, reasoned(reason))._replace(ledger={"false_alarm": 1.0})


def close(case: Case, actor: str | None, now: int, reason: str = "") -> Case:
    """Put away. An open one needs a reason; `actor` None: the gateway's own doing."""
    if case.state == "closed":
        raise CaseProblem(f"Vorgang {case.number} ist schon abgeschlossen.", f"Case {case.number} is closed already.")
    if case.open:
        return _ended(case, "closed", None if actor is None else case.account, now, reasoned(reason))
    return case._replace(state="closed", reason=reason.strip()[:LONGEST_REASON] or case.reason, changed=now)


def reopen(case: Case, actor: str, now: int) -> Case:
    """There is something to do after all; whose desk has it, has it again, and who opens it takes it."""
    if case.open:
        raise CaseProblem(
            f"Vorgang {case.number} ist offen ({_GERMAN[case.state]}).",
            f"Case {case.number} is open ({_ENGLISH[case.state]}).",
        )
    if case.ended is None or now - case.ended > REOPEN_MS:
        days = REOPEN_MS // 86_400_000
        raise CaseProblem(
            f"Vorgang {case.number} endete vor mehr als {days} Tagen und bleibt, wie er ist; ein neuer beginnt mit der "
            "nächsten Meldung.",
            f"Case {case.number} ended more than {days} days ago and stays as it is; a new one begins with the next "
            "report.",
        )
    return case._replace(
        state="taken", account=actor, taken=case.taken or now, ended=None, reason="", ledger={}, changed=now
    )


def reasoned(reason: str) -> str:
    """A reason that says something; CaseProblem."""
    reason = reason.strip()
    if not reason:
        raise CaseProblem("Es fehlt der Grund; einen Satz schreiben.", "The reason is missing; write a sentence.")
    if len(reason) > LONGEST_REASON:
        raise CaseProblem(
            f"Der Text ist zu lang; höchstens {LONGEST_REASON} Zeichen.",
            f"The text is too long; {LONGEST_REASON} characters at most.",
        )
    return reason


def _ended(case: Case, state: CaseState, actor: str | None, now: int, reason: str) -> Case:
    taken = case.taken if actor is None else case.taken or now
    return case._replace(state=state, account=case.account or actor, taken=taken, ended=now, reason=reason, changed=now)


def _only_open(case: Case) -> None:
    if not case.open:
        raise CaseProblem(
            f"Vorgang {case.number} ist {_GERMAN[case.state]}; erst wieder öffnen.",
            f"Case {case.number} is {_ENGLISH[case.state]}; open it again first.",
        )
