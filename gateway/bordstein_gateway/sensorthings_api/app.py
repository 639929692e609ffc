"""The HTTP side: one address, everything below it read-only, for pages of any origin (CORS).

A request is answered in a thread of its own; few at a time, so that the thread that takes readings in is not starved.
"""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ..config.config import Config
from ..config.words import is_here
from ..status import ServiceState
from ..store import StoreError
from ..texts import said
from ..web.access import Access, Refused, language
from ..web.publishing import Publishing
from . import formats
from .answer import Answer, Listed, only_of_one
from .catalogue import Catalogues
from .kinds import KINDS
from .options import Options, query, read
from .resource import Resource, missing, resolve, value_of
from .syntax import Mistake
from .tally import Tally
from .view import View

VERSION = "/v1.1"
_AT_ONCE = 2
_METHODS = ["GET", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
_ALLOW = {"allow": "GET, HEAD, OPTIONS"}
_SPEC = "http://www.opengis.net/spec/iot_sensing/1.1/req"
_LIVE = f"{_SPEC}/receive-updates-via-mqtt/receive-updates"
_CONFORMANCE = [
    f"{_SPEC}/datamodel",
    f"{_SPEC}/resource-path/resource-path-to-entities",
    f"{_SPEC}/request-data",
]

_log = structlog.get_logger(__name__)


class _Landing:
    """The version's path without a slash at its end: a redirection would be without CORS."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        there = {**scope, "path": f"{scope['path']}/", "root_path": f"{scope.get('root_path', '')}{VERSION}"}
        await self._app(there, receive, send)


def routes(state: ServiceState, access: Access, publishing: Publishing) -> list[BaseRoute]:
    """For the service's application. Without a login they show what is published."""
    below = app(state, access, publishing)
    return [Route(VERSION, _Landing(below)), Mount(VERSION, below)]


def app(state: ServiceState, access: Access, publishing: Publishing) -> Starlette:
    """What is below the version's path."""
    settings, publish = state.config.sensorthings_api, state.config.publish
    address = (publish.url or "").rstrip("/") if publish is not None else ""
    catalogues = Catalogues(state.store, state.stations, settings.language, publishing)
    tally = Tally(state.store)
    endpoint = _endpoint(state.config)
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def answered(request: Request) -> Response:
        root = request.scope["root_path"]
        base = f"{address}{root}" if address else str(request.url.replace(path=root, query=""))
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=_ALLOW)
        if request.method not in ("GET", "HEAD"):
            wrong = Mistake(
                f"{request.method}: Dieser Dienst ist zum Lesen; es gibt GET, HEAD und OPTIONS.",
                f"{request.method}: this service is for reading; GET, HEAD and OPTIONS are there.",
                405,
            )
            return _error(request, wrong)

        def work(everything: bool) -> Response:
            view = View(catalogues.now(), state.store, tally, everything=everything)
            path, options = request.path_params["path"], request.scope["query_string"]
            return _respond(view, Answer(view, base), path, options, endpoint)

        try:
            everything = not access.closed or await access.full(request)
            async with at_once:
                return await asyncio.to_thread(work, everything)
        except Refused as refused:
            wrong = Mistake(refused.sentence.de, str(refused.sentence), refused.status_code)
            return _error(request, wrong, refused.headers)
        except Mistake as wrong:
            return _error(request, wrong)
        except StoreError as error:
            _log.error("the SensorThings API got no answer from the store", reason=str(error))
            return _error(request, Mistake(said(error, "de"), said(error, "en"), 503))

    async def plainly(request: Request) -> Response:
        """What is called text is text: boards write what a browser might take for a page."""
        answer = await answered(request)
        answer.headers["x-content-type-options"] = "nosniff"
        return answer

    return Starlette(
        routes=[Route("/{path:path}", plainly, methods=_METHODS)],
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=["*"],
                allow_methods=["GET", "HEAD", "OPTIONS"],
                allow_headers=["*"],
                max_age=86_400,
            )
        ],
    )


def _respond(view: View, answer: Answer, path: str, query_string: bytes, endpoint: str | None) -> Response:
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:
        raise Mistake(
            "Die Abfrageoptionen sind kein UTF-8 in %-Schreibweise, oder es sind mehr als 100.",
            "The query options are not UTF-8 in %-notation, or there are more than 100.",
        ) from None
    if not path.strip("/"):
        return _json(_landing(answer.base, endpoint))
    resource = resolve(path, view, answer)
    if resource.listed is not None:
        return _set(view, answer, resource.listed, resource.special, read(pairs, resource.listed.kind))
    entity = resource.entity
    if entity is None:
        raise missing(path)
    if resource.names:
        return _property(value_of(entity, resource.names, view), resource)
    options = read(pairs, entity.kind)
    only_of_one(options)
    if resource.special == "$ref":
        return _json({"@iot.selfLink": answer.url(entity)})
    return _json(answer.entity(entity, options))


def _landing(base: str, endpoint: str | None) -> dict[str, Any]:
    """Section 9.2.1. `endpoint`: where live Observations are to be had; empty: at a broker that others don't reach."""
    settings: dict[str, Any] = {"conformance": [*_CONFORMANCE]}
    if endpoint is not None:
        settings["conformance"].append(_LIVE)
        settings[_LIVE] = {"endpoints": [endpoint] if endpoint else []}
    return {"value": [{"name": name, "url": f"{base}/{name}"} for name in KINDS], "serverSettings": settings}


def _endpoint(config: Config) -> str | None:
    if not config.sensorthings_api.mqtt:
        return None
    mqtt = config.mqtt
    return "" if is_here(mqtt.host) else f"mqtt{'s' if mqtt.tls else ''}://{mqtt.host}:{mqtt.port}"


def _set(view: View, answer: Answer, listed: Listed, special: str, options: Options) -> Response:
    if special == "$ref":
        return _json(answer.references(listed, options))
    if special == "$count":
        return Response(str(answer.count(listed, options)), media_type="text/plain")
    if options.format == "dataArray":
        return _json(formats.data_array(answer, view, listed, options))
    if options.format == "GeoJSON":
        return _json(formats.geojson(answer, view, listed, options), "application/geo+json")
    if options.format == "CSV":
        text, found = formats.table(answer, view, listed, options)
        following = found.following
        # A table has no room for the link; RFC 8288 has one in the header.
        more = {"link": f'<{listed.url}?{query(following.pairs())}>; rel="next"'} if following else {}
        return Response(text, media_type="text/csv", headers=more)
    return _json(answer.collection(listed, options))


def _property(value: Any, resource: Resource) -> Response:
    """Section 9.2.4 and 9.2.5: a property without a value is there, and empty."""
    if resource.special != "$value":
        return _json({resource.names[-1]: value})
    if value is None:
        return Response(status_code=204)
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return Response(text, media_type="text/plain")


def _json(content: Any, kind: str = "application/json") -> Response:
    return Response(msgspec.json.encode(content), media_type=kind)


def _error(request: Request, wrong: Mistake, more: Mapping[str, str] | None = None) -> Response:
    """In the language of who asks."""
    content = {"code": wrong.status, "type": "error", "message": said(wrong, language(request))}
    headers = more or {405: _ALLOW, 503: {"retry-after": "30"}}.get(wrong.status)
    return Response(
        msgspec.json.encode(content), status_code=wrong.status, media_type="application/json", headers=headers
    )
