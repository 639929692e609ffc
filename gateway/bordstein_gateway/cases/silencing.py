"""Silences: a rule, an object or both are quiet for a while, never for good. What fires meanwhile is kept in mind:
where it still holds when the silence ends, its case begins then."""

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from ..store import audit
from ..store import cases as rows
from ..store.connection import Connection
from . import states
from .beginning import verdict_of
from .keeping import failed
from .states import CaseProblem
from .types import Silence
from .verdicts import Verdicts

LONGEST_MS = 90 * 86_400_000


class Silencing(Verdicts):
    """The part of Cases for silences."""

    def silence(self, actor: str, reason: str, until: int, *, rule: str = "", object: str = "") -> "Future[Silence]":
        """No new cases of a rule (all when empty) for an object (all when empty) until then, ms UTC; not both empty."""
        now = self._now()
        try:
            reason = states.reasoned(reason)
            if not rule and not object:
                raise CaseProblem(
                    "Eine Regel oder ein Objekt nennen; alles zugleich wird nicht stumm.",
                    "Name a rule or an object; not all can be silenced at once.",
                )
            if not now < until <= now + LONGEST_MS:
                raise CaseProblem(
                    "Das Ende muss in der Zukunft liegen, höchstens 90 Tage voraus.",
                    "The end has to lie in the future, 90 days ahead at most.",
                )
        except CaseProblem as problem:
            return failed(problem)

        def job(connection: Connection) -> Silence:
            silence = Silence(0, rule, object, now, until, actor, reason)
            id = rows.add_silence(connection, silence)
            audit.enter(connection, now, actor, "silenced", _subject(rule, object), _detail(silence, id))
            return silence._replace(id=id)

        return self._store.submit(job)

    def end_silence(self, id: int, actor: str) -> "Future[Silence]":
        """Before its time; what was held back begins now."""
        now = self._now()
        in_force = self._shelf.sheets()

        def job(connection: Connection) -> Silence:
            silence = rows.silence(connection, id)
            if silence is None or silence.until <= now:
                raise CaseProblem("Diese Stummschaltung ist schon zu Ende.", "This silence has ended already.")
            rows.end_silence(connection, id, now)
            detail = _detail(silence, id)
            audit.enter(connection, now, actor, "silence ended", _subject(silence.rule, silence.object), detail)
            self._let_begin(connection, in_force, now)
            return silence._replace(until=now)

        return self._store.submit(job)

    def _let_begin(self, connection: Connection, in_force: Mapping[str, Any], now: int) -> int:
        """Cases of what fired while silenced, and is silenced no more; how many."""
        begun = 0
        for event in rows.held_back(connection):
            try:
                verdict = verdict_of(event)
            except (KeyError, TypeError):  # kept by another version of the gateway
                rows.hold_back(connection, event["rule"], event["object"], None)
                continue
            if rows.silenced(connection, verdict.rule, verdict.object, now) is not None:
                continue
            law = in_force.get(verdict.rule)
            if law is None or law.sheet is None:
                rows.hold_back(connection, verdict.rule, verdict.object, None)
            elif self.apply(connection, verdict, law, now) is not None:
                begun += 1
        return begun


def _subject(rule: str, object: str) -> str:
    return " ".join(("rule", rule or "*", object or "*"))


def _detail(silence: Silence, id: int) -> dict[str, Any]:
    return {"silence": id, "until": silence.until, "reason": silence.reason}
