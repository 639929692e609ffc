"""Rules at /app/rules: the sheets in force, one for people, its versions. Changing them: rule_editor.py."""

import asyncio
import difflib
import json
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...cases.beginning import place_of
from ...rules.sheet import Sheet, words
from ...store.cases import CaseFilter
from ...store.figures import Fired, fired
from ...store.sheets import SheetVersion, rule_states
from ...texts import said, speaking
from . import casewords, rulewords
from .casewords import Clock, device_of
from .office import OfficeView
from .rights import Right, User
from .site import Site

if TYPE_CHECKING:
    from ...rules.shelf import InForce

_MOST_OBJECTS = 300


class Pages:
    """The views of one site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._office = OfficeView(site)

    async def index(self, request: Request, user: User) -> Response:
        """All sheets."""
        return await self._office.page(request, user, "rules/list.html", self._list)

    async def show(self, request: Request, user: User) -> Response:
        """One sheet, for people."""
        name = str(request.path_params["name"])
        return await self._office.page(request, user, "rules/sheet.html", lambda clock: self._sheet(name, clock))

    async def versions(self, request: Request, user: User) -> Response:
        """What was changed when, by whom and why; ?version=N: what that one changed."""
        clock, name = self._office.clock(request), str(request.path_params["name"])
        versions = await asyncio.to_thread(self._office.shelf.versions, name)
        if not versions:
            raise HTTPException(404)
        wanted = request.query_params.get("version", "")
        number = int(wanted) if wanted.isdecimal() and len(wanted) < 9 else versions[0].version
        place = next((i for i, one in enumerate(versions) if one.version == number), None)
        if place is None:
            raise HTTPException(404)
        before = versions[place + 1] if place + 1 < len(versions) else None
        return self._site.page(
            *(request, user, "rules/versions.html"),
            clock=clock,
            name=name,
            versions=versions,
            chosen=versions[place],
            lines=changed(before, versions[place]),
            person=lambda actor: self._office.person(actor, clock.lang),
            reason=lambda text: _reason(text, clock.lang),
        )

    def _list(self, clock: Clock) -> dict[str, Any]:
        lang, today = clock.lang, clock.local(clock.now).date()
        year = int(clock.local(clock.now).replace(month=1, day=1, hour=0, minute=0, second=0).timestamp() * 1000)
        figures, troubles = fired(self._site.store, year), self._office.troubles()
        rows = []
        for name, one in self._office.in_force().items():
            sheet: Sheet | None = one.sheet
            rows.append(
                {
                    "name": name,
                    "title": words(sheet.title, lang) if sheet else name,
                    "sheet": sheet,
                    "states": _states(sheet, bool(one.problems), troubles.get(name, ""), today),
                    "owner": self._site.desk_title(sheet.owner, lang) if sheet else "",
                    "fired": figures.get(name, Fired(0, 0, 0, 0)),
                }
            )
        proposals = self._office.cases.proposals()
        return {
            "clock": clock,
            "rows": rows,
            "proposals": len(proposals),
            "trouble": self._office.shelf.trouble,
            "folder_empty": not rows,
        }

    def _sheet(self, name: str, clock: Clock) -> dict[str, Any] | None:
        one = self._office.in_force().get(name)
        versions = self._office.shelf.versions(name)
        if one is None and not versions:
            return None
        lang, today = clock.lang, clock.local(clock.now).date()
        sheet: Sheet | None = None if one is None else one.sheet
        cases, count = self._office.cases.list(CaseFilter(rule=name), order="newest", limit=10)
        problems = self._problems(name, one, lang) if one is not None else []
        found: dict[str, Any] = {
            "clock": clock,
            "name": name,
            "title": words(sheet.title, lang) if sheet else name,
            "sheet": sheet,
            "gone": one is None,
            "version": one.version if one is not None else 0,
            "stale": one is not None and one.stale,
            "problems": problems,
            "states": _states(sheet, bool(problems), self._office.troubles().get(name, ""), today),
            "trouble": self._office.troubles().get(name, ""),
            "versions": versions[:5],
            "count": len(versions),
            "cases": cases,
            "case_count": count,
            "person": lambda actor: self._office.person(actor, lang),
            "reason": lambda text: _reason(text, lang),
            "proposals": self._office.cases.proposals(name),
        }
        if sheet is not None:
            found |= {
                "why": words(sheet.why, lang),
                "legal_basis": words(sheet.legal_basis, lang),
                "owner": self._site.desk_title(sheet.owner, lang),
                "deputy": self._site.desk_title(sheet.deputy, lang),
                "condition": rulewords.condition(sheet, lang),
                "signals": [(key, rulewords.signal(key, signal, lang)) for key, signal in sheet.signal.items()],
                "watches": rulewords.objects(sheet, lang),
                "objects": self._objects(name, sheet, lang),
                "steps": [
                    {
                        "step": step,
                        "title": words(step.title, lang),
                        "do": words(step.do, lang),
                        "desk": self._site.desk_title(step.desk or sheet.owner, lang),
                        "fields": [words(field.label, lang) for field in step.form],
                    }
                    for step in sheet.steps
                ],
                "escalation": rulewords.span(sheet.escalation.after, lang, after=True) if sheet.escalation else "",
            }
        return found

    def _problems(self, name: str, one: "InForce", lang: str) -> list[str]:
        """The file's mistakes in the reader's language: the shelf has them in the service's."""
        from ...rules.reading import read

        if not one.problems or not (text := self._office.shelf.file_text(name)):
            return [said(problem, lang) for problem in one.problems]
        with speaking(lang):
            return read(text, self._site.config, name)[1] or list(one.problems)

    def _objects(self, name: str, sheet: Sheet, lang: str) -> list[dict[str, Any]]:
        """What the rule remembers of each object: fires, unknown, calm."""
        stations = self._site.state.stations.all()
        found = []
        for object_, text in sorted(rule_states(self._site.store, name).items()):
            if not object_ or object_.startswith("signal:"):  # what the sheet itself remembers
                continue
            state, stage = _state(json.loads(text), sheet)
            found.append(
                {
                    "object": object_,
                    "device": device_of(object_),
                    "place": place_of(object_, stations),
                    "state": state,
                    "stage": words(sheet.stages[stage].title, lang) if 0 <= stage < len(sheet.stages) else "",
                }
            )
        order = {"fires": 0, "unknown": 1, "calm": 2}
        return sorted(found, key=lambda one: order[str(one["state"])])[:_MOST_OBJECTS]


