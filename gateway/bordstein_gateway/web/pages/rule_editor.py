"""A sheet is written, changed or switched off from its page: each time with a reason, and never with mistakes."""

import asyncio
import re
import tomllib
from collections.abc import Sequence
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...cases.states import CaseProblem
from ...cases.types import CaseNote
from ...config.toml_lines import key_lines
from ...rules import readymade
from ...store import cases as rows
from ...texts import Sentence, both, said, speaking
from .casework import said_in
from .office import OfficeView, number_of
from .rights import Right, User
from .site import Site

_LARGEST = 1 << 20
_LINE = re.compile(r"(\d+): (.*)", re.DOTALL)


class Mistake(NamedTuple):
    """`line` 0: of none; `there`: what stands there."""

    line: int
    sentence: str
    there: str


class Editor:
    """The forms of one site's sheets."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._office = OfficeView(site)

    def routes(self) -> list[Route]:
        """Their addresses. No sheet can be called +new."""
        site, rule = self._site, "/app/rules/{name}"
        return [
            site.get("/app/rules/+new", self.new, Right.DISPATCH),
            site.post("/app/rules/+new", self.begin, Right.DISPATCH, largest=_LARGEST),
            site.get(f"{rule}/edit", self.edit, Right.DISPATCH),
            site.post(f"{rule}/edit", self.save, Right.DISPATCH, largest=_LARGEST),
            site.post(f"{rule}/switch", self.switch, Right.DISPATCH),
            site.post(f"{rule}/proposals/{{note:int}}", self.decide, Right.DISPATCH),
        ]

    async def new(self, request: Request, user: User) -> Response:
        """From one of the ready sheets, or from nothing."""
        start = request.query_params.get("from", "")
        text = ready().get(start, "")
        return self._editor(request, user, name=start if text else "", text=text, version=0)

    async def begin(self, request: Request, user: User) -> Response:
        """A new sheet, in force as soon as it has no mistakes."""
        form = await self._site.form(request)
        name = said_in(form, "name")
        if name in await asyncio.to_thread(self._office.in_force):
            taken = both(
                f"Ein Regelblatt „{name}“ gibt es schon; einen anderen Namen wählen.",
                f'There is a rule sheet "{name}" already; choose another name.',
            )
            return self._again(request, user, name, form, 0, [said(taken, self._site.language(request))])
        return await self._put(request, user, name, form, expected=0)

    async def edit(self, request: Request, user: User) -> Response:
        """The text of the sheet as its file is now; ?note=ID: a proposal that led here."""
        name = str(request.path_params["name"])
        one = (await asyncio.to_thread(self._office.in_force)).get(name)
        if one is None:
            raise HTTPException(404)
        text = await asyncio.to_thread(self._office.shelf.file_text, name) or one.text
        lang = self._site.language(request)
        mistakes = await asyncio.to_thread(self._mistakes, text, name, lang) if one.problems else []
        wanted = request.query_params.get("note", "")
        note = await asyncio.to_thread(self._proposal, name, wanted)
        return self._editor(request, user, name=name, text=text, version=one.version, mistakes=mistakes, note=note)

    async def save(self, request: Request, user: User) -> Response:
        """In force, or its mistakes; `check` only looks for them."""
        name, form = str(request.path_params["name"]), await self._site.form(request)
        given = said_in(form, "version")
        version = int(given) if given.isdecimal() and len(given) < 9 else 0
        return await self._put(request, user, name, form, expected=version)

    async def switch(self, request: Request, user: User) -> Response:
        """On or off, with a reason: a version as any other change."""
        name, form = str(request.path_params["name"]), await self._site.form(request)
        one = (await asyncio.to_thread(self._office.in_force)).get(name)
        if one is None or one.sheet is None:
            raise HTTPException(404)
        there, reason = f"/app/rules/{name}", said_in(form, "reason")
        if not reason:
            return self._site.back(request, there, _NO_REASON, bad=True)
        on = said_in(form, "on") == "yes"
        text = switched(one.text, on=on)
        mistakes = await asyncio.to_thread(
            lambda: self._office.shelf.put(name, text, user.name, reason, expected=one.version)
        )
        if mistakes:
            first = mistakes[0] if isinstance(mistakes[0], Sentence) else both(mistakes[0], mistakes[0])
            return self._site.back(request, there, first, bad=True)
        message = both("Die Regel ist eingeschaltet.", "The rule is on.")
        return self._site.back(
            request, there, message if on else both("Die Regel ist ausgeschaltet.", "The rule is off.")
        )

    async def decide(self, request: Request, user: User) -> Response:
        """On what was done differently: declined, or accepted, which leads to the editor."""
        name, form = str(request.path_params["name"]), await self._site.form(request)
        note, accepted = number_of(request, "note"), said_in(form, "decision") == "accept"
        decided = self._office.cases.decide(note, user.name, accepted=accepted, reason=said_in(form, "reason"))
        try:
            await asyncio.wrap_future(decided)
        except CaseProblem as problem:
            return self._site.back(request, f"/app/rules/{name}", problem.sentence, bad=True)
        if accepted:
            message = both(
                "Angenommen. Jetzt den Text des Regelblatts ändern.", "Accepted. Now change the sheet's text."
            )
            return self._site.back(request, f"/app/rules/{name}/edit?note={note}", message)
        return self._site.back(request, f"/app/rules/{name}", both("Abgelehnt.", "Declined."))

    # Inside

    async def _put(self, request: Request, user: User, name: str, form: Any, *, expected: int) -> Response:
        lang, text = self._site.language(request), _text(form)
        mistakes = await asyncio.to_thread(self._mistakes, text, name, lang)
        if said_in(form, "do") == "check":
            return self._again(request, user, name, form, expected, mistakes, checked=True)
        reason = said_in(form, "reason")
        if not mistakes and not reason:
            mistakes = [said(_NO_REASON, lang)]
        if not mistakes:
            mistakes = [
                said(one, lang)
                for one in await asyncio.to_thread(
                    lambda: self._office.shelf.put(name, text, user.name, reason, expected=expected)
                )
            ]
        if mistakes:
            return self._again(request, user, name, form, expected, mistakes)
        return self._site.back(request, f"/app/rules/{name}", both("Gilt ab jetzt.", "In force from now on."))

    def _proposal(self, name: str, wanted: str) -> CaseNote | None:
        """What was done differently, and led here; None for what is none of this sheet."""
        if not (wanted.isdecimal() and len(wanted) < 16):
            return None
        with self._site.store.database.reading() as connection:
            note = rows.note(connection, int(wanted))
            case = None if note is None else rows.get(connection, note.case)
        return note if case is not None and case.rule == name else None

    def _mistakes(self, text: str, name: str, lang: str) -> list[str]:
        from ...rules.reading import read

        with speaking(lang):
            return read(text, self._site.config, name)[1]

    def _again(
        self,
        request: Request,
        user: User,
        name: str,
        form: Any,
        version: int,
        mistakes: Sequence[str],
        *,
        checked: bool = False,
    ) -> Response:
        return self._editor(
            *(request, user),
            name=name,
            text=_text(form),
            version=version,
            mistakes=mistakes,
            reason=said_in(form, "reason"),
            checked=checked,
            status=409 if mistakes and not checked else 200,
        )

    def _editor(
        self,
        request: Request,
        user: User,
        *,
        name: str,
        text: str,
        version: int,
        mistakes: Sequence[str] = (),
        reason: str = "",
        checked: bool = False,
        note: CaseNote | None = None,
        status: int = 200,
    ) -> Response:
        lang = self._site.language(request)
        return self._site.page(
            *(request, user, "rules/edit.html"),
            status=status,
            new=version == 0 and "name" not in request.path_params,
            name=name,
            text=text,
            version=version,
            mistakes=_placed(mistakes, text),
            reason=reason,
            checked=checked,
            note=note,
            ready=[(one, _title(text, lang)) for one, text in ready().items()] if not version else [],
        )


_NO_REASON = both(
    "Es fehlt, warum; einen Satz schreiben, den auch die Nachfolge versteht.",
    "It is missing why; write a sentence that a successor understands, too.",
)


def ready() -> dict[str, str]:
    """The sheets that come with the gateway: name -> text."""
    return {name: readymade.text(name) for name in readymade.names()}


def _title(text: str, lang: str) -> str:
    title = tomllib.loads(text)["title"]
    return str(title[lang] if isinstance(title, dict) else title)


def switched(text: str, *, on: bool) -> str:
    """A sheet's text with `enabled` as wanted; all else as its author wrote it."""
    lines = text.splitlines()
    found = key_lines(text)
    new = f"enabled = {'true' if on else 'false'}"
    if (place := found.get(("enabled",))) is not None:
        lines[place - 1] = new
    else:
        lines.insert(found[("name",)], new)
    return "\n".join(lines) + "\n"


def _text(form: Any) -> str:
    """As the browser sends it, with a file's ends of lines."""
    value = form.get("text")
    text = value.replace("\r\n", "\n") if isinstance(value, str) else ""
    return text if not text or text.endswith("\n") else text + "\n"


def _placed(mistakes: Sequence[str], text: str) -> list[Mistake]:
    lines, found = text.splitlines(), []
    for one in mistakes:
        match = _LINE.fullmatch(one)
        line = int(match[1]) if match else 0
        there = lines[line - 1] if 0 < line <= len(lines) else ""
        found.append(Mistake(line, match[2] if match else one, there))
    return found
