"""The gateway's own HTTP service: start page, JSON, metrics, health.

    /             boards, last values, completeness, targets; German or English, as the browser wants it or ?lang= says
    /api/latest   the same as JSON
    /metrics      Prometheus
    /api/devices  POST: enter a board, see register.py
    /contexts/…   JSON-LD contexts for NGSI-LD brokers, see contexts.py
    /open/        open data, see feeds/
    /healthz      200 while the service does its work, else 503: a restart may help. What is wrong, also outside of
                  it (broker, targets), is in `problems`; `healthy` says that there is nothing
    /v1.1/        OGC SensorThings API, see sensorthings_api/
    /app/         the staff's pages, with logins of their own, see pages/

With [publish] or logins (access.py) the first three need a login, and /healthz says no details without one.
"""

import asyncio
import time
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from .. import sensorthings_api
from ..feeds.routes import Feeds
from ..status import ServiceState
from ..store import Store, StoreError
from ..texts import said
from . import contexts as web_contexts
from . import register as web_register
from .access import Access, Refused, language, refusal
from .metrics import Metrics
from .overview import overview
from .pages import parts
from .pagetexts import TEXTS, clock, measured, number, sleep, when, zone
from .publishing import Publishing

SERVICE = "bordstein-gateway"
"""By this /healthz is known as ours."""
_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


def app(state: ServiceState) -> Starlette:
    """The application for one running service."""
    templates = Environment(loader=PackageLoader("bordstein_gateway"), autoescape=True, undefined=StrictUndefined)
    templates.filters.update(
        number=number, measured=measured, when=when, clock=clock, zone=zone, said=said, sleep=sleep
    )
    page = templates.get_template("start.html")
    metrics = Metrics(state)
    access = Access(state.config)
    published = state.config.publish is not None
    publishing = Publishing(state.config)

    async def enter(request: Request) -> None:
        if access.closed:
            await access.require(request)

    async def start(request: Request) -> Response:
        await enter(request)
        lang = language(request)
        content = await asyncio.to_thread(overview, state)
        text = TEXTS[lang]
        return HTMLResponse(page.render(view=content, text=text, lang=lang, published=published), headers=_HEADERS)

    async def latest(request: Request) -> Response:
        await enter(request)
        return JSONResponse(await asyncio.to_thread(overview, state), headers={"cache-control": "no-store"})

    async def prometheus(request: Request) -> Response:
        await enter(request)
        content, kind = await asyncio.to_thread(metrics.page)
        return Response(content, media_type=kind)

    async def healthz(request: Request) -> Response:
        now = time.monotonic()
        problems = state.problems(now)
        content: dict[str, Any] = {"service": SERVICE, "healthy": not problems}
        if not access.closed or await access.full(request):
            content |= {
                "problems": problems,
                "broker": state.ingest.trouble or "connected",
                "quarantine": await asyncio.to_thread(_quarantine, state.store),
            }
        return JSONResponse(content, status_code=503 if state.healthy(now) else 200)

    return Starlette(
        routes=[
            Route("/", start),
            Route("/api/latest", latest),
            Route("/metrics", prometheus),
            Route("/healthz", healthz),
            Route("/contexts/{name}", web_contexts.endpoint),
            Route(
                "/api/devices",
                web_register.endpoint(state.config.http.register_token_file, state.store),
                methods=["POST"],
            ),
            Feeds(state, access, publishing, sensorthings=True).mount(),
            *sensorthings_api.routes(state, access, publishing),
            *parts.routes(state),
        ],
        exception_handlers={Refused: refusal, StoreError: _store_away},
    )


def _quarantine(store: Store) -> int | None:
    """None while the store can't be read: that is in `problems` already, or will be in a moment."""
    try:
        return store.quarantine_count()
    except StoreError:
        return None


async def _store_away(request: Request, error: Exception) -> Response:
    return PlainTextResponse(said(error, language(request)), 503, {"retry-after": "5"})
