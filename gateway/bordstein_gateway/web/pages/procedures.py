"""Procedures at /app/procedures: of each sheet the BPMN, drawn and to be taken along, and those that run."""

import asyncio
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...procedures.drawing import NoDrawing, draw
from ...rules.sheet import Sheet, words
from ...store.figures import RunningProcess, running
from ...texts import said
from .casewords import Clock
from .drawn import model_of
from .office import OfficeView, number_of, title
from .rights import Right, User
from .site import Site

BPMN = "application/bpmn+xml"


class Pages:
    """The views of one site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._office = OfficeView(site)

    async def index(self, request: Request, user: User) -> Response:
        """Models, and what runs."""
        return await self._office.page(request, user, "procedures/list.html", self._list)

    async def show(self, request: Request, user: User) -> Response:
        """One, drawn."""
        name = str(request.path_params["name"])
        return await self._office.page(request, user, "procedures/procedure.html", lambda clock: self._one(name, clock))

    async def file(self, request: Request, user: User) -> Response:
        """As Camunda Modeler, Signavio and others open it."""
        name = str(request.path_params["name"])
        sheet = (await asyncio.to_thread(self._office.sheets)).get(name)
        if sheet is None:
            raise HTTPException(404)
        text, problem = await asyncio.to_thread(self._text, sheet)
        if problem:
            raise HTTPException(404)
        return _bpmn(text, name)

    async def of_case(self, request: Request, user: User) -> Response:
        """The one in which a case began."""
        text = await asyncio.to_thread(model_of, self._site.store, number_of(request, "id"))
        if not text:
            raise HTTPException(404)
        return _bpmn(text, f"case-{request.path_params['id']}")

    def _list(self, clock: Clock) -> dict[str, Any]:
        sheets, running_now = self._office.sheets(), running(self._site.store)
        return {
            "clock": clock,
            "models": [
                {
                    "name": name,
                    "title": words(sheet.title, clock.lang),
                    "kind": _kind(sheet),
                    "sheet": sheet,
                    "running": sum(one.rule == name for one in running_now),
                    "steps": len(sheet.steps),
                }
                for name, sheet in sorted(sheets.items())
            ],
            "running": [self._row(one, sheets, clock.lang) for one in running_now],
        }

    def _one(self, name: str, clock: Clock) -> dict[str, Any] | None:
        sheets = self._office.sheets()
        sheet = sheets.get(name)
        if sheet is None:
            return None
        lang, drawing = clock.lang, ""
        text, problem = self._text(sheet, lang)
        if text:
            label = words(sheet.title, lang)
            try:
                drawing = draw(text, f"Ablauf: {label}" if lang == "de" else f"Procedure: {label}")
            except NoDrawing as error:
                problem = said(error, lang)
        return {
            "clock": clock,
            "name": name,
            "title": words(sheet.title, lang),
            "kind": _kind(sheet),
            "sheet": sheet,
            "drawing": drawing,
            "problem": problem,
            "steps": [
                (
                    words(step.title, lang),
                    words(step.do, lang),
                    self._site.desk_title(step.desk or sheet.owner, lang),
                    step,
                )
                for step in sheet.steps
            ],
            "running": [self._row(one, sheets, lang) for one in running(self._site.store) if one.rule == name],
        }

    def _text(self, sheet: Sheet, lang: str = "de") -> tuple[str, str]:
        """The BPMN, or why there is none. `lang`: of one that is made of the sheet; cases run in the German one."""
        from ...procedures.make import make
        from ...procedures.model import BadModel
        from ...procedures.procedures import drawn

        try:
            if sheet.procedure.file is None:
                return make(sheet, self._site.config.desk, lang), ""
            return drawn(self._site.config.rules_path, sheet.procedure.file), ""
        except BadModel as error:
            return "", said(error, lang)

    def _row(self, one: RunningProcess, sheets: dict[str, Sheet], lang: str) -> dict[str, Any]:
        sheet = sheets.get(one.rule)
        titles = {step.id: words(step.title, lang) for step in sheet.steps} if sheet is not None else {}
        return {
            "one": one,
            "title": title(sheet, one.rule, lang),
            "steps": ", ".join(titles.get(node, named) for node, named in one.steps),
        }


def _kind(sheet: Sheet) -> str:
    """sheet: made of its steps; file: the town drew it; engine: another engine runs it."""
    return "engine" if sheet.procedure.engine else "file" if sheet.procedure.file else "sheet"


def _bpmn(text: str, name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}.bpmn"'}
    return Response(text.encode(), media_type=BPMN, headers=headers)


def routes(site: Site) -> list[Route]:
    """All addresses of procedures."""
    pages = Pages(site)
    return [
        site.get("/app/procedures", pages.index, Right.READ),
        site.get("/app/procedures/{name}", pages.show, Right.READ),
        site.get("/app/procedures/{name}/file", pages.file, Right.READ),
        site.get("/app/cases/{id:int}/procedure", pages.of_case, Right.READ),
    ]
