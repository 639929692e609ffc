"""/app/accessibility and /app/about, for everybody; /app/, the way to the first page."""

import asyncio
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ... import __version__
from .rights import User
from .site import ACCOUNT, HOME, Site
from .static import FOLDER


def bundled() -> list[dict[str, str]]:
    """Name, version, licence and its text, of what others wrote and browsers run."""
    try:
        found: list[dict[str, str]] = json.loads((FOLDER / "vendor/licences.json").read_text(encoding="utf-8"))
    except OSError:  # a bare checkout
        return []
    return found


def routes(site: Site) -> list[Route]:
    async def home(request: Request, user: User) -> Response:
        there = {address.path for address in site.addresses}
        return RedirectResponse("/app/cases" if "/app/cases" in there else ACCOUNT, 303)

    async def accessibility(request: Request, user: User | None) -> Response:
        return site.page(request, user, "accessibility.html", contact=site.config.pages.contact)

    async def about(request: Request, user: User | None) -> Response:
        parts = await asyncio.to_thread(bundled)
        values: dict[str, Any] = {"version": __version__, "contact": site.config.pages.contact, "parts": parts}
        return site.page(request, user, "about.html", **values)

    return [
        site.get(HOME, home),
        site.public("/app/accessibility", accessibility),
        site.public("/app/about", about),
    ]
