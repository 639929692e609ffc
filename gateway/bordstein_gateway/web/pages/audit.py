"""The audit log at /app/audit: who did what when, whether it is whole, and as a file."""

import asyncio
import json
from collections import deque
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ...cases.audit import END, entries, verify, written
from ...store import audit as lines
from ..pagetexts import number
from .casewords import REASONS, STATES, Clock, action_words, named
from .office import OfficeView
from .rendering import short
from .rights import Right, User
from .site import Site

PAGE = 100
_DAY_MS = 86_400_000
_INSIDE = ("key", "node")
"""What the file has and people do not need."""
_TIMES = ("time", "until", "since", "at", "due")
_NAMES = {
    "account": ("Konto", "account"),
    "added": ("dazu", "added"),
    "answers": ("Antworten", "answers"),
    "desk": ("Stelle", "desk"),
    "desks": ("Stellen", "desks"),
    "device": ("Gerät", "device"),
    "holders": ("wer es hat", "who has it"),
    "id": ("Kennung", "id"),
    "kind": ("Art", "kind"),
    "procedure": ("Ablauf", "procedure"),
    "target": ("Ziel", "target"),
    "times": ("mal", "times"),
    "devices": ("Stationen", "stations"),
    "minutes": ("Minuten", "minutes"),
    "note": ("Bemerkung", "note"),
    "number": ("Nummer", "number"),
    "object": ("Objekt", "object"),
    "reason": ("Grund", "reason"),
    "role": ("Rolle", "role"),
    "rule": ("Regel", "rule"),
    "signals": ("Werte", "values"),
    "silence": ("Stummschaltung", "silence"),
    "stage": ("Stufe", "stage"),
    "state": ("Zustand", "state"),
    "step": ("Schritt", "step"),
    "text": ("Text", "text"),
    "time": ("Zeit", "time"),
    "trips": ("Fahrten", "trips"),
    "until": ("bis", "until"),
    "version": ("Fassung", "version"),
}
KINDS = {
    "device": ("Gerät", "device"),
    "forward": ("Ziel", "target"),
    "keepers": ("Schlüssel und Zugänge", "keys and credentials"),
    "roll-out": ("Verteilung", "roll-out"),
    "account": ("Konto", "account"),
    "case": ("Vorgang", "case"),
    "rule": ("Regel", "rule"),
    "sheet": ("Regelblatt", "sheet"),
}


class Pages:
    """The views of one site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._office = OfficeView(site)

    async def index(self, request: Request, user: User) -> Response:
        """The newest lines, or those of a subject, a place or a time."""
        clock = self._office.clock(request)
        found = await asyncio.to_thread(self._lines, dict(request.query_params), clock)
        return self._site.page(request, user, "audit/log.html", **found, clock=clock, checked=None, expect="")

    async def check(self, request: Request, user: User) -> Response:
        """Walk the chain; `expect`: a hash that was noted before."""
        form = await self._site.form(request)
        expect = str(form.get("expect") or "").strip()[:64]
        checked = await asyncio.to_thread(verify, self._site.store, expect)
        clock = self._office.clock(request)
        found = await asyncio.to_thread(self._lines, {}, clock)
        return self._site.page(request, user, "audit/log.html", **found, clock=clock, checked=checked, expect=expect)

    async def export(self, request: Request, user: User) -> Response:
        """The same lines as CSV, all of them, in their order."""
        clock = self._office.clock(request)
        start, end, subject, place = _wanted(dict(request.query_params), clock)
        found = written(entries(self._site.store, start, end, subject=subject, place=place), "csv")
        name = f"protokoll-{clock.field(clock.now, day=True)}.csv"
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return StreamingResponse(found, media_type="text/csv; charset=utf-8", headers=headers)

    def _lines(self, query: dict[str, str], clock: Clock) -> dict[str, Any]:
        start, end, subject, place = _wanted(query, clock)
        before = query.get("before", "")
        if place or query.get("from") or query.get("to"):
            found = list(deque(entries(self._site.store, start, end, subject=subject, place=place), maxlen=PAGE))[::-1]
            rows = [
                self._row(
                    int(one["id"]), one["time"], one["actor"], one["action"], one["subject"], one["detail"], clock
                )
                | {"case": one["case"], "place": one["place"]}
                for one in found
            ]
            more = None
        else:
            with self._site.store.database.reading() as connection:
                newest = lines.newest(
                    connection, PAGE, int(before) if before.isdecimal() and len(before) < 16 else None, subject
                )
            rows = [
                self._row(one.id, one.at, one.actor, one.action, one.subject, one.detail, clock)
                | {"case": "", "place": ""}
                for one in newest
            ]
            more = newest[-1].id if len(newest) == PAGE else None
        return {"rows": rows, "more": more, "query": query}

    def _row(
        self, id: int, at: int | str, actor: str, action: str, subject: str, detail: str, clock: Clock
    ) -> dict[str, Any]:
        kind, _, name = subject.partition(" ")
        address = {"case": "/app/cases/", "sheet": "/app/rules/"}.get(kind, "")
        return {
            "id": id,
            "when": clock.when(at) if isinstance(at, int) else clock.when(clock.read(at)),
            "who": self._office.person(actor, clock.lang),
            "what": action_words(action, clock.lang),
            "subject": f"{named(KINDS, kind, clock.lang)} {self._number(kind, name)}".strip(),
            "address": address + name if address and name else "",
            "detail": _short(detail, clock),
        }

    def _number(self, kind: str, name: str) -> str:
        """What a subject is called: a case by its number."""
        if kind != "case" or not name.isdecimal() or (case := self._office.cases.get(int(name))) is None:
            return name
        return case.number


def _short(detail: str, clock: Clock) -> str:
    """What an entry has beside: names and values, times as people read them."""
    try:
        found = json.loads(detail)
    except ValueError:
        return detail
    return _said(found, clock)[:400]


def _said(found: dict[str, Any], clock: Clock) -> str:
    parts = []
    for name, value in found.items():
        if name in _INSIDE or value in ("", None, [], {}):
            continue
        shown = str(value)
        if isinstance(value, dict):
            shown = _said(value, clock)
        elif isinstance(value, list):
            shown = ", ".join(map(str, value))
        elif name in _TIMES and isinstance(value, int):
            shown = clock.when(value)
        elif name == "state":
            shown = named(STATES, shown, clock.lang)
        elif name == "reason":
            shown = named(REASONS, shown, clock.lang)
        elif isinstance(value, bool | float):
            shown = number(value, clock.lang) if isinstance(value, bool) else short(round(value, 3), clock.lang)
        parts.append(f"{named(_NAMES, name, clock.lang)}: {shown}")
    return "; ".join(parts)


def _wanted(query: dict[str, str], clock: Clock) -> tuple[int, int, str, str]:
    start = clock.typed(query.get("from", "")) or 0
    end = clock.typed(query.get("to", ""))
    return (
        start,
        END if end is None else end + _DAY_MS,
        query.get("subject", "").strip(),
        query.get("place", "").strip(),
    )


def routes(site: Site) -> list[Route]:
    """All addresses of the audit log."""
    pages = Pages(site)
    return [
        site.get("/app/audit", pages.index, Right.DISPATCH),
        site.post("/app/audit", pages.check, Right.DISPATCH),
        site.get("/app/audit.csv", pages.export, Right.ADMINISTER),
    ]
