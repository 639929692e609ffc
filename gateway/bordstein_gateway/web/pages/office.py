"""What pages on cases, rules and procedures ask of the service: its office, sheets by version, desks, people, clock."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ...rules.sheet import Sheet, words
from ...store.accounts import Accounts
from ...texts import both
from .casewords import Clock
from .rights import User
from .site import Site

if TYPE_CHECKING:
    from ...cases.cases import Cases
    from ...rules.shelf import InForce, Shelf

_FRESH_S = 5.0
_MOST_SHEETS = 200
_LARGEST_ID = 1 << 62
_ACTORS = {
    "gateway": both("Gateway", "gateway"),
    "command line": both("Kommandozeile", "command line"),
    "file": both("Datei", "file"),
}


class OfficeView:
    """Of one site. All but clock() may read the store."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._old: dict[tuple[str, int], Sheet | None] = {}
        self._people: tuple[float, Mapping[str, str]] = (0.0, {})

    @property
    def shelf(self) -> "Shelf":
        """The rule sheets."""
        found: Any = self.site.state.office.shelf
        return cast("Shelf", found)

    @property
    def cases(self) -> "Cases":
        """The cases."""
        return self.site.state.office.cases

    def troubles(self) -> dict[str, str]:
        """Rules that were put aside: name -> why."""
        office = self.site.state.office
        return dict(office.live.troubles) if "live" in vars(office) else {}  # else no rule is at work

    def clock(self, request: Request) -> Clock:
        """Times for this request's reader."""
        return Clock(self.site.config.town.timezone, self.site.language(request), int(time.time() * 1000))

    async def page(
        self, request: Request, user: User, template: str, found: Callable[[Clock], dict[str, Any] | None]
    ) -> Response:
        """A template with what `found` reads from the store, in a thread; None: there is no such page."""
        values = await asyncio.to_thread(found, self.clock(request))
        if values is None:
            raise HTTPException(404)
        return self.site.page(request, user, template, **values)

    def in_force(self) -> Mapping[str, "InForce"]:
        """Sheets by name as the shelf has them."""
        return self.shelf.sheets()

    def sheets(self) -> dict[str, Sheet]:
        """Those in force."""
        return {name: one.sheet for name, one in self.in_force().items() if one.sheet is not None}

    def sheet_of(self, rule: str, version: int) -> Sheet | None:
        """The sheet as it was when a case began; None where it can't be read any more."""
        now = self.in_force().get(rule)
        if now is not None and now.version == version:
            return now.sheet
        key = rule, version
        if key not in self._old:
            if len(self._old) >= _MOST_SHEETS:
                self._old.clear()
            self._old[key] = self._read(rule, version)
        return self._old[key]

    def _read(self, rule: str, version: int) -> Sheet | None:
        from ...rules.reading import read

        for one in self.shelf.versions(rule):
            if one.version == version:
                return read(one.text, self.site.config, rule)[0]
        return None

    def desks(self, lang: str) -> list[tuple[str, str]]:
        """(name, title) of all."""
        return [(name, self.site.desk_title(name, lang)) for name in sorted(self.site.config.desk)]

    def people(self) -> list[tuple[str, str]]:
        """(name, full name) of accounts that are not disabled."""
        made, known = self._people
        if time.monotonic() - made > _FRESH_S or not known:
            known = {one.name: one.full_name for one in Accounts(self.site.store).all() if not one.disabled}
            self._people = time.monotonic(), known
        return sorted(known.items(), key=lambda one: one[1].casefold())

    def person(self, name: str | None, lang: str = "de") -> str:
        """Who an actor is, as people say it; empty for nobody."""
        if not name:
            return ""
        if name in _ACTORS:
            return _ACTORS[name].de if lang == "de" else str(_ACTORS[name])
        return dict(self.people()).get(name) or name


def number_of(request: Request, name: str) -> int:
    """A number of the address; one that no store can hold is not found."""
    found = int(request.path_params[name])
    if found >= _LARGEST_ID:
        raise HTTPException(404)
    return found


def title(sheet: Sheet | None, name: str, lang: str) -> str:
    """A rule's title, its name where it has no sheet."""
    return words(sheet.title, lang) if sheet is not None else name