def _state(kept: dict[str, Any], sheet: Sheet) -> tuple[str, int]:
    """(fires, unknown or calm; place of its stage) of what the evaluator keeps (rules/machine.py)."""
    reached = int(kept.get("reached", -1))
    if reached >= 0:
        return "fires", reached if sheet.stages else -1
    said = kept.get("said")
    return "unknown" if not said or any(one is None for one in said) else "calm", -1


def _states(sheet: Sheet | None, problems: bool, trouble: str, today: date) -> list[str]:
    found = []
    if problems:
        found.append("mistakes")
    if trouble:
        found.append("aside")
    if sheet is None:
        return found
    found.append("works" if sheet.enabled and not trouble else "off" if not sheet.enabled else "")
    if sheet.review < today:
        found.append("review")
    if not sheet.steps and sheet.procedure.file is None and sheet.procedure.engine is None:
        found.append("steps")
    return [one for one in found if one]


def changed(before: SheetVersion | None, after: SheetVersion) -> Sequence[tuple[str, str]]:
    """Lines of a diff: (ins, del, at or nothing; text)."""
    old = before.text.splitlines() if before is not None else []
    lines = list(difflib.unified_diff(old, after.text.splitlines(), lineterm="", n=3))[2:]
    kinds = {"+": "ins", "-": "del", "@": "at"}
    return [(kinds.get(line[:1], ""), line if line.startswith("@") else line[1:]) for line in lines]


def _reason(text: str, lang: str) -> str:
    return casewords.named(casewords.REASONS, text, lang)


def routes(site: Site) -> list[Route]:
    """All addresses of rules."""
    from .rule_editor import Editor
    from .rule_rehearsal import Rehearsals

    pages, rule = Pages(site), "/app/rules/{name}"
    return [
        site.get("/app/rules", pages.index, Right.READ),
        *Editor(site).routes(),
        *Rehearsals(site).routes(),
        site.get(rule, pages.show, Right.READ),
        site.get(f"{rule}/versions", pages.versions, Right.READ),
    ]
