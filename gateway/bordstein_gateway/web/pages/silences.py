"""Silences at /app/silences: what is quiet, until when and why; each ends by itself."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...cases.beginning import place_of
from ...cases.states import CaseProblem
from ...rules.sheet import words
from ...texts import both, said
from .casewords import Clock
from .casework import said_in
from .office import OfficeView, number_of
from .rights import Right, User
from .site import Site

_WEEK_MS, _MOST_MS = 7 * 86_400_000, 90 * 86_400_000
_MOST_ENDED = 100


class Pages:
    """The views of one site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._office = OfficeView(site)

    async def index(self, request: Request, user: User) -> Response:
        """Those in force, and those that have ended."""
        return await self._page(request, user)

    async def begin(self, request: Request, user: User) -> Response:
        """A rule, a station or both, until then."""
        form = await self._site.form(request)
        until = self._office.clock(request).typed(said_in(form, "until"))
        if until is None:
            problem = both("Es fehlt, bis wann; ein Datum wählen.", "It is missing until when; choose a date.")
            return await self._page(request, user, problem, form)
        done = self._office.cases.silence(
            *(user.name, said_in(form, "reason"), until), rule=said_in(form, "rule"), object=said_in(form, "object")
        )
        try:
            await asyncio.wrap_future(done)
        except CaseProblem as problem:
            return await self._page(request, user, problem.sentence, form)
        return self._site.back(request, "/app/silences", both("Stummgeschaltet.", "Silenced."))

    async def end(self, request: Request, user: User) -> Response:
        """Before its time."""
        try:
            ended = self._office.cases.end_silence(number_of(request, "id"), user.name)
            await asyncio.wrap_future(ended)
        except CaseProblem as problem:
            return self._site.back(request, "/app/silences", problem.sentence, bad=True)
        return self._site.back(
            request, "/app/silences", both("Die Stummschaltung ist zu Ende.", "The silence has ended.")
        )

    async def _page(self, request: Request, user: User, problem: Any = None, form: Any = None) -> Response:
        clock = self._office.clock(request)
        found = await asyncio.to_thread(self._list, clock)
        typed = {name: value for name, value in form.items() if isinstance(value, str)} if form is not None else {}
        text = "" if problem is None else said(problem, clock.lang)
        status = 409 if text else 200
        return self._site.page(request, user, "cases/silences.html", status, **found, problem=text, typed=typed)

    def _list(self, clock: Clock) -> dict[str, Any]:
        sheets, stations, lang = self._office.sheets(), self._site.state.stations.all(), clock.lang

        rows = [
            {
                "silence": one,
                "rule": (words(sheets[one.rule].title, lang) if one.rule in sheets else one.rule) if one.rule else "",
                "place": place_of(one.object, stations) if one.object else "",
                "who": self._office.person(one.actor, lang),
                "now": one.until > clock.now,
            }
            for one in self._office.cases.silences(ended=True)
        ]
        return {
            "clock": clock,
            "now": [one for one in rows if one["now"]],
            "ended": [one for one in rows if not one["now"]][:_MOST_ENDED],
            "rules": [(name, words(one.title, lang)) for name, one in sorted(sheets.items())],
            "stations": sorted(((name, one.name or name) for name, one in stations.items()), key=lambda one: one[1]),
            "until": clock.field(clock.now + _WEEK_MS),
            "until_most": clock.field(clock.now + _MOST_MS),
        }


def routes(site: Site) -> list[Route]:
    """All addresses of silences."""
    pages = Pages(site)
    return [
        site.get("/app/silences", pages.index, Right.READ),
        site.post("/app/silences", pages.begin, Right.DISPATCH),
        site.post("/app/silences/{id:int}/end", pages.end, Right.DISPATCH),
    ]
