"""Cases at /app/cases: the board, the list, one case. What is done to one: casework.py."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...cases.types import OPEN, Case, CaseNote, CaseStep
from ...rules.sheet import Sheet, words
from ...store import cases as rows
from ...store.cases import CaseFilter
from . import casewords
from .case_plot import case_plot
from .casewords import Clock
from .drawn import drawing, nodes
from .errands import waiting
from .office import OfficeView
from .rights import Right, User
from .site import Site

PAGE = 50
BOARD = 25
"""So many cards of a column; the list has the rest."""
_SORTS = ("urgent", "newest", "oldest", "changed")
_DAY_MS = 86_400_000


class Card(NamedTuple):
    """A case as board and list show it."""

    case: Case
    title: str
    stage: str
    who: str
    desk: str
    since: str
    ago: str
    ended: str


class Pages:
    """The views of one site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._office = OfficeView(site)

    async def index(self, request: Request, user: User) -> Response:
        """The board, and the list for who filters."""
        wanted = _wanted(request, user, clock := self._office.clock(request))
        view = "list" if request.query_params.get("view") == "list" else "board"
        board = await asyncio.to_thread(self._board, user, clock, wanted, request, view)
        return self._site.page(request, user, f"cases/{view}.html", **board)

    async def show(self, request: Request, user: User) -> Response:
        """One case."""
        return await self.case(request, user)

    async def case(
        self,
        request: Request,
        user: User,
        *,
        problem: str | None = None,
        typed: Mapping[str, str] | None = None,
        wrong: Mapping[str, str] | None = None,
        status: int = 200,
    ) -> Response:
        """One case; `problem`: what could not be done, `typed`: what was typed, which must not be lost;
        `wrong`: field of a step's form -> why."""
        clock = self._office.clock(request)
        found = await asyncio.to_thread(self._whole, str(request.path_params["id"]), user, clock)
        if found is None:
            raise HTTPException(404)
        return self._site.page(
            request,
            user,
            "cases/case.html",
            **found,
            problem=problem,
            typed=typed or {},
            wrong=wrong or {},
            status=status,
        )

    async def photo(self, request: Request, user: User) -> Response:
        """A picture of a case or a station; its address is its digest, so it never changes."""
        digest = str(request.path_params["digest"])
        found = await asyncio.to_thread(self._photo, digest)
        if found is None:
            raise HTTPException(404)
        kind, content = found
        return Response(content, media_type=kind, headers={"cache-control": "private, max-age=31536000, immutable"})

    def _photo(self, digest: str) -> tuple[str, bytes] | None:
        with self._site.state.store.database.reading() as connection:
            return rows.photo(connection, digest)

    def _board(self, user: User, clock: Clock, wanted: CaseFilter, request: Request, view: str) -> dict[str, Any]:
        cases, sheets, lang = self._office.cases, self._office.sheets(), clock.lang
        query = dict(request.query_params)
        common = {
            "query": query,
            "clock": clock,
            "rules": [(name, words(one.title, lang)) for name, one in sorted(sheets.items())],
            "desks": self._office.desks(lang),
            "states": casewords.STATES,
            "filtered": any(query.get(name) for name in ("mine", "desk", "rule", "state", "text", "days")),
        }

        def cards(found: Sequence[Case]) -> list[Card]:
            return [self._card(case, sheets.get(case.rule), clock) for case in found]

        if view == "list":
            sort = query.get("sort", "urgent")
            number = max(1, int(query["page"])) if query.get("page", "").isdecimal() else 1
            found, count = cases.list(
                wanted, order=sort if sort in _SORTS else "urgent", limit=PAGE, offset=min(number - 1, 10_000) * PAGE
            )
            return common | {"cards": cards(found), "count": count, "number": number, "pages": -(-count // PAGE)}
        columns = []
        for name in OPEN:
            found, count = cases.list(wanted._replace(states=(name,)), order="urgent", limit=BOARD)
            columns.append({"state": name, "cards": cards(found), "count": count})
        ended = wanted._replace(states=("done", "false_alarm", "closed"), ended_from=clock.today())
        found, count = cases.list(ended, order="changed", limit=BOARD)
        columns.append({"state": "done", "cards": cards(found), "count": count})
        return common | {"columns": columns, "first": cards(self._first(user, wanted))}

    def _first(self, user: User, wanted: CaseFilter) -> list[Case]:
        """What needs this user first: the most urgent ones that are theirs, or that nobody has at their desks."""
        cases = self._office.cases
        mine, _ = cases.list(wanted._replace(states=OPEN, account=user.name), order="urgent", limit=3)
        desks = user.desks or tuple(self._office.site.state.config.desk)
        free, _ = cases.list(
            wanted._replace(states=("new",), desks=wanted.desks or desks, unassigned=True), order="urgent", limit=3
        )
        return [*free, *mine][:4]

    def _card(self, case: Case, sheet: Sheet | None, clock: Clock) -> Card:
        return Card(
            case,
            words(sheet.title, clock.lang) if sheet is not None else case.title,
            casewords.stage(sheet, case.stage, clock.lang),
            self._office.person(case.account, clock.lang),
            self._site.desk_title(case.desk, clock.lang),
            clock.when(case.opened),
            clock.ago(case.opened),
            clock.when(case.ended),
        )

    def _whole(self, id: str, user: User, clock: Clock) -> dict[str, Any] | None:
        cases, lang = self._office.cases, clock.lang
        case = cases.get(int(id)) if id.isdecimal() and len(id) < 16 else cases.by_number(id)
        whole = None if case is None else cases.whole(case.id)
        if whole is None:
            return None
        case = whole.case
        sheet = self._office.sheet_of(case.rule, case.sheet_version)
        device = casewords.device_of(case.object)
        station = self._site.state.stations.all().get(device or "")
        ready = [step for step in whole.steps if step.state == "ready"]
        return {
            "case": case,
            "card": self._card(case, sheet, clock),
            "clock": clock,
            "sheet": sheet,
            "said": casewords.happened(case, sheet, clock),
            "values": casewords.values(sheet, case.event, lang),
            "why": words(sheet.why, lang) if sheet is not None else "",
            "legal_basis": words(sheet.legal_basis, lang) if sheet is not None else "",
            "device": device,
            "devices": list(case.event.get("devices") or ()),
            "station": station,
            "places": {name: one.name or name for name, one in self._site.state.stations.all().items()},
            "steps": [self._step(step, sheet, lang) for step in whole.steps],
            "current": ready[0].number if ready else None,
            "errands": waiting(self._office, lang, case.id),
            "rule_title": words(sheet.title, lang) if sheet is not None else case.rule,
            "notes": [note for note in whole.notes if note.kind != "photo"],
            "photos": [note for note in whole.notes if note.photo],
            "history": self._history(whole.history, whole.notes, sheet, clock),
            "benefit": {
                name: f"{amount:g}".replace(".", "," if lang == "de" else ".")
                for name, amount in cases.benefit(case.id).items()
            },
            "nodes": {state: ",".join(nodes(whole.steps, state)) for state in ("done", "ready", "skipped")},
            "drawing": drawing(self._site.store, case, whole.steps, lang, sheet, self._site.config.desk),
            "desks": self._office.desks(lang),
            "people": self._office.people() if user.may(Right.DISPATCH) else [],
            "person": lambda name: self._office.person(name, lang),
            "desk": lambda name: self._site.desk_title(name, lang),
            "states": casewords.STATES,
            "plot": case_plot(self._site.store, case, sheet, clock),
            "mine": case.account == user.name,
            "may_false_alarm": user.may(Right.DISPATCH) or case.account in (None, user.name),
            "until": clock.field(clock.now + 7 * _DAY_MS),
            "until_most": clock.field(clock.now + 90 * _DAY_MS),
        }

    def _step(self, step: CaseStep, sheet: Sheet | None, lang: str) -> dict[str, Any]:
        planned = next((one for one in sheet.steps if one.id == step.node), None) if sheet is not None else None
        form = [
            {
                "name": field["name"],
                "label": _text(field.get("label", field["name"]), lang),
                "type": field.get("type", "text"),
                "unit": field.get("unit"),
                "required": bool(field.get("required")),
                "choices": [(_text(choice, "de"), _text(choice, lang)) for choice in field.get("choices") or ()],
            }
            for field in step.form
        ]
        return {
            "step": step,
            "title": step.title if planned is None else words(planned.title, lang),
            "instruction": step.instruction if planned is None else words(planned.do, lang) or step.instruction,
            "form": form,
            "answers": [(field, step.answers[field["name"]]) for field in form if field["name"] in step.answers],
            "desk": self._site.desk_title(step.desk, lang),
            "state": casewords.named(casewords.STEP_STATES, step.state, lang),
        }

    def _history(
        self, entries: Sequence[Any], notes: Sequence[CaseNote], sheet: Sheet | None, clock: Clock
    ) -> list[dict[str, Any]]:
        """What was done, the oldest first, in words."""
        texts = {note.id: note for note in notes}
        listed = []
        for entry in entries:
            detail = dict(entry.detail)
            note = texts.get(int(detail["note"])) if str(detail.get("note", "")).isdecimal() else None
            why = casewords.named(casewords.REASONS, str(detail.get("reason") or ""), clock.lang)
            text = str(note.text if note is not None else why or detail.get("text") or "")
            if detail.get("desk"):
                text = f"→ {self._site.desk_title(str(detail['desk']), clock.lang)} {text}".strip()
            if detail.get("account"):
                text = f"→ {self._office.person(str(detail['account']))} {text}".strip()
            if entry.action == "stage rises" and detail.get("stage"):
                text = casewords.stage(sheet, str(detail["stage"]), clock.lang)
            listed.append(
                {
                    "at": entry.at,
                    "who": self._office.person(entry.actor, clock.lang),
                    "what": casewords.action_words(entry.action, clock.lang),
                    "text": text,
                }
            )
        return listed


def _text(text: Any, lang: str) -> str:
    return str(text.get(lang) or text.get("de") or "") if isinstance(text, Mapping) else str(text)


def _wanted(request: Request, user: User, clock: Clock) -> CaseFilter:
    """What the query asks for. `mine`: account or desks; `days`: opened within so many."""
    query = request.query_params
    state, mine, days = query.get("state", ""), query.get("mine", ""), query.get("days", "")
    states: tuple[str, ...] = OPEN if state == "open" else (state,) if state in casewords.STATES else ()
    desks: tuple[str, ...] = (query["desk"],) if query.get("desk") else ()
    if mine == "desks":
        desks = user.desks or ("-",)
    return CaseFilter(
        states=states,
        rule=query.get("rule", ""),
        object=query.get("object", ""),
        desks=desks,
        account=user.name if mine == "me" else "",
        text=query.get("text", "")[:200],
        opened_from=clock.now - int(days) * _DAY_MS if days.isdecimal() and len(days) < 5 else None,
    )


def routes(site: Site) -> list[Route]:
    """All addresses of cases."""
    from .casework import Work

    pages = Pages(site)
    work = Work(site, pages)
    return [
        site.get("/app/cases", pages.index, Right.READ),
        site.get("/app/cases/{id}", pages.show, Right.READ),
        site.get("/app/photos/{digest}", pages.photo, Right.READ),
        *work.routes(),
    ]
