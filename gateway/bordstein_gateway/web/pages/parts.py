"""All parts of the pages, in one place: who adds one adds it here."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from ...config.words import is_here
from ...status import ServiceState
from . import (
    about,
    account,
    accounts,
    audit,
    cases,
    devices,
    forwards,
    knowledge,
    login,
    map,
    procedures,
    public,
    report,
    rules,
    silences,
    stations,
)
from .site import HOME, Site
from .static import PATH, Static

PARTS: tuple[Callable[[Site], list[Route]], ...] = (
    login.routes,
    account.routes,
    accounts.routes,
    about.routes,
    cases.routes,
    silences.routes,
    rules.routes,
    procedures.routes,
    report.routes,
    audit.routes,
    knowledge.routes,
    map.routes,
    stations.routes,
    devices.routes,
    forwards.routes,
    public.routes,
)


def routes(state: ServiceState) -> list[BaseRoute]:
    """For the application; none where passwords would go over a network in the clear, see config/pages_rules.py."""
    if not is_here(state.config.http.host):
        return []
    return made(Site(state))


def made(site: Site) -> list[BaseRoute]:
    """Of a site, whose `addresses` know them all afterwards."""

    async def to_home(request: Request) -> Response:
        return RedirectResponse(HOME, 308)

    found: list[BaseRoute] = [Mount(PATH, Static())]
    for part in PARTS:
        found += part(site)
    return [*found, Route("/app", to_home), Route("/app/{rest:path}", site.missing)]
