"""Knowledge: handover, who leaves, who keeps what, data protection.

/app/knowledge                     what there is, and what nobody looks after
/app/knowledge/handover            ?desk=&since=  the handover sheet
/app/knowledge/leaving             ?who=          when somebody leaves
/app/knowledge/keepers             who keeps keys and credentials; POST: one of them
/app/knowledge/privacy[/KIND]      data-protection sheets; KIND.json for machines
/app/knowledge/notice/DEVICE       the notice for a station's pole
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ...cases.beginning import place_of
from ...cases.types import AuditEntry, Case
from ...knowledge import privacy
from ...knowledge.keepers import subjects
from ...rules.sheet import words
from ...store import audit, station_notes
from ...store import cases as case_rows
from ...store.connection import Connection
from ...store.keepers import keepers, put_keepers
from ...texts import both, said
from ..access import Refused
from .audit import KINDS
from .casewords import action_words, named
from .office import OfficeView
from .rights import Right, User
from .site import Site

_BACK = timedelta(days=14)
_CASE = {"de": "Vorgang", "en": "case"}


def routes(site: Site) -> list[Route]:
    """The knowledge part."""
    pages = _Knowledge(site)
    return [
        site.get("/app/knowledge", pages.overview),
        site.get("/app/knowledge/handover", pages.handover),
        site.get("/app/knowledge/leaving", pages.leaving, Right.DISPATCH),
        site.get("/app/knowledge/keepers", pages.keepers, Right.DISPATCH),
        site.post("/app/knowledge/keepers", pages.set_keepers, Right.ADMINISTER),
        site.get("/app/knowledge/privacy", pages.privacy),
        site.get("/app/knowledge/privacy/{kind}", pages.privacy_sheet),
        site.get("/app/knowledge/notice/{device}", pages.notice),
    ]


class _Knowledge:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._office = OfficeView(site)
        self._store = site.store
        self._config = site.config
        self._zone = ZoneInfo(site.config.town.timezone)

    async def overview(self, request: Request, user: User) -> Response:
        gaps = await asyncio.to_thread(self._gaps) if user.may(Right.DISPATCH) else None
        lang = self._site.language(request)
        since = (self._today() - _BACK).isoformat()
        values: dict[str, Any] = {
            "gaps": gaps,
            "rule": lambda name: self._title(name, lang),
            "unused": [] if gaps is None else self._unused(gaps.unused, lang),
            "desks": self._desks(request),
            "holders": self._holders(request),
            "since": since,
        }
        values |= {"kinds": privacy.KINDS.values(), "places": self._places()}
        return self._site.page(request, user, "knowledge/overview.html", **values)

    async def handover(self, request: Request, user: User) -> Response:
        from ...knowledge.handover import handover

        desk = request.query_params.get("desk", "")
        if desk and desk not in self._config.desk:
            raise Refused(404, both(f"Eine Stelle „{desk}“ gibt es nicht.", f'There is no desk "{desk}".'))
        since = _day(request.query_params.get("since", "")) or self._today() - _BACK
        begin = datetime(since.year, since.month, since.day, tzinfo=self._zone)
        state = self._site.state
        found = await asyncio.to_thread(
            lambda: handover(
                self._store,
                state.office.cases,
                self._office.sheets(),
                state.stations.all(),
                list(self._config.forward),
                desk=desk,
                since=int(begin.timestamp() * 1000),
            )
        )
        values: dict[str, Any] = {"found": found, "desks": self._desks(request), "since": since.isoformat()}
        lang = self._site.language(request)
        values["rule"] = lambda name: self._title(name, lang)
        values["place"] = lambda object_: place_of(object_, state.stations.all())
        values["person"] = lambda name: self._office.person(name, lang)
        values["changes"] = self._changes(found.changes, found.cases, lang)
        return self._site.page(request, user, "knowledge/handover.html", **values)

    async def leaving(self, request: Request, user: User) -> Response:
        from ...knowledge.leaving import leaving

        who = request.query_params.get("who", "")
        holders = self._holders(request)
        if who not in holders:
            raise Refused(
                404, both("Dieses Konto oder diese Stelle gibt es nicht.", "There is no such account or desk.")
            )
        accounts = self._site.sessions.accounts
        found = await asyncio.to_thread(
            lambda: leaving(
                who, self._config, self._office.sheets(), accounts.all(), keepers(self._store), self._writers()
            )
        )
        values: dict[str, Any] = {"found": found, "title": holders[who], "sheets": self._office.sheets()}
        values |= {"places": self._places(), "desks": self._desks(request)}
        return self._site.page(request, user, "knowledge/leaving.html", **values)

    async def keepers(self, request: Request, user: User) -> Response:
        kept = await asyncio.to_thread(keepers, self._store)
        values: dict[str, Any] = {"rows": subjects(self._config), "kept": kept, "holders": self._holders(request)}
        return self._site.page(request, user, "knowledge/keepers.html", **values)

    async def set_keepers(self, request: Request, user: User) -> Response:
        form = await self._site.form(request)
        subject, holders = str(form.get("subject", "")), [str(one) for one in form.getlist("holder") if one]
        known = {one.name for one in subjects(self._config)}
        if subject not in known or not set(holders) <= self._holders(request).keys():
            raise Refused(400, both("Das steht nicht zur Auswahl.", "That is not among the choices."))
        now = int(time.time() * 1000)

        def job(connection: Connection) -> None:
            put_keepers(connection, subject, holders, user.name, now)
            audit.enter(connection, now, user.name, "keepers", f"keepers {subject}", {"holders": holders})

        await asyncio.wrap_future(self._store.submit(job))
        return self._site.back(request, "/app/knowledge/keepers", both("Gespeichert.", "Saved."))

    async def privacy(self, request: Request, user: User) -> Response:
        return self._site.page(request, user, "knowledge/privacy.html", kinds=privacy.KINDS.values())

    async def privacy_sheet(self, request: Request, user: User) -> Response:
        name, dot, end = request.path_params["kind"].partition(".")
        kind = privacy.KINDS.get(name)
        if kind is None or (dot and end != "json"):
            raise HTTPException(404)
        if dot:
            return JSONResponse(privacy.sheet(kind, self._config))
        found = [(kind, privacy.kept(kind, self._config))]
        return self._site.page(request, user, "knowledge/notice.html", found=found, station=None, **self._contact())

    async def notice(self, request: Request, user: User) -> Response:
        device = request.path_params["device"]
        latest = await asyncio.to_thread(self._store.latest, device)
        if not latest:
            raise HTTPException(404)
        present = {one.property for one in latest}
        found = [
            (kind, [row for row in privacy.kept(kind, self._config) if row.property in present])
            for kind in privacy.kinds_of(present)
        ]
        station = self._site.state.stations.all().get(device)
        name = (station and station.name) or device
        return self._site.page(request, user, "knowledge/notice.html", found=found, station=name, **self._contact())

    # What they show

    def _gaps(self) -> Any:
        from ...knowledge.leaving import gaps

        with self._store.database.reading() as connection:
            used = case_rows.used_steps(connection)
        accounts, written = self._site.sessions.accounts.all(), self._writers()
        stations = self._site.state.stations.all()
        unwritten = [
            device.device
            for device in self._store.devices()
            if device.device not in written
            and not (device.device in stations and stations[device.device].decommissioned)
        ]
        return gaps(self._config, self._office.sheets(), accounts, keepers(self._store), used, unwritten, self._today())

    def _writers(self) -> dict[str, set[str]]:
        with self._store.database.reading() as connection:
            return station_notes.writers(connection)

    def _changes(self, entries: Sequence[AuditEntry], cases: Sequence[Case], lang: str) -> list[dict[str, Any]]:
        """In words. Cases are called by their number, keys by their title."""
        names = {f"case {case.id}": f"{_CASE[lang]} {case.number}" for case in cases}
        names |= {f"keepers {one.name}": said(one.title, lang) for one in subjects(self._config)}
        office, view = self._site.state.office, self._office
        rows = []
        for entry in entries:
            kind, _, name = entry.subject.partition(" ")
            if kind == "case" and entry.subject not in names and (case := office.cases.get(int(name))) is not None:
                names[entry.subject] = f"{_CASE[lang]} {case.number}"
            address = {"case": "/app/cases/", "sheet": "/app/rules/"}.get(kind)
            called = self._title(name, lang) if kind == "sheet" else name
            rows.append(
                {
                    "at": entry.at,
                    "what": action_words(entry.action, lang),
                    "subject": names.get(entry.subject) or f"{named(KINDS, kind, lang)} {called}",
                    "address": address and address + name,
                    "who": view.person(entry.actor, lang),
                }
            )
        return rows

    def _title(self, name: str, lang: str) -> str:
        sheet = self._office.sheets().get(name)
        return words(sheet.title, lang) if sheet is not None else name

    def _unused(self, unused: Sequence[tuple[str, str]], lang: str) -> list[tuple[str, str, str]]:
        """(rule, its title, its steps' titles)."""
        sheets, found = self._office.sheets(), dict[str, list[str]]()
        for name, id in unused:
            title = next((words(step.title, lang) for step in sheets[name].steps if step.id == id), id)
            found.setdefault(name, []).append(title)
        return [(name, self._title(name, lang), ", ".join(titles)) for name, titles in found.items()]

    def _desks(self, request: Request) -> dict[str, str]:
        lang = self._site.language(request)
        return {name: self._site.desk_title(name, lang) for name in self._config.desk}

    def _holders(self, request: Request) -> dict[str, str]:
        """Who can keep something, or leave: desks, then accounts."""
        desks = {f"desk {name}": title for name, title in self._desks(request).items()}
        accounts = self._site.sessions.accounts.all()
        return desks | {f"account {one.name}": one.full_name or one.name for one in accounts if not one.disabled}

    def _places(self) -> dict[str, str]:
        return {name: station.name or name for name, station in self._site.state.stations.all().items()}

    def _today(self) -> date:
        return datetime.now(self._zone).date()

    def _contact(self) -> dict[str, Any]:
        return {"contact": self._config.pages.contact, "day": self._today().isoformat()}


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
