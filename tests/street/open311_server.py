"""A strict stand-in for an Open311 GeoReport v2 server, by the standard and Klarschiff's extensions. In memory.

    python -m tests.street.open311_server --port 18082 [--api-key KEY] [--xml-only] [--tokens]

It refuses what real servers refuse: no or a wrong api_key (403), no email (400), an unknown service_code (404), a body
that is no form (415), a place that is none, an attribute that the service does not have or asks for (400). It keeps as
many requests as it is sent. `POST /_control {"fault": …}` makes it misbehave on every following POST, until null:

    hang         stores the request, never answers
    after        stores the request, answers 500
    before       stores nothing, answers 500
    busy         stores nothing, answers 429 with Retry-After: 1
    revoked      the api_key is known no more: 403, and the key in the answer
    deploying    nothing is there: 404 with a page of HTML, also to every GET

`POST /_control` also takes `{"tokens": true}` (a token first), `{"settle": true}` (tokens become requests) and
`{"close": ID, "notes": …}`. `/_stats` counts, `/_dump` gives every request as it was made.
"""

import argparse
import asyncio
import math
import sys
from collections import Counter
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

FAULTS = ("hang", "after", "before", "busy", "revoked", "deploying")
BASE = "/georeport/v2"
API_KEY = "town-key-4711"
SERVICES: list[dict[str, Any]] = [
    {"service_code": "0010", "service_name": "Papierkorb voll", "metadata": False, "type": "realtime"},
    {"service_code": "0020", "service_name": "Straßenlaterne defekt", "metadata": False, "type": "realtime"},
    {"service_code": "0030", "service_name": "Einlauf verstopft", "metadata": True, "type": "realtime"},
    {
        "service_code": "0040",
        "service_name": "Stellplatz für Berechtigte belegt",
        "metadata": False,
        "type": "realtime",
    },
    {"service_code": "test", "service_name": "Test, bitte nicht bearbeiten", "metadata": False, "type": "realtime"},
]
_ATTRIBUTES = {"0030": [{"code": "level", "required": True}, {"code": "street", "required": False}]}
_OPTIONAL = {"email", "first_name", "last_name", "phone", "device_id", "account_id", "media_url", "jurisdiction_id"}
_KNOWN = {"api_key", "service_code", "lat", "long", "description", "address_string", "address_id", *_OPTIONAL}
_TIME = "2026-11-24T12:00:00Z"


class Refusal(Exception):
    """status and description."""


