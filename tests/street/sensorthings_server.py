"""A strict stand-in for a SensorThings API 1.1 server, written from OGC 18-088. In memory.

    python -m tests.street.sensorthings_server --port 18080 [--without-data-array]

It refuses what a real server refuses and stores twice what is posted twice. `POST /_control {"fault": …}` makes it
misbehave on every following POST of Observations, until `{"fault": null}`:

    hang         stores everything, never answers
    after        stores everything, answers 500
    before       stores nothing, answers 500
    half         stores the first half, answers 500
    rows         stores all but every third row, which it answers with "error" (and, alone, with 400)
    busy         stores nothing, answers 429 with Retry-After: 1

`/_stats` counts, `/_dump` gives every Observation as [deviceId, series, milliseconds, result].
"""

import argparse
import asyncio
import re
import sys
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.street.sensorthings_filter import FilterError, parse
from tests.street.sensorthings_model import KINDS, Model, Refusal, moment

ROOT = "/FROST-Server/v1.1"
FAULTS = ("hang", "after", "before", "half", "rows", "busy")
_SEGMENT = re.compile(r"(\w+)(?:\((\d+)\))?")
_OPTIONS = {"$filter", "$select", "$top", "$skip", "$count", "$orderby"}
_CONFORMANCE = "http://www.opengis.net/spec/iot_sensing/1.1/req/"


