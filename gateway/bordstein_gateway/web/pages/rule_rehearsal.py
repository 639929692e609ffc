"""A sheet over stored readings, from its page or the editor, before it is saved: what it would have done, beside what
the one in force does and what there was."""

import asyncio
from collections.abc import Sequence
from html import escape
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...cases.beginning import place_of
from ...rules.sheet import Sheet, words
from ...texts import both, said, speaking
from . import casewords
from .casewords import Clock
from .casework import said_in
from .office import OfficeView
from .rights import Right, User
from .site import Site

DAY_MS = 86_400_000
LONGEST_DAYS = 400
USUAL_DAYS = 28
_LARGEST = 1 << 20
_ROWS = 40
_SHOWN = 500
_WIDTH, _LEFT, _ROW = 900, 190, 30


class Rehearsals:
    """Of one site: one at a time, as each keeps a core busy."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._office = OfficeView(site)
        self._one = asyncio.Lock()

    def routes(self) -> list[Route]:
        """Its addresses."""
        there = "/app/rules/{name}/rehearse"
        return [
            self._site.get(there, self.ask, Right.DISPATCH),
            self._site.post(there, self.run, Right.DISPATCH, largest=_LARGEST),
        ]

    async def ask(self, request: Request, user: User) -> Response:
        """From when to when."""
        return await self._page(request, user, {})

    async def run(self, request: Request, user: User) -> Response:
        """The sheet in force, or the text that the editor has."""
        form = await self._site.form(request)
        return await self._page(request, user, {name: said_in(form, name) for name in ("from", "to", "text")})

    async def _page(self, request: Request, user: User, given: dict[str, str]) -> Response:
        name, clock = str(request.path_params["name"]), self._office.clock(request)
        in_force = (await asyncio.to_thread(self._office.in_force)).get(name)
        if in_force is None:
            raise HTTPException(404)
        text = given.get("text", "").replace("\r\n", "\n")
        start = clock.typed(given.get("from", "")) or clock.today() - USUAL_DAYS * DAY_MS
        end = clock.typed(given.get("to", "")) or clock.today()
        problems: list[str] = []
        found = None
        if given:
            sheet, problems = in_force.sheet, []
            if text:
                sheet, problems = await asyncio.to_thread(self._read, text, name, clock.lang)
            if sheet is None and not problems:
                problems = [said(_NOTHING, clock.lang)]
            if not start < end + DAY_MS <= start + LONGEST_DAYS * DAY_MS:
                problems = [*problems, said(_SPAN, clock.lang)]
            if sheet is not None and not problems:
                found = await self._rehearsed(sheet, in_force.sheet, start, end + DAY_MS, clock)
        return self._site.page(
            *(request, user, "rules/rehearsal.html"),
            status=409 if problems else 200,
            name=name,
            clock=clock,
            start=clock.field(start, day=True),
            end=clock.field(end, day=True),
            text=text,
            version=in_force.version,
            problems=problems,
            found=found,
        )

    def _read(self, text: str, name: str, lang: str) -> tuple[Sheet | None, list[str]]:
        from ...rules.reading import read

        with speaking(lang):
            return read(text, self._site.config, name)

    async def _rehearsed(
        self, sheet: Sheet, in_force: Sheet | None, start: int, end: int, clock: Clock
    ) -> dict[str, Any]:
        from ...rules.rehearse import rehearse

        async with self._one:
            done = await asyncio.to_thread(
                rehearse, sheet, in_force, self._site.config, self._site.store, start, min(end, clock.now)
            )
        lang = clock.lang
        stations = self._site.state.stations.all()

        def place(object_: str) -> str:
            return place_of(object_, stations)

        def row(one: Any, kind: str) -> dict[str, Any]:
            return {
                "kind": kind,
                "place": place(one.object),
                "begin": one.begin,
                "end": one.end,
                "stage": casewords.stage(sheet, one.stage, lang),
                "values": casewords.values(sheet, {"signals": one.signals}, lang)[:3],
            }

        would = [row(one, "would") for one in done.cases]
        before = [row(one, "before") for one in done.before or []]
        real = [row(one, "real") for one in done.real]
        summary = said(done.summary, lang)
        for object_ in {*done.added, *done.gone}:
            summary = summary.replace(object_, place(object_))
        return {
            "title": words(sheet.title, lang),
            "summary": summary,
            "readings": done.readings,
            "trouble": said(done.trouble, lang) if done.trouble else "",
            "would": would[:_SHOWN],
            "counts": (len(would), None if done.before is None else len(before), len(real)),
            "rows": sorted([*would, *before, *real], key=lambda one: (one["begin"], one["place"], one["kind"]))[
                :_SHOWN
            ],
            "drawing": timeline([*would, *before, *real], done.from_ms, done.to_ms, clock),
        }


_NOTHING = both("In Kraft ist kein Blatt dieses Namens.", "No sheet of this name is in force.")
_SPAN = both(
    f"„bis“ muss nach „von“ liegen, höchstens {LONGEST_DAYS} Tage danach.",
    f'"to" has to be after "from", by {LONGEST_DAYS} days at most.',
)


def timeline(rows: Sequence[dict[str, Any]], start: int, end: int, clock: Clock) -> str:
    """SVG: a line for each place, on it when there would have been a case (top), is with the sheet in force (middle),
    and was one (bottom)."""
    places = list(dict.fromkeys(one["place"] for one in rows))[:_ROWS]
    if not places or end <= start:
        return ""
    height = len(places) * _ROW + 24

    def x(ms: int) -> float:
        return round(_LEFT + (min(max(ms, start), end) - start) / (end - start) * (_WIDTH - _LEFT), 1)

    parts = []
    for number, place in enumerate(places):
        top = number * _ROW
        parts.append(f'<text x="0" y="{top + 18}">{escape(place[:28])}</text>')
        parts.append(f'<path class="grid" d="M{_LEFT} {top + _ROW - 1}H{_WIDTH}"/>')
    for one in rows:
        if one["place"] in places:
            top = places.index(one["place"]) * _ROW + {"would": 3, "before": 11, "real": 19}[one["kind"]]
            left = x(one["begin"])
            width = round(max(2.0, x(end if one["end"] is None else one["end"]) - left), 1)
            parts.append(f'<rect class="{one["kind"]}" x="{left}" y="{top}" width="{width}" height="7"/>')
    for ms, anchor in ((start, "start"), (end, "end")):
        parts.append(f'<text x="{x(ms)}" y="{height - 4}" text-anchor="{anchor}">{clock.when(ms)}</text>')
    label = "Vorgänge im Probelauf nach Zeit" if clock.lang == "de" else "Cases of the rehearsal by time"
    return (
        f'<svg class="chart rehearsal" role="img" aria-label="{label}" viewBox="0 0 {_WIDTH} {height}">'
        f"{''.join(parts)}</svg>"
    )
