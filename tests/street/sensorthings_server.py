"""A strict stand-in for a SensorThings API 1.1 server, written from OGC 18-088. In memory.

    python -m tests.street.sensorthings_server --port 18080 [--without-data-array] [--with-projects] [--count]

It refuses what a real server refuses and stores twice what is posted twice. `POST /_control {"fault": …}` makes it
misbehave on every following POST of Observations, until `{"fault": null}`:

    hang         stores everything, never answers
    after        stores everything, answers 500
    before       stores nothing, answers 500
    half         stores the first half, answers 500 (single ones: every other one)
    rows         stores all but those of a second that 3 divides: "error", and for such a one alone 400
    busy         stores nothing, answers 429 with Retry-After: 1
    slow         stores everything, answers after a while

A row it can't take itself is answered as FROST does: the word error and the reason.

`/_stats` counts, `/_dump` gives every Observation as [deviceId, series, milliseconds, result].
"""

import argparse
import asyncio
import sys
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bordstein_gateway.sensorthings_api.syntax import Mistake
from tests.street.sensorthings_model import KINDS, Refusal, moment
from tests.street.sensorthings_pages import OPTIONS, ROOT, Pages

FAULTS = ("hang", "after", "before", "half", "rows", "busy", "slow")
_SLOW_S = 0.3
_PROJECT = [{"@iot.id": 1}]
_CONFORMANCE = "http://www.opengis.net/spec/iot_sensing/1.1/req/"


class Server(Pages):
    """One server's state and its request handlers. `projects`: each Thing has to be in project 1, as FROST's plug-in
    for tenants asks for. `keep` False: what comes in data arrays is counted only."""

    def __init__(self, data_array: bool = True, projects: bool = False, keep: bool = True) -> None:
        super().__init__(keep)
        self.data_array = data_array
        self.projects = projects
        self.deletes = True
        self.fault: str | None = None
        self.faults = 0
        self._every_other = False

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
                Route(ROOT + "/{path:path}", self.patch, methods=["PATCH"]),
                Route(ROOT + "/{path:path}", self.delete, methods=["DELETE"]),
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
        unknown = set(request.query_params) - OPTIONS
        if unknown:
            return _message(400, f"unknown query option {sorted(unknown)[0]}")
        try:
            kind, ids, single = self.walk(request.path_params["path"])
            if single:
                return JSONResponse(self.show(kind, ids[0], request))
            return JSONResponse(self.page(kind, ids, request))
        except KeyError as what:
            return _message(404, f"nothing found at {what.args[0]}")
        except (Mistake, Refusal, ValueError) as error:
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
            kind, given = self.collection(path)
            if kind == "Observations":
                return await self._observation(body, given, request)
            if kind == "Things" and self.projects and isinstance(body, dict) and body.pop("Projects", None) != _PROJECT:
                return _message(400, "a Thing has to be in one of your Projects")
            id = self.model.create(kind, body, given)
            if kind == "Locations" and "/" in path:
                self.model.locate(self.walk(path.rpartition("/")[0])[1][0], id)
            return self._created(kind, id, request)
        except KeyError as what:
            return _message(404, f"nothing found at {what.args[0]}")
        except Refusal as error:
            return _message(400, str(error))

    async def patch(self, request: Request) -> Response:
        """Section 10.3: only the members that are given change."""
        try:
            kind, (id, *_), single = self.walk(request.path_params["path"])
            if not single:
                return _message(400, "one entity is expected")
            self.model.update(kind, id, await request.json())
            return JSONResponse(self.show(kind, id, request, ()))
        except KeyError as what:
            return _message(404, f"nothing found at {what.args[0]}")
        except (Refusal, ValueError) as error:
            return _message(400, str(error))

    async def delete(self, request: Request) -> Response:
        """Section 10.4: with a Thing or a Sensor go its Datastreams, with these their Observations (table 25)."""
        if not self.deletes:
            return _message(403, "this user may delete nothing")
        try:
            kind, (id, *_), single = self.walk(request.path_params["path"])
            if not single:
                return _message(400, "one entity is expected")
            self.model.delete(kind, id)
            return Response(status_code=200)
        except KeyError as what:
            return _message(404, f"nothing found at {what.args[0]}")

    async def _observation(self, body: Any, given: dict[str, int], request: Request) -> Response:
        self._every_other = not self._every_other
        if self.fault in ("before", "busy") or (self.fault == "half" and self._every_other):
            return self._broken()
        if self.fault == "slow":
            await asyncio.sleep(_SLOW_S)
        if self.fault == "rows" and isinstance(body, dict) and moment(body.get("phenomenonTime"), "").second % 3 == 0:
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
                if len(row) != len(group["components"]):
                    raise Refusal("CreateObservations: a row has not as many members as components")
                rows.append((stream, dict(zip(group["components"], row, strict=True))))
        if self.fault in ("before", "busy"):
            return self._broken()
        if self.fault == "slow":
            await asyncio.sleep(_SLOW_S)
        if self.fault == "half":
            rows = rows[: len(rows) // 2]
        answers = []
        for stream, row in rows:
            if self.fault == "rows" and moment(row.get("phenomenonTime"), "").second % 3 == 0:
                answers.append("error")
                continue
            try:
                id = self.model.create("Observations", row, {"Datastream": stream})
                answers.append(f"{request.base_url}{ROOT[1:]}/Observations({id})")
            except Refusal as refusal:
                answers.append(f"error {refusal}")
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
        return JSONResponse(self.show(kind, id, request, ()), status_code=201, headers={"location": link})


def _message(status: int, text: str) -> Response:
    kind = "error" if status >= 400 else "ok"
    return JSONResponse({"code": status, "type": kind, "message": text}, status_code=status)


def main() -> int:
    parser = argparse.ArgumentParser(description="A strict stand-in for a SensorThings server.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--without-data-array", action="store_true")
    parser.add_argument("--with-projects", action="store_true", help="each Thing has to be in project 1")
    parser.add_argument("--count", action="store_true", help="keep no Observation of a data array, only count")
    options = parser.parse_args()
    server = Server(data_array=not options.without_data_array, projects=options.with_projects, keep=not options.count)
    app = server.app()
    uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="warning", access_log=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
