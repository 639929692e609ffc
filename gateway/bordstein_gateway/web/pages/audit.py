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
from .casewords import Clock, action_words
from .office import OfficeView
from .rights import Right, User
from .site import Site

PAGE = 100
_DAY_MS = 86_400_000


class Pages:
    """The views of one site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._office = OfficeView(site)

    async def index(self, request: Request, user: User) -> Response:
        """The newest lines, or those of a subject, a place or a time."""
        clock = self._office.clock(request)
        found = await asyncio.to_thread(self._lines, dict(request.query_params), clock)
        return self._site.page(request, user, "audit/log.html", **found, clock=clock, checked=None)

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
        return {"rows": rows, "more": more, "query": query, "expect": ""}

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
            "subject": subject,
            "address": address + name if address and name else "",
            "detail": _short(detail),
        }


def _short(detail: str) -> str:
    """What an entry has beside: names and values."""
    try:
        found = json.loads(detail)
    except ValueError:
        return detail
    return "; ".join(f"{name}: {value}" for name, value in found.items() if value not in ("", None, [], {}))[:400]


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
