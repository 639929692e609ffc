"""What people do to a case: each a Future of the case as it is then, or CaseProblem."""

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from ..store import audit
from ..store import cases as rows
from ..store.connection import Connection
from . import photos, states, steps
from .keeping import failed, subject, there
from .running import Running
from .states import CaseProblem
from .types import Case, CaseNote

LONGEST_NOTE = 4000


class Working(Running):
    """The part of Cases for who works on them."""

    def take(self, id: int, actor: str, *, instead_of: str | None = None) -> "Future[Case]":
        """Theirs from now on; `instead_of`: whom they saw having it."""
        return self._change(id, actor, "taken", lambda _, case, now: states.take(case, actor, now, instead_of))

    def give(self, id: int, actor: str, *, desk: str | None = None, account: str | None = None) -> "Future[Case]":
        """To a desk, which is told, to an account, or both."""
        if desk is not None and desk not in self._config.desk:
            return failed(CaseProblem(f"Eine Stelle „{desk}“ gibt es nicht.", f'There is no desk "{desk}".'))
        case = self.get(id)
        sheet = self._sheet(case.rule) if case is not None else None

        def change(connection: Connection, case: Case, now: int) -> Case:
            given = states.give(case, now, desk=desk, account=account)
            if given.desk != case.desk:
                self._tell(connection, given, sheet, "given", (given.desk,), now)
            return given

        return self._change(id, actor, "given", change, {"desk": desk, "account": account})

    def start(self, id: int, actor: str) -> "Future[Case]":
        """Somebody is at it."""
        return self._change(id, actor, "started", lambda _, case, now: states.start(case, actor, now))

    def tick_off(
        self,
        id: int,
        number: int,
        actor: str,
        answers: Mapping[str, Any] | None = None,
        *,
        note: str = "",
        differently: str = "",
    ) -> "Future[Case]":
        """A step is done. `answers`: of its form, values or texts. `differently`: what was done in another way than the
        sheet says. CaseProblem; steps.AnswersWrong says what is wrong with each field."""
        now = self._now()

        def job(connection: Connection) -> Case:
            case = there(connection, id)
            step = next((one for one in rows.steps(connection, id) if one.number == number), None)
            if step is None:
                raise CaseProblem(
                    f"Vorgang {case.number} hat keinen Schritt {number}.", f"Case {case.number} has no step {number}."
                )
            begun = states.start(case, actor, now)
            done = steps.ticked(step, answers or {}, note, actor, now)
            for field in done.form:
                if field.get("type") == "photo" and (digest := done.answers.get(field["name"])) is not None:
                    _known_photo(connection, digest)
            rows.put_steps(connection, [done])
            changed = begun._replace(changed=now)
            detail = {"step": number, "node": done.node, "answers": done.answers, "note": done.note}
            self._put(connection, changed, actor, "step", detail)
            if differently.strip():
                self._note(connection, case, actor, "differently", differently, None, number, now)
            self._complete(connection, changed, done, done.answers, now)
            return there(connection, id)

        return self._store.submit(job)

    def done(self, id: int, actor: str, *, trips: float | None = None, minutes: float | None = None) -> "Future[Case]":
        """It is done. `trips`, `minutes`: what was saved, as who ends it says; None: as the sheet proposes."""
        proposed = self.benefit(id)
        ledger = {
            "trips": proposed["trips"] if trips is None else float(trips),
            "minutes": proposed["minutes"] if minutes is None else float(minutes),
        }
        if not all(0 <= value <= 100_000 for value in ledger.values()):
            return failed(
                CaseProblem(
                    "Gesparte Fahrten und Minuten sind Zahlen von 0 bis 100000.",
                    "Trips and minutes saved are numbers from 0 to 100000.",
                )
            )

        def change(connection: Connection, case: Case, now: int) -> Case:
            ended = states.done(case, actor, now, ledger)
            if any(step.state == "ready" for step in rows.steps(connection, id)):
                self._stop(connection, case, now, keep_errands=True)
            return ended

        return self._change(id, actor, "done", change, ledger)

    def false_alarm(self, id: int, actor: str, reason: str, *, of_others: bool = True) -> "Future[Case]":
        """There was nothing to do; why. `of_others`: whether the actor may say so of a case that somebody else has."""

        def change(connection: Connection, case: Case, now: int) -> Case:
            if not of_others and case.account not in (None, actor):
                raise CaseProblem(
                    f"Vorgang {case.number} hat inzwischen {case.account}; das ist Sache der Disposition.",
                    f"{case.account} has case {case.number} by now; that is a dispatcher's to say.",
                )
            ended = states.false_alarm(case, actor, now, reason)
            self._stop(connection, case, now)
            return ended

        return self._change(id, actor, "false alarm", change, {"reason": reason.strip()})

    def close(self, id: int, actor: str, reason: str = "") -> "Future[Case]":
        """Put away; of an open case with a reason."""

        def change(connection: Connection, case: Case, now: int) -> Case:
            closed = states.close(case, actor, now, reason)
            if case.open:
                self._stop(connection, case, now)
            return closed

        return self._change(id, actor, "closed", change, {"reason": reason.strip()})

    def reopen(self, id: int, actor: str, reason: str) -> "Future[Case]":
        """There is something to do after all; why."""

        def change(connection: Connection, case: Case, now: int) -> Case:
            states.reasoned(reason)
            opened = states.reopen(case, actor, now)
            self._resume(connection, case, now)
            return opened

        return self._change(id, actor, "reopened", change, {"reason": reason.strip()})

    def comment(self, id: int, actor: str, text: str, *, differently: bool = False) -> "Future[CaseNote]":
        """A comment, or what was done in another way than the sheet says: a proposal to change it."""
        kind = "differently" if differently else "comment"
        return self._noted(id, actor, kind, text, None)

    def photo(self, id: int, actor: str, content: bytes, text: str = "") -> "Future[CaseNote]":
        """A photo as a phone sends it. Reading it takes a tenth of a second: not in the event loop's thread."""
        try:
            photo = photos.prepared(content)
        except CaseProblem as problem:
            return failed(problem)
        return self._noted(id, actor, "photo", text, photo)

    def keep_photo(self, actor: str, content: bytes) -> "Future[str]":
        """A photo that answers a field of a form, or belongs to a station: its digest. As photo()."""
        now = self._now()
        try:
            photo = photos.prepared(content)
        except CaseProblem as problem:
            return failed(problem)

        def job(connection: Connection) -> str:
            photos.keep(connection, photo, now, actor)
            return photo.digest

        return self._store.submit(job)

    def decide(self, note: int, actor: str, *, accepted: bool, reason: str = "") -> "Future[CaseNote]":
        """On a proposal; accepting it changes no sheet: who accepts it does, in the sheet's editor."""
        now = self._now()

        def job(connection: Connection) -> CaseNote:
            found = rows.note(connection, note)
            if found is None or found.state != "open":
                raise CaseProblem(
                    "Über den Vorschlag ist schon entschieden.", "This proposal has been decided on already."
                )
            state = "accepted" if accepted else "declined"
            rows.put_note_state(connection, note, state)
            detail = {"note": note, "reason": reason.strip()[:LONGEST_NOTE]}
            audit.enter(connection, now, actor, f"proposal {state}", subject(found.case), detail)
            return rows.note(connection, note) or found

        return self._store.submit(job)

    # Inside

    def _noted(self, id: int, actor: str, kind: Any, text: str, photo: photos.Photo | None) -> "Future[CaseNote]":
        now = self._now()

        def job(connection: Connection) -> CaseNote:
            case = there(connection, id)
            if photo is not None:
                photos.keep(connection, photo, now, actor)
            return self._note(connection, case, actor, kind, text, photo.digest if photo else None, None, now)

        return self._store.submit(job)

    def _note(
        self,
        connection: Connection,
        case: Case,
        actor: str,
        kind: Any,
        text: str,
        photo: str | None,
        step: int | None,
        now: int,
    ) -> CaseNote:
        text = text.replace("\0", "").strip()
        if not text and photo is None:
            raise CaseProblem("Es fehlt der Text.", "The text is missing.")
        if len(text) > LONGEST_NOTE:
            raise CaseProblem(
                f"Der Text ist zu lang; höchstens {LONGEST_NOTE} Zeichen.",
                f"The text is too long; {LONGEST_NOTE} characters at most.",
            )
        note = CaseNote(0, case.id, now, actor, kind, text, photo, step, "open" if kind == "differently" else "")
        id = rows.add_note(connection, note)
        detail = {"note": id, "text": text} if photo is None else {"note": id, "text": text, "photo": photo}
        audit.enter(connection, now, actor, kind, subject(case.id), detail)
        return note._replace(id=id)


def _known_photo(connection: Connection, digest: str) -> None:
    if not rows.has_photo(connection, digest):
        raise CaseProblem(
            "Das Foto ist nicht angekommen; noch einmal senden.", "The photo has not arrived; send it again."
        )
