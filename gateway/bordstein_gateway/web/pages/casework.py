"""What is done to a case from its page: each form is one address; what can't be done is said above what was typed."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...cases.states import CaseProblem
from ...cases.steps import AnswersWrong
from ...cases.types import Case, CaseStep
from ...texts import Sentence, both, said
from .cases import Pages
from .office import OfficeView, number_of
from .rights import Right, User
from .site import Site

_PHOTO_BYTES = 24 << 20
"""Two pictures of a telephone, and the form around them."""


class Mistake(Exception):
    """What was typed can't be meant; the sentence is the first argument."""

    @property
    def sentence(self) -> Sentence:
        """In both languages."""
        found: Sentence = self.args[0]
        return found


class Work:
    """The forms of one site's cases."""

    def __init__(self, site: Site, pages: Pages) -> None:
        self._site = site
        self._pages = pages
        self._office = OfficeView(site)

    def routes(self) -> list[Route]:
        """Their addresses."""
        site, case = self._site, "/app/cases/{id}"
        return [
            site.post(f"{case}/take", self.take, Right.WORK),
            site.post(f"{case}/give", self.give, Right.DISPATCH),
            site.post(f"{case}/start", self.start, Right.WORK),
            site.post(f"{case}/steps/{{number:int}}", self.step, Right.WORK, largest=_PHOTO_BYTES),
            site.post(f"{case}/comment", self.comment, Right.WORK),
            site.post(f"{case}/photo", self.photo, Right.WORK, largest=_PHOTO_BYTES),
            site.post(f"{case}/done", self.done, Right.WORK),
            site.post(f"{case}/false-alarm", self.false_alarm, Right.WORK),
            site.post(f"{case}/close", self.close, Right.DISPATCH),
            site.post(f"{case}/reopen", self.reopen, Right.WORK),
            site.post(f"{case}/silence", self.silence, Right.DISPATCH),
        ]

    async def take(self, request: Request, user: User) -> Response:
        """Übernehmen, with one click; `instead`: whom they saw having it."""
        form = await self._site.form(request)
        cases, case = self._office.cases, await self._case(request)
        instead = said_in(form, "instead") or None
        return await self._do(
            request, user, case, cases.take(case.id, user.name, instead_of=instead), _TAKEN, back=said_in(form, "back")
        )

    async def give(self, request: Request, user: User) -> Response:
        """To a desk, to somebody, or both."""
        form = await self._site.form(request)
        cases, case = self._office.cases, await self._case(request)
        given = cases.give(
            case.id, user.name, desk=said_in(form, "desk") or None, account=said_in(form, "account") or None
        )
        return await self._do(request, user, case, given, both("Weitergegeben.", "Given on."))

    async def start(self, request: Request, user: User) -> Response:
        """They are at it."""
        case = await self._case(request)
        message = both("Der Vorgang ist in Arbeit.", "The case is in work.")
        return await self._do(request, user, case, self._office.cases.start(case.id, user.name), message)

    async def step(self, request: Request, user: User) -> Response:
        """A step with the answers of its form, a note, and what was done in another way."""
        form = await self._site.form(request)
        cases, case = self._office.cases, await self._case(request)
        number = number_of(request, "number")
        whole = await asyncio.to_thread(cases.whole, case.id)
        step = next((one for one in whole.steps if one.number == number), None) if whole is not None else None
        if step is None:
            raise HTTPException(404)
        try:
            answers = await self._answers(form, step, user)
            done = cases.tick_off(
                *(case.id, number, user.name, answers),
                note=said_in(form, "note"),
                differently=said_in(form, "differently"),
            )
            await asyncio.wrap_future(done)
        except AnswersWrong as problem:
            return await self._again(request, user, problem.sentence, form, problem.fields)
        except CaseProblem as problem:
            return await self._again(request, user, problem.sentence, form)
        return self._site.back(request, f"/app/cases/{case.id}#next", both("Schritt erledigt.", "Step done."))

    async def comment(self, request: Request, user: User) -> Response:
        """A remark; `kind` differently: what was done in another way than the sheet says."""
        form = await self._site.form(request)
        cases, case = self._office.cases, await self._case(request)
        text = said_in(form, "comment")
        if form.get("kind") == "differently":
            message = both(
                "Danke. Wer das Regelblatt pflegt, bekommt den Vorschlag.",
                "Thank you. Who keeps the rule sheet gets the proposal.",
            )
            return await self._do(
                request, user, case, cases.comment(case.id, user.name, text, differently=True), message
            )
        message = both("Bemerkung gespeichert.", "Comment saved.")
        return await self._do(request, user, case, cases.comment(case.id, user.name, text), message)

    async def photo(self, request: Request, user: User) -> Response:
        """A picture, with a line of text."""
        form = await self._site.form(request)
        case = await self._case(request)
        try:
            content = await _file(form, "photo")
            if content is None:
                raise Mistake(both("Es fehlt das Bild; eines wählen.", "The picture is missing; choose one."))
            kept = await asyncio.to_thread(self._office.cases.photo, case.id, user.name, content, said_in(form, "text"))
            await asyncio.wrap_future(kept)
        except (CaseProblem, Mistake) as problem:
            return await self._again(request, user, problem.sentence, form)
        return self._site.back(request, f"/app/cases/{case.id}#photos", both("Foto gespeichert.", "Photo saved."))

    async def done(self, request: Request, user: User) -> Response:
        """It is done, and what that saved."""
        form = await self._site.form(request)
        cases, case = self._office.cases, await self._case(request)
        try:
            trips, minutes = _number(form, "trips", _TRIPS), _number(form, "minutes", _MINUTES)
        except Mistake as problem:
            return await self._again(request, user, problem.sentence, form)
        message = both("Erledigt. Danke!", "Done. Thank you!")
        done = cases.done(case.id, user.name, trips=trips, minutes=minutes)
        return await self._do(request, user, case, done, message)

    async def false_alarm(self, request: Request, user: User) -> Response:
        """There was nothing to do; of a case that somebody else has this is a dispatcher's."""
        form = await self._site.form(request)
        cases, case = self._office.cases, await self._case(request)
        may = user.may(Right.DISPATCH)
        if case.account not in (None, user.name) and not may:
            raise HTTPException(403)
        done = cases.false_alarm(case.id, user.name, said_in(form, "reason"), of_others=may)
        message = both("Als Fehlalarm vermerkt.", "Marked as a false alarm.")
        return await self._do(request, user, case, done, message)

    async def close(self, request: Request, user: User) -> Response:
        """Put away."""
        form = await self._site.form(request)
        case = await self._case(request)
        closed = self._office.cases.close(case.id, user.name, said_in(form, "reason"))
        return await self._do(request, user, case, closed, both("Geschlossen.", "Closed."))

    async def reopen(self, request: Request, user: User) -> Response:
        """There is something to do after all."""
        form = await self._site.form(request)
        case = await self._case(request)
        opened = self._office.cases.reopen(case.id, user.name, said_in(form, "reason"))
        return await self._do(request, user, case, opened, both("Wieder geöffnet.", "Opened again."))

    async def silence(self, request: Request, user: User) -> Response:
        """No more cases of this rule for this object until then."""
        form = await self._site.form(request)
        cases, case = self._office.cases, await self._case(request)
        until = self._office.clock(request).typed(said_in(form, "until"))
        if until is None:
            problem = both("Es fehlt, bis wann; ein Datum wählen.", "It is missing until when; choose a date.")
            return await self._again(request, user, problem, form)
        object_ = "" if form.get("all") else case.object
        done = cases.silence(user.name, said_in(form, "reason"), until, rule=case.rule, object=object_)
        message = both("Stummgeschaltet; es steht in der Liste.", "Silenced; it is in the list.")
        return await self._do(request, user, case, done, message)

    # Inside

    async def _case(self, request: Request) -> Case:
        id = str(request.path_params["id"])
        if not (id.isdecimal() and len(id) < 16):
            raise HTTPException(404)
        case = await asyncio.to_thread(self._office.cases.get, int(id))
        if case is None:
            raise HTTPException(404)
        return case

    async def _do(
        self,
        request: Request,
        user: User,
        case: Case,
        future: "Future[Any]",
        message: Sentence,
        *,
        back: str = "",
    ) -> Response:
        """Wait for it; the case's page, with the message or with why not and all that was typed."""
        try:
            await asyncio.wrap_future(future)
        except CaseProblem as problem:
            return await self._again(request, user, problem.sentence, await self._site.form(request))
        there = "/app/cases" if back == "board" else f"/app/cases/{case.id}"
        return self._site.back(request, there, message)

    async def _again(
        self,
        request: Request,
        user: User,
        sentence: Sentence,
        form: FormData,
        wrong: Mapping[str, Sentence] | None = None,
    ) -> Response:
        """The case's page with what is wrong and all that was typed."""
        typed = {name: value for name, value in form.items() if isinstance(value, str)}
        problem = said(sentence, self._site.language(request))
        return await self._pages.case(request, user, problem=problem, typed=typed, wrong=wrong or {}, status=409)

    async def _answers(self, form: FormData, step: CaseStep, user: User) -> dict[str, Any]:
        """What was answered in a step's form; what was left empty is not there."""
        answers: dict[str, Any] = {}
        for field in step.form:
            name = str(field["name"])
            key = f"answer-{name}"
            if field.get("type") == "photo":
                if (content := await _file(form, key)) is not None:
                    kept = await asyncio.to_thread(self._office.cases.keep_photo, user.name, content)
                    answers[name] = await asyncio.wrap_future(kept)
            elif field.get("type") == "boolean":
                if (text := said_in(form, key)) in ("yes", "no"):
                    answers[name] = text == "yes"
            elif text := said_in(form, key):
                answers[name] = text
        return answers


_TRIPS, _MINUTES = both("Fahrten erspart", "Trips saved"), both("Minuten erspart", "Minutes saved")
_TAKEN = both(
    "Übernommen. Unter „Was zu tun ist“ steht, wie es weitergeht.",
    'Taken. "What to do" says how it goes on.',
)


def said_in(form: FormData, name: str) -> str:
    """A text field of a form; empty where there is none."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def _number(form: FormData, name: str, label: Sentence) -> float | None:
    """A number as people type it, with a comma or a point; None where there is none."""
    text = said_in(form, name)
    if not text:
        return None
    try:
        return float(text.replace("\N{NO-BREAK SPACE}", "").replace(" ", "").replace(",", "."))
    except ValueError:
        raise Mistake(
            both(
                f"{label.de}: „{text}“ ist keine Zahl; nur Ziffern und ein Komma eintippen.",
                f'{label}: "{text}" is no number; type digits and a point only.',
            )
        ) from None


async def _file(form: FormData, name: str) -> bytes | None:
    """What was uploaded; None where nothing was chosen."""
    value = form.get(name)
    if not isinstance(value, UploadFile) or not value.filename:
        return None
    return await value.read() or None
