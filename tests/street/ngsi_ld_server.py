"""A strict stand-in for an NGSI-LD broker, written from ETSI GS CIM 009 and the Smart Data Models. In memory.

    python -m tests.street.ngsi_ld_server --port 18083 [--form orion|stellio|scorpio] [--tenant T] [--token FILE]
                                          [--fetch-contexts]

It refuses what real brokers refuse: another media type, entities without @context, more than 1,000 of them, ids that
are no URIs, attributes that are no Property, Relationship or GeoProperty, a tenant it does not have; and what a town's
data catalogue would not want: entities that lack what their type requires, other words, wrong scales, contexts that may
change. Without `options=update` an upsert replaces the entity. With --fetch-contexts each context is fetched, and a
term that it does not have is refused. `POST /_control {"fault": …}` makes it misbehave on every following upsert:

    hang         keeps everything, never answers
    reset        keeps everything, breaks the connection off
    after        keeps everything, answers 500
    before       keeps nothing, answers 500
    half         keeps the first half of the entities, answers 500
    partial      refuses every third entity: 207
    whole        refuses a batch with a WasteContainer in it as a whole: 400
    silent       keeps the first half, answers 207 without saying of which
    busy         keeps nothing, answers 503 with Retry-After: 1
    token        keeps nothing, answers 401: the token has expired

`/_stats` counts, `/_dump` gives all entities of the tenant. An update is counted once by (entity, attribute,
observedAt), however often it comes.
"""

import argparse
import asyncio
import json
import re
import sys
import urllib.request
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.street.ngsi_ld_models import ZULU, problem