class Server:
    """One server's state and its request handlers."""

    def __init__(self, data_array: bool = True) -> None:
        self.model = Model()
        self.data_array = data_array
        self.fault: str | None = None
        self.faults = 0

    def app(self) -> Starlette:
        """The application."""
        return Starlette(
            routes=[
                Route("/_control", self.control, methods=["POST"]),
                Route("/_stats", lambda _: JSONResponse({**self.model.statistics(), "faults": self.faults})),
                Route("/_dump", lambda _: JSONResponse(self.model.dump())),
                Route(ROOT, self.landing),
                Route(ROOT + "/{path:path}", self.get, methods=["GET"]),
                Route(ROOT + "/{path:path}", self.post, methods=["POST"]),
            ]
        )

    async def control(self, request: Request) -> Response:
        fault = (await request.json())["fault"]
        if fault is not None and fault not in FAULTS:
            return _message(400, f"fault: one of {', '.join(FAULTS)}")
        self.fault = fault
        return Response(status_code=204)

    async def landing(self, request: Request) -> Response:
        base = str(request.base_url).rstrip("/") + ROOT
        names = ["datamodel", "resource-path", "request-data", "create-update-delete/deep-insert"]
        if self.data_array:
            names.append("data-array/data-array")
        return JSONResponse(
            {
                "value": [{"name": kind, "url": f"{base}/{kind}"} for kind in KINDS],
                "serverSettings": {"conformance": [_CONFORMANCE + name for name in names]},
            }
        )

    async def get(self, request: Request) -> Response:
        unknown = set(request.query_params) - _OPTIONS
        if unknown:
            return _message(400, f"unknown query option {sorted(unknown)[0]}")
        try:
            kind, ids, single = self._walk(request.path_params["path"])
            if single:
                return JSONResponse(self._show(kind, ids[0], request))
            return JSONResponse(self._page(kind, ids, request))
        except KeyError as what:
            return _message(404, f"nothing found at {what.args[0]}")
        except (FilterError, Refusal, ValueError) as error:
            return _message(400, str(error))

    async def post(self, request: Request) -> Response:
        path = request.path_params["path"]
        try:
            body = await request.json()
        except ValueError:
            return _message(400, "the body is no JSON")
        try:
            if path == "CreateObservations":
                if not self.data_array:
                    return _message(404, "no such collection: CreateObservations")
                return await self._create_observations(body, request)
            kind, given = self._collection(path)
            if kind == "Observations":
                return await self._observation(body, given, request)
            return self._created(kind, self.model.create(kind, body, given), request)
        except KeyError as what:
            return _message(404, f"nothing found at {what.args[0]}")
        except Refusal as error:
            return _message(400, str(error))

    async def _observation(self, body: Any, given: dict[str, int], request: Request) -> Response:
        if self.fault in ("before", "busy"):
            return self._broken()
        if self.fault == "rows" and isinstance(body, dict) and moment(body["phenomenonTime"], "").second % 3 == 0:
            self.faults += 1
            return _message(400, "the result is not to this server's taste")
        answer = self._created("Observations", self.model.create("Observations", body, given), request)
        if self.fault in ("hang", "after"):
            return await self._silent(request) if self.fault == "hang" else self._broken()
        return answer

    async def _create_observations(self, body: Any, request: Request) -> Response:
        """Section 15.2: for each row a link, or the word error."""
        if not isinstance(body, list):
            raise Refusal("CreateObservations: a JSON array is expected")
        rows: list[tuple[int, Any]] = []
        for group in body:
            if not isinstance(group, dict) or not {"Datastream", "components", "dataArray"} <= set(group):
                raise Refusal("CreateObservations: Datastream, components and dataArray are needed")
            stream = (group["Datastream"] or {}).get("@iot.id")
            if stream not in self.model.entities["Datastreams"]:
                return _message(404, f"nothing found at Datastreams({stream})")
            if group.get("dataArray@iot.count", len(group["dataArray"])) != len(group["dataArray"]):
                raise Refusal("CreateObservations: dataArray@iot.count is wrong")
            for row in group["dataArray"]:
                rows.append((stream, dict(zip(group["components"], row, strict=False))))
        if self.fault in ("before", "busy"):
            return self._broken()
        if self.fault == "half":
            rows = rows[: len(rows) // 2]
        answers = []
        for stream, row in rows:
            if self.fault == "rows" and moment(row["phenomenonTime"], "").second % 3 == 0:
                answers.append("error")
                continue
            try:
                id = self.model.create("Observations", row, {"Datastream": stream})
                answers.append(f"{request.base_url}{ROOT[1:]}/Observations({id})")
            except Refusal:
                answers.append("error")
        if self.fault in ("half", "after"):
            return self._broken()
        if self.fault == "hang":
            return await self._silent(request)
        return JSONResponse(answers, status_code=201)

    def _broken(self) -> Response:
        self.faults += 1
        if self.fault == "busy":
            return JSONResponse({"message": "too many requests"}, status_code=429, headers={"retry-after": "1"})
        return _message(500, "internal error")

    async def _silent(self, request: Request) -> Response:
        self.faults += 1
        while not await request.is_disconnected():
            await asyncio.sleep(0.1)
        return Response(status_code=500)

    def _created(self, kind: str, id: int, request: Request) -> Response:
        link = f"{request.base_url}{ROOT[1:]}/{kind}({id})"
        return JSONResponse(self._show(kind, id, request, ()), status_code=201, headers={"location": link})

    def _walk(self, path: str) -> tuple[str, list[int], bool]:
        """(kind, ids, whether one entity is meant) of Things, Things(1), Things(1)/Datastreams, …"""
        kind, ids, single = "", list[int](), False
        for number, part in enumerate(path.split("/")):
            match = _SEGMENT.fullmatch(part)
            if match is None:
                raise KeyError(path)
            name, key = match.groups()
            if number == 0:
                if name not in KINDS:
                    raise KeyError(name)
                kind, ids, single = name, list(self.model.entities[name]), False
            elif single:
                one = name in KINDS[kind].one
                kind, ids = self.model.related(kind, ids[0], name)
                single = one
            else:
                raise KeyError(path)
            if key is not None:
                if int(key) not in ids:
                    raise KeyError(part)
                ids, single = [int(key)], True
        return kind, ids, single

    def _collection(self, path: str) -> tuple[str, dict[str, int]]:
        """Where to create: the kind, and the relation that the path gives."""
        head, _, last = path.rpartition("/")
        if not head:
            if last not in KINDS:
                raise KeyError(last)
            return last, {}
        kind, ids, single = self._walk(head)
        if not single or last not in KINDS[kind].many:
            raise KeyError(path)
        other = KINDS[kind].many[last]
        back = next((name for name, (target, _) in KINDS[other].one.items() if target == kind), None)
        return other, {back: ids[0]} if back else {}

    def _page(self, kind: str, ids: list[int], request: Request) -> dict[str, Any]:
        options = request.query_params
        if "$filter" in options:
            test = parse(options["$filter"])
            ids = [id for id in ids if test(lambda path, id=id: self._value(kind, id, path.split("/")))]
        for part in reversed(options.get("$orderby", "").split(",") if "$orderby" in options else []):
            path, _, direction = part.strip().partition(" ")
            ids.sort(key=lambda id, path=path: self._value(kind, id, path.split("/")), reverse=direction == "desc")
        top, skip = min(int(options.get("$top", 100)), 1000), int(options.get("$skip", 0))
        page: dict[str, Any] = {}
        if options.get("$count") == "true":
            page["@iot.count"] = len(ids)
        if skip + top < len(ids) and top:
            page["@iot.nextLink"] = str(request.url.include_query_params(**{"$skip": skip + top}))
        page["value"] = [self._show(kind, id, request) for id in ids[skip : skip + top]]
        return page

    def _value(self, kind: str, id: int, path: list[str]) -> Any:
        entity = self.model.entities[kind][id]
        head = path[0]
        if head in ("@iot.id", "id"):
            return id
        if head in KINDS[kind].one and len(path) > 1:
            other, (target,) = self.model.related(kind, id, head)
            return self._value(other, target, path[1:])
        if head == "phenomenonTime":
            return entity["_at"]
        value: Any = entity
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def _show(self, kind: str, id: int, request: Request, select: tuple[str, ...] | None = None) -> dict[str, Any]:
        base = f"{request.base_url}{ROOT[1:]}"
        entity = {name: value for name, value in self.model.entities[kind][id].items() if name[0] != "_"}
        link = f"{base}/{kind}({id})"
        relations = {f"{name}@iot.navigationLink": f"{link}/{name}" for name in (*KINDS[kind].one, *KINDS[kind].many)}
        whole = {"@iot.id": id, "@iot.selfLink": link, **entity, **relations}
        if select is None and "$select" in request.query_params:
            names = request.query_params["$select"].split(",")
            return {name: whole[name] for name in names if name in whole}
        return whole


def _message(status: int, text: str) -> Response:
    kind = "error" if status >= 400 else "ok"
    return JSONResponse({"code": status, "type": kind, "message": text}, status_code=status)


def main() -> int:
    parser = argparse.ArgumentParser(description="A strict stand-in for a SensorThings server.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--without-data-array", action="store_true")
    options = parser.parse_args()
    app = Server(data_array=not options.without_data_array).app()
    uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="warning", access_log=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
