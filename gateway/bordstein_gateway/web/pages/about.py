"""/app/accessibility and /app/about, for everybody; /app/, the way to the first page."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ... import __version__
from .rights import User
from .site import ACCOUNT, HOME, Site


def routes(site: Site) -> list[Route]:
    async def home(request: Request, user: User) -> Response:
        there = {address.path for address in site.addresses}
        return RedirectResponse("/app/cases" if "/app/cases" in there else ACCOUNT, 303)

    async def accessibility(request: Request, user: User | None) -> Response:
        return site.page(request, user, "accessibility.html", contact=site.config.pages.contact)

    async def about(request: Request, user: User | None) -> Response:
        return site.page(request, user, "about.html", version=__version__, contact=site.config.pages.contact)

    return [
        site.get(HOME, home),
        site.public("/app/accessibility", accessibility),
        site.public("/app/about", about),
    ]