FAULTS = ("hang", "reset", "after", "before", "half", "partial", "whole", "silent", "busy", "token")
FORMS = ("orion", "stellio", "scorpio")
_ERROR = "https://uri.etsi.org/ngsi-ld/errors/"
_URI = re.compile(r"[a-z][a-z0-9+.-]*:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_VALUE = {"Property": "value", "GeoProperty": "value", "Relationship": "object"}
_MOST = 1000
_CORE = {"id", "type", "@context", "location", "status", "description"}

Entity = dict[str, Any]


class Broker:
    """State and handlers. `token`: what has to be borne; None: nothing."""

    def __init__(
        self, form: str = "orion", tenant: str | None = None, token: str | None = None, fetch: bool = False
    ) -> None:
        self.form = form
        self.tenant = tenant
        self.token = token
        self.fetch = fetch
        self.fault: str | None = None
        self.entities: dict[str, Entity] = {}
        self.updates: set[tuple[str, str, str]] = set()
        self.repeated = self.backward = self.requests = self.faults = 0
        self.refusals: list[str] = []
        self.largest = 0
        self.terms: dict[str, set[str]] = {}

    def app(self) -> Starlette:
        """The application."""
        root = "/ngsi-ld/v1"
        return Starlette(
            routes=[
                Route("/_control", self.control, methods=["POST"]),
                Route("/_stats", self.stats),
                Route("/_dump", lambda _: JSONResponse(list(self.entities.values()))),
                Route(f"{root}/entityOperations/upsert", self.upsert, methods=["POST"]),
                Route(root + "/entities/{id:path}", self.entity, methods=["GET", "DELETE"]),
            ]
        )

    async def control(self, request: Request) -> Response:
        fault = (await request.json())["fault"]
        if fault is not None and fault not in FAULTS:
            return JSONResponse({"message": f"fault: one of {', '.join(FAULTS)}"}, status_code=400)
        self.fault = fault
        return Response(status_code=204)

    async def stats(self, _: Request) -> Response:
        devices = Counter(entity.rpartition(":")[2] for entity, _, _ in self.updates)
        return JSONResponse(
            {
                "entities": len(self.entities),
                "updates": len(self.updates),
                "devices": devices,
                "repeated": self.repeated,
                "backward": self.backward,
                "refused": len(self.refusals),
                "requests": self.requests,
                "faults": self.faults,
            }
        )

    async def entity(self, request: Request) -> Response:
        """One of them, with its attributes' names in full, as without a context."""
        if refusal := self._door(request):
            return refusal
        found = self.entities.get(request.path_params["id"])
        if found is None:
            return _error(404, "ResourceNotFound", "Entity Not Found", request.path_params["id"])
        if request.method == "DELETE":
            del self.entities[found["id"]]
            return Response(status_code=204)
        full = {
            name if name in _CORE else f"https://smartdatamodels.org/x/{name}": value for name, value in found.items()
        }
        return JSONResponse(full)

    async def upsert(self, request: Request) -> Response:
        self.requests += 1
        if refusal := self._door(request):
            return refusal
        if request.headers.get("content-type", "").partition(";")[0] != "application/ld+json":
            return _error(415, "UnsupportedMediaType", "Unsupported Media Type", "application/ld+json is expected")
        try:
            batch = json.loads(await request.body())
        except ValueError:
            return _error(400, "InvalidRequest", "Invalid Request", "the body is no JSON")
        if not isinstance(batch, list) or not batch:
            return _error(400, "BadRequestData", "Invalid payload", "a JSON array with entities is expected")
        self.largest = max(self.largest, len(batch))
        if len(batch) > _MOST:
            return _error(413, "RequestEntityTooLarge", "Too many entities", f"more than {_MOST}")
        ids = [one.get("id") if isinstance(one, dict) else None for one in batch]
        if len(set(ids)) != len(ids):
            return _error(400, "BadRequestData", "Bad Request", "an entity is in the batch twice")
        if self.fault in ("before", "busy", "token"):
            self.faults += 1
            if self.fault == "busy":
                return JSONResponse({"title": "busy"}, status_code=503, headers={"retry-after": "1"})
            return _error(*((401, "Unauthorized") if self.fault == "token" else (500, "InternalError")), "not now")
        if self.fault == "whole" and any(one.get("type") == "WasteContainer" for one in batch):
            self.faults += 1
            return _error(400, "BadRequestData", "Bad Request", "no bins here")
        return await self._take(request, batch)

    async def _take(self, request: Request, batch: list[Any]) -> Response:
        update = "update" in request.query_params.get("options", "").split(",")
        created: list[str] = []
        errors: dict[str, str] = {}
        some = batch[: len(batch) // 2] if self.fault in ("half", "silent") else batch
        for number, entity in enumerate(some):
            wrong = await asyncio.to_thread(self._wrong, entity)
            id = entity.get("id", "") if isinstance(entity, dict) else ""
            if not wrong and self.fault == "partial" and number % 3 == 0:
                self.faults += 1
                wrong = "not to this broker's taste"
            elif not wrong:
                wrong = self._keep(entity, update, created)
                if wrong:
                    self.refusals.append(wrong)
            else:
                self.refusals.append(wrong)
            if wrong:
                errors[id] = wrong
        if self.fault in ("hang", "reset", "after", "half", "silent"):
            self.faults += 1
            if self.fault == "reset":  # less than was promised: the server breaks the connection off
                return Response(status_code=201, headers={"content-length": "1000"})
            if self.fault == "hang":
                while not await request.is_disconnected():
                    await asyncio.sleep(0.1)
            if self.fault == "silent":
                return Response(status_code=207)
            return _error(500, "InternalError", "Internal Error")
        return self._answer([one["id"] for one in some if one.get("id") not in errors], created, errors)

    def _answer(self, taken: list[str], created: list[str], errors: dict[str, str]) -> Response:
        if not errors:
            return JSONResponse(created, status_code=201) if created else Response(status_code=204)
        problems = {
            id: {"type": _ERROR + "BadRequestData", "title": "Bad Request", "detail": why, "status": 400}
            for id, why in errors.items()
        }
        if self.form == "scorpio":
            answer: Any = [{"id": id, "type": "Upsert", "success": [{"attributes": []}]} for id in taken]
            answer += [
                {"id": id, "type": "Upsert", "failure": [{**one, "detail": {"message": one["detail"]}}]}
                for id, one in problems.items()
            ]
            return JSONResponse(answer, status_code=207 if taken else 400)
        if self.form == "stellio":
            answer = {
                "success": [{"entityId": id, "updateResult": {}} for id in taken],
                "errors": [{"entityId": id, "error": [one["detail"]]} for id, one in problems.items()],
            }
        else:
            answer = {
                "success": taken,
                "errors": [{"entityId": id, "error": one} for id, one in problems.items()],
            }
        return JSONResponse(answer, status_code=207)

    def _door(self, request: Request) -> Response | None:
        """Who asks, and for whose entities."""
        if self.token is not None and request.headers.get("authorization") != f"Bearer {self.token}":
            return _error(401, "Unauthorized", "who are you?")
        tenant = request.headers.get("ngsild-tenant")
        if tenant != self.tenant:
            if self.form == "stellio":
                return _error(404, "NonexistentTenant", "Tenant not found", str(tenant))
            return _error(400, "NonExistingTenant", "No such tenant", str(tenant))
        return None

    def _wrong(self, entity: Any) -> str:
        """Why it is no entity."""
        if not isinstance(entity, dict) or not _URI.fullmatch(str(entity.get("id", ""))):
            return "Not a URI: the entity's id"
        if not isinstance(entity.get("type"), str):
            return "the entity has no type"
        contexts = entity.get("@context")
        contexts = [contexts] if isinstance(contexts, str) else contexts
        if not isinstance(contexts, list) or not contexts:
            return "Content-Type is application/ld+json, but no @context in payload data array item"
        for url in contexts:
            if not re.fullmatch(r"https?://\S+", str(url)) or re.search(r"/(master|main|latest)/", url):
                return f"the context {url} may change"
        terms = set[str]().union(*(self._terms(url) for url in contexts)) | _CORE if self.fetch else None
        for name, value in entity.items():
            if terms is not None and (name not in terms or entity["type"] not in terms):
                return f"no context knows {name} of {entity['type']}"
            if name not in ("id", "type", "@context") and (wrong := _no_attribute(value)):
                return f"{name}: {wrong}"
        return ""

    def _terms(self, url: str) -> set[str]:
        if url not in self.terms:
            with urllib.request.urlopen(url, timeout=10) as answer:
                assert answer.headers.get_content_type() == "application/ld+json"
                self.terms[url] = set(json.load(answer)["@context"])
        return self.terms[url]

    def _keep(self, entity: Entity, update: bool, created: list[str]) -> str:
        """Why the entity, with what is there already, is none of the catalogue."""
        id = entity["id"]
        new = {name: value for name, value in entity.items() if name != "@context"}
        old = self.entities.get(id, {})
        whole = {**old, **new} if update else new
        if wrong := problem(whole):
            return wrong
        if id not in self.entities:
            created.append(id)
        for name, value in new.items():
            if isinstance(value, dict) and "observedAt" in value:
                key = (id, name, value["observedAt"])
                self.repeated += key in self.updates
                self.updates.add(key)
                before = old.get(name, {}).get("observedAt", value["observedAt"])
                self.backward += datetime.fromisoformat(before) > datetime.fromisoformat(value["observedAt"])
        self.entities[id] = whole
        return ""


def _no_attribute(value: Any) -> str:
    if not isinstance(value, dict) or value.get("type") not in _VALUE:
        return "no Property, GeoProperty or Relationship"
    member = _VALUE[value["type"]]
    if value.get(member) is None:
        return f"a {value['type']} has a {member}"
    if value["type"] == "Relationship" and not _URI.fullmatch(str(value["object"])):
        return "Not a URI: the object of a Relationship"
    if "observedAt" in value and not ZULU.fullmatch(str(value["observedAt"])):
        return "observedAt is no time in UTC"
    if set(value) - {"type", member, "observedAt", "unitCode"}:
        return "what is that in it?"
    return ""


def _error(status: int, kind: str, title: str, detail: str = "") -> Response:
    return JSONResponse({"type": _ERROR + kind, "title": title, "detail": detail, "status": status}, status_code=status)


def main() -> int:
    parser = argparse.ArgumentParser(description="A strict stand-in for an NGSI-LD broker.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--form", choices=FORMS, default="orion")
    parser.add_argument("--tenant")
    parser.add_argument("--token", type=Path, help="a file with the token that has to be borne")
    parser.add_argument("--fetch-contexts", action="store_true")
    options = parser.parse_args()
    token = options.token.read_text().strip() if options.token else None
    app = Broker(options.form, options.tenant, token, options.fetch_contexts).app()
    uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="warning", access_log=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