class Server:
    """State and handlers."""

    def __init__(self, *, api_key: str = API_KEY, xml_only: bool = False, tokens: bool = False) -> None:
        self.api_key = api_key
        self.xml_only = xml_only
        self.tokens = tokens
        self.fault: str | None = None
        self.faults = self.refused = 0
        self.requests: dict[str, dict[str, Any]] = {}
        self.waiting: dict[str, dict[str, Any]] = {}
        self.settled: dict[str, str] = {}

    def app(self) -> Starlette:
        """The application."""
        return Starlette(
            routes=[
                Route("/_control", self.control, methods=["POST"]),
                Route("/_stats", lambda _: JSONResponse(self.statistics())),
                Route("/_dump", lambda _: JSONResponse([*self.requests.values(), *self.waiting.values()])),
                self._route("/services.{format}", self.services),
                self._route("/services/{code}.{format}", self.service),
                self._route("/requests.{format}", self.find),
                self._route("/requests.{format}", self.post, "POST"),
                self._route("/requests/{id}.{format}", self.one),
                self._route("/tokens/{token}.{format}", self.token),
            ]
        )

    def _route(self, path: str, handler: Any, method: str = "GET") -> Route:
        async def there(request: Request) -> Response:
            if self.fault == "deploying":
                self.faults += 1
                return HTMLResponse("<html><h1>Not here<br>yet</h1></html>", status_code=404)
            answer: Response = await handler(request)
            return answer

        return Route(BASE + path, there, methods=[method])

    def statistics(self) -> dict[str, Any]:
        """`open311`: how many requests there are; `doubled`: how many of them are about a case that has one already."""
        made = [*self.requests.values(), *self.waiting.values()]
        cases = Counter(one["description"].rpartition("[")[2] for one in made if "[B-" in one["description"])
        doubled = sum(count - 1 for count in cases.values())
        return {"open311": len(made), "doubled": doubled, "refused": self.refused, "faults": self.faults, "devices": {}}

    def settle(self) -> None:
        """Every token becomes a request."""
        for token, request in self.waiting.items():
            self.settled[token] = self._keep(request)
        self.waiting.clear()

    def close(self, id: str, notes: str = "") -> None:
        """As the town's people do when it is done."""
        self.requests[id].update(status="closed", status_notes=notes, updated_datetime="2026-11-24T13:00:00Z")

    async def control(self, request: Request) -> Response:
        body = await request.json()
        if "fault" in body:
            if body["fault"] is not None and body["fault"] not in FAULTS:
                return JSONResponse({"message": f"fault: one of {', '.join(FAULTS)}"}, status_code=400)
            self.fault = body["fault"]
        self.tokens = body.get("tokens", self.tokens)
        if body.get("settle"):
            self.settle()
        if "close" in body:
            self.close(body["close"], body.get("notes", ""))
        return Response(status_code=204)

    async def services(self, request: Request) -> Response:
        return self._answer(request, "services", "service", SERVICES)

    async def service(self, request: Request) -> Response:
        code = request.path_params["code"]
        if code not in _ATTRIBUTES:
            return self._error(request, 404, f"service_code {code} has no definition")
        if self._is_xml(request):
            parts = "".join(f"<attribute>{_xml(part)}</attribute>" for part in _ATTRIBUTES[code])
            inner = f"<service_code>{code}</service_code><attributes>{parts}</attributes>"
            return _xml_answer(f"<service_definition>{inner}</service_definition>", 200)
        return JSONResponse({"service_code": code, "attributes": _ATTRIBUTES[code]})

    async def find(self, request: Request) -> Response:
        asked = request.query_params
        found = list(self.requests.values())
        if "status" in asked:
            found = [one for one in found if one["status"] in asked["status"].split(",")]
        if "service_code" in asked:
            found = [one for one in found if one["service_code"] in asked["service_code"].split(",")]
        if "radius" in asked:
            try:
                here, radius = (float(asked["lat"]), float(asked["long"])), float(asked["radius"])
            except (KeyError, ValueError):
                return self._error(request, 400, "radius needs lat and long, all numbers")
            found = [one for one in found if math.dist(here, (one["lat"], one["long"])) * 111_000 <= radius]
        return self._answer(request, "service_requests", "request", [_shown(one, extended=False) for one in found])

    async def one(self, request: Request) -> Response:
        found = self.requests.get(request.path_params["id"])
        if found is None:
            return self._error(request, 404, "no such service_request_id")
        extended = request.query_params.get("extensions") == "true"
        return self._answer(request, "service_requests", "request", [_shown(found, extended=extended)])

    async def token(self, request: Request) -> Response:
        token = request.path_params["token"]
        if token in self.settled:
            row = {"service_request_id": self.settled[token], "token": token}
        elif token in self.waiting:
            row = {"token": token}
        else:
            return self._error(request, 404, "no such token")
        return self._answer(request, "service_requests", "request", [row])

    async def post(self, request: Request) -> Response:
        try:
            made = await self._made(request)
        except Refusal as refusal:
            self.refused += 1
            status, why = refusal.args
            return self._error(request, status, why)
        if self.fault in ("before", "busy"):
            self.faults += 1
            if self.fault == "before":
                return self._error(request, 500, "internal error")
            return JSONResponse([{"code": 429, "description": "later"}], 429, headers={"retry-after": "1"})
        if self.tokens:
            token = f"t{len(self.waiting) + len(self.settled) + 1}"
            self.waiting[token] = made
            row: dict[str, Any] = {"token": token}
        else:
            row = {"service_request_id": self._keep(made), "service_notice": None, "account_id": None}
        if self.fault == "hang":
            self.faults += 1
            while not await request.is_disconnected():
                await asyncio.sleep(0.05)
        if self.fault == "after":
            self.faults += 1
            return self._error(request, 500, "internal error")
        return self._answer(request, "service_requests", "request", [row], 201)

    async def _made(self, request: Request) -> dict[str, Any]:
        if request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
            raise Refusal(415, "the body has to be a form")
        pairs = parse_qsl((await request.body()).decode(), keep_blank_values=True)
        form = dict(pairs)
        if len(form) != len(pairs):
            raise Refusal(400, "a field is there twice")
        if self.fault == "revoked" or form.get("api_key") != self.api_key:
            self.faults += self.fault == "revoked"
            raise Refusal(403, f"api_key {form.get('api_key', '')} is not valid")
        if not form.get("service_code"):
            raise Refusal(400, "service_code was not provided")
        if form["service_code"] not in {service["service_code"] for service in SERVICES}:
            raise Refusal(404, f"service_code {form['service_code']} was not found")
        attributes = {name[10:-1] for name in form if name.startswith("attribute[") and name.endswith("]")}
        known = {part["code"] for part in _ATTRIBUTES.get(form["service_code"], ())}
        needed = {part["code"] for part in _ATTRIBUTES.get(form["service_code"], ()) if part["required"]}
        odd = sorted(set(form) - _KNOWN - {f"attribute[{name}]" for name in known})
        if odd or needed - attributes:
            raise Refusal(400, f"not known or missing: {', '.join([*odd, *sorted(needed - attributes)])}")
        if "@" not in form.get("email", ""):
            raise Refusal(400, "email was not provided")
        if not form.get("description", "").strip():
            raise Refusal(400, "description was not provided")
        try:
            lat, long = float(form["lat"]), float(form["long"])
        except (KeyError, ValueError):
            raise Refusal(400, "lat and long were not provided") from None
        if not (-90 <= lat <= 90 and -180 <= long <= 180):
            raise Refusal(400, "lat and long are no place")
        return {**{name: text for name, text in form.items() if name != "api_key"}, "lat": lat, "long": long}

    def _keep(self, made: dict[str, Any]) -> str:
        id = str(4711 + len(self.requests))
        self.requests[id] = {
            **made,
            "service_request_id": id,
            "status": "open",
            "status_notes": None,
            "requested_datetime": _TIME,
            "updated_datetime": _TIME,
        }
        return id

    def _is_xml(self, request: Request) -> bool:
        return self.xml_only or request.path_params["format"] == "xml"

    def _answer(
        self, request: Request, outer: str, inner: str, rows: list[dict[str, Any]], status: int = 200
    ) -> Response:
        if self._is_xml(request):
            parts = "".join(f"<{inner}>{_xml(row)}</{inner}>" for row in rows)
            return _xml_answer(f"<{outer}>{parts}</{outer}>", status)
        return JSONResponse(rows, status_code=status)

    def _error(self, request: Request, status: int, why: str) -> Response:
        return self._answer(request, "errors", "error", [{"code": status, "description": why}], status)


def _shown(request: dict[str, Any], *, extended: bool) -> dict[str, Any]:
    hidden = ("email", "first_name", "last_name", "phone")
    shown = {name: value for name, value in request.items() if name not in hidden and "[" not in name}
    if extended:
        detail = "PROCESSED" if request["status"] == "closed" else "IN_PROCESS"
        shown["extended_attributes"] = {"detailed_status": detail, "media_urls": []}
    return shown


def _xml(row: dict[str, Any]) -> str:
    def inner(value: Any) -> str:
        if isinstance(value, dict):
            return _xml(value)
        if isinstance(value, bool):
            return str(value).lower()
        return "" if value is None or isinstance(value, list) else escape(str(value))

    return "".join(f"<{name}>{inner(value)}</{name}>" for name, value in row.items())


def _xml_answer(text: str, status: int) -> Response:
    return Response(f'<?xml version="1.0" encoding="utf-8"?>\n{text}', status, media_type="text/xml; charset=utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description="A strict stand-in for an Open311 server.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--api-key", default=API_KEY)
    parser.add_argument("--xml-only", action="store_true", help="answers XML, whatever is asked for")
    parser.add_argument("--tokens", action="store_true", help="a token first, always")
    options = parser.parse_args()
    app = Server(api_key=options.api_key, xml_only=options.xml_only, tokens=options.tokens).app()
    uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="warning", access_log=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
