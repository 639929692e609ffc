"""A strict stand-in for the REST API of a process engine, Camunda 7's (Operaton's) or Flowable's. In memory.

    python -m tests.street.engine_server --port 18083 --mode camunda7|flowable

Written from the engines' documentation. It knows the process `papierkorb-leerung`, which can also be started by the
message `PapierkorbVoll` and then waits for `PapierkorbGeleert`. It asks for Basic auth (demo, demo) and, where it has
one, for its tenant; it refuses unknown keys, variables that are not of their type and messages nothing waits for, and
starts twice what is started twice.
`POST /_control {"fault": …}` makes it misbehave on every following start, until null:

    hang         starts, never answers
    after        starts, answers 500
    before       starts nothing, answers 500, as when the process fails in its first steps
    busy         starts nothing, answers 503
    undeployed   the process is not there: being deployed
    locked       the user is not let in any more

`POST /_control {"end": ID}` ends an instance, `{"pass": ID}` lets it wait for its message no more. `/_stats` counts.
"""

import argparse
import asyncio
import base64
import re
import sys
from collections import Counter
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

FAULTS = ("hang", "after", "before", "busy", "undeployed", "locked")
PROCESS = "papierkorb-leerung"
STARTED_BY = "PapierkorbVoll"
WAITS_FOR = "PapierkorbGeleert"
USER, PASSWORD = "demo", "demo"
_DATES = {
    "camunda7": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}"),
    "flowable": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z"),
}
PREFIX = {"camunda7": "/engine-rest", "flowable": "/flowable-rest/service"}


class Refusal(Exception):
    """status, type, message."""


class Server:
    """State and handlers."""

    def __init__(self, mode: str, tenant: str | None = None) -> None:
        self.mode = mode
        self.tenant = tenant
        self.base = PREFIX[mode]
        self.fault: str | None = None
        self.faults = self.refused = 0
        self.instances: dict[str, dict[str, Any]] = {}

    def app(self) -> Starlette:
        """The application."""
        ways = self._camunda() if self.mode == "camunda7" else self._flowable()
        routes = [Route(self.base + path, self._guarded(handler), methods=[method]) for method, path, handler in ways]
        return Starlette(
            routes=[
                Route("/_control", self.control, methods=["POST"]),
                Route("/_stats", lambda _: JSONResponse(self.statistics())),
                Route("/_dump", lambda _: JSONResponse(list(self.instances.values()))),
                *routes,
            ]
        )

    def statistics(self) -> dict[str, Any]:
        """`instances`: how many were started; `doubled`: how many of them for a business key that has one already."""
        keys = Counter(one["businessKey"] for one in self.instances.values())
        doubled = sum(count - 1 for count in keys.values())
        return {
            "instances": len(self.instances),
            "doubled": doubled,
            "refused": self.refused,
            "faults": self.faults,
            "devices": {},
        }

    async def control(self, request: Request) -> Response:
        body = await request.json()
        if "fault" in body:
            if body["fault"] is not None and body["fault"] not in FAULTS:
                return JSONResponse({"message": f"fault: one of {', '.join(FAULTS)}"}, status_code=400)
            self.fault = body["fault"]
        if "end" in body:
            self.instances[body["end"]]["ended"] = True
        if "pass" in body:
            self.instances[body["pass"]]["waiting"] = False
        return Response(status_code=204)

    def _guarded(self, handler: Any) -> Any:
        """With Basic auth, and refusals as the engine words them."""
        wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

        async def guarded(request: Request) -> Response:
            if request.headers.get("authorization") != wanted or self.fault == "locked":
                self.faults += self.fault == "locked"
                return Response(status_code=401, headers={"www-authenticate": "Basic"})
            try:
                answer: Response = await handler(request)
                return answer
            except Refusal as refusal:
                self.refused += 1
                return self._error(*refusal.args)

        return guarded

    def _error(self, status: int, type: str, message: str) -> Response:
        if self.mode == "camunda7":
            return JSONResponse({"type": type, "message": message, "code": 0}, status_code=status)
        return JSONResponse({"message": {400: "Bad request"}.get(status, "Internal"), "exception": message}, status)

    async def _body(self, request: Request) -> dict[str, Any]:
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            raise Refusal(415, "RestException", "HTTP 415 Unsupported Media Type")
        try:
            body = await request.json()
        except ValueError:
            raise Refusal(400, "InvalidRequestException", "the body is no JSON") from None
        if not isinstance(body, dict):
            raise Refusal(400, "InvalidRequestException", "the body is no object")
        return body

    def _of_tenant(self, tenant: Any) -> None:
        if tenant != self.tenant:
            raise Refusal(400, "RestException", f"tenant {tenant} has nothing here")

    def _typed(self, name: str, type: Any, value: Any) -> Any:
        kind = str(type).lower()
        right = {
            "string": lambda: isinstance(value, str),
            "boolean": lambda: isinstance(value, bool),
            "integer": lambda: _is_whole(value, 31),
            "long": lambda: _is_whole(value, 63),
            "double": lambda: isinstance(value, int | float) and not isinstance(value, bool),
            "date": lambda: isinstance(value, str) and _DATES[self.mode].fullmatch(value) is not None,
        }
        if kind not in right or not right[kind]():
            raise Refusal(400, "InvalidRequestException", f"variable {name}: {value!r} is not of type {type}")
        return value

    def _start(self, process: str, business_key: Any, variables: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(business_key, str) or not business_key:
            raise Refusal(400, "InvalidRequestException", "a businessKey is expected here")
        one = {
            "id": f"i{len(self.instances) + 1}",
            "process": process,
            "businessKey": business_key,
            "variables": variables,
            "waiting": True,
            "told": 0,
            "ended": False,
        }
        self.instances[one["id"]] = one
        return one

    async def _starting(self, request: Request, process: str, business_key: Any, variables: dict[str, Any]) -> Any:
        """The instance, or the answer of a fault."""
        if process != PROCESS or self.fault == "undeployed":
            self.faults += self.fault == "undeployed"
            if self.mode == "camunda7":
                what = f"No matching process definition with key: {process} and no tenant-id"
                raise Refusal(404, "RestException", what)
            raise Refusal(400, "", f"No process definition found for key '{process}'")
        if self.fault in ("before", "busy"):
            self.faults += 1
            if self.fault == "busy":
                return JSONResponse({"message": "later"}, 503, headers={"retry-after": "1"})
            return self._error(500, "ProcessEngineException", "Unknown property used in expression: ${depot}")
        one = self._start(process, business_key, variables)
        if self.fault == "hang":
            self.faults += 1
            while not await request.is_disconnected():
                await asyncio.sleep(0.05)
        if self.fault == "after":
            self.faults += 1
            return self._error(500, "RestException", "internal error")
        return one

    def _of(self, business_key: str | None, process: str | None, ended: bool) -> list[dict[str, Any]]:
        return [
            one
            for one in self.instances.values()
            if one["businessKey"] == business_key and process in (None, one["process"]) and one["ended"] == ended
        ]

    async def _runs(self, request: Request) -> Response:
        one = self.instances.get(request.path_params["id"])
        if one is None or one["ended"]:
            raise Refusal(404, "InvalidRequestException", "Process instance does not exist")
        return JSONResponse(_camunda_shown(one) if self.mode == "camunda7" else one)

    # Camunda 7.

    def _camunda(self) -> list[tuple[str, str, Any]]:
        of_tenant = f"/tenant-id/{self.tenant}" if self.tenant else ""
        return [
            ("GET", "/process-instance", self._camunda_running),
            ("GET", "/process-instance/{id}", self._runs),
            ("GET", "/history/process-instance", self._camunda_ended),
            ("GET", f"/process-definition/key/{{key}}{of_tenant}", self._camunda_definition),
            ("POST", f"/process-definition/key/{{key}}{of_tenant}/start", self._camunda_start),
            ("POST", "/message", self._camunda_message),
        ]

    async def _camunda_running(self, request: Request) -> Response:
        asked = request.query_params
        self._of_tenant(asked.get("tenantIdIn"))
        found = self._of(asked.get("businessKey"), asked.get("processDefinitionKey"), False)
        return JSONResponse([_camunda_shown(one) for one in found])

    async def _camunda_ended(self, request: Request) -> Response:
        asked = request.query_params
        key, process = asked.get("processInstanceBusinessKey"), asked.get("processDefinitionKey")
        found = self._of(key, process, True) + self._of(key, process, False)
        return JSONResponse([_camunda_shown(one) for one in found])

    async def _camunda_definition(self, request: Request) -> Response:
        key = request.path_params["key"]
        if key != PROCESS:
            raise Refusal(404, "RestException", f"No matching process definition with key: {key} and no tenant-id")
        return JSONResponse({"id": f"{key}:1:1", "key": key, "name": "Papierkorb leeren", "version": 1})

    async def _camunda_start(self, request: Request) -> Response:
        body = await self._body(request)
        if odd := body.keys() - {"businessKey", "variables"}:
            raise Refusal(400, "InvalidRequestException", f"unknown property {sorted(odd)[0]}")
        variables = self._camunda_variables(body.get("variables", {}))
        one = await self._starting(request, request.path_params["key"], body.get("businessKey"), variables)
        return one if isinstance(one, Response) else JSONResponse(_camunda_shown(one))

    async def _camunda_message(self, request: Request) -> Response:
        body = await self._body(request)
        known = {"messageName", "businessKey", "processVariables", "resultEnabled", "processInstanceId", "tenantId"}
        if "processInstanceId" in body and "tenantId" in body:
            raise Refusal(400, "InvalidRequestException", "Cannot specify a tenant-id with a processInstanceId")
        self._of_tenant(body.get("tenantId"))
        if odd := body.keys() - known:
            raise Refusal(400, "InvalidRequestException", f"unknown property {sorted(odd)[0]}")
        variables = self._camunda_variables(body.get("processVariables", {}))
        waiting = [one for one in self._of(body.get("businessKey"), None, False) if one["waiting"]]
        if body.get("messageName") == WAITS_FOR and len(waiting) == 1:
            waiting[0].update(waiting=False, told=waiting[0]["told"] + 1)
            return Response(status_code=204)
        if body.get("messageName") == STARTED_BY and "processInstanceId" not in body:
            one = await self._starting(request, PROCESS, body.get("businessKey"), variables)
            if isinstance(one, Response):
                return one
            if not body.get("resultEnabled"):
                return Response(status_code=204)
            return JSONResponse([{"resultType": "ProcessDefinition", "processInstance": _camunda_shown(one)}])
        what = f"Cannot correlate message '{body.get('messageName')}': No process definition or execution matches"
        full = f"org.camunda.bpm.engine.MismatchingMessageCorrelationException: {what} the parameters"
        raise Refusal(400, "RestException", full)

    def _camunda_variables(self, given: Any) -> dict[str, Any]:
        if not isinstance(given, dict):
            raise Refusal(400, "InvalidRequestException", "variables have to be an object")
        return {name: self._typed(name, one["type"], one["value"]) for name, one in given.items()}

    # Flowable.

    def _flowable(self) -> list[tuple[str, str, Any]]:
        return [
            ("GET", "/runtime/process-instances", self._flowable_running),
            ("GET", "/runtime/process-instances/{id}", self._runs),
            ("GET", "/history/historic-process-instances", self._flowable_ended),
            ("GET", "/repository/process-definitions", self._flowable_definitions),
            ("POST", "/runtime/process-instances", self._flowable_start),
            ("GET", "/runtime/executions", self._flowable_executions),
            ("PUT", "/runtime/executions/{id}", self._flowable_execution),
        ]

    async def _flowable_running(self, request: Request) -> Response:
        asked = request.query_params
        self._of_tenant(asked.get("tenantId"))
        return _page(self._of(asked.get("businessKey"), asked.get("processDefinitionKey"), False))

    async def _flowable_ended(self, request: Request) -> Response:
        asked = request.query_params
        key, process = asked.get("businessKey"), asked.get("processDefinitionKey")
        return _page(self._of(key, process, True) + self._of(key, process, False))

    async def _flowable_definitions(self, request: Request) -> Response:
        there = request.query_params.get("key") == PROCESS
        return _page([{"id": f"{PROCESS}:1:1", "key": PROCESS, "name": "Papierkorb leeren"}] if there else [])

    async def _flowable_start(self, request: Request) -> Response:
        body = await self._body(request)
        if ("processDefinitionKey" in body) == ("message" in body):
            raise Refusal(400, "", "Only one of processDefinitionId, processDefinitionKey or message should be set.")
        self._of_tenant(body.get("tenantId"))
        if body.get("message", STARTED_BY) != STARTED_BY:
            what = f"Cannot start process instance by message: no subscription to message with name '{body['message']}'"
            raise Refusal(400, "", what)
        variables = self._flowable_variables(body.get("variables", []))
        process = body.get("processDefinitionKey", PROCESS)
        one = await self._starting(request, process, body.get("businessKey"), variables)
        return one if isinstance(one, Response) else JSONResponse({**one, "url": "…"}, status_code=201)

    async def _flowable_executions(self, request: Request) -> Response:
        asked = request.query_params
        one = self.instances.get(asked.get("processInstanceId", ""))
        waits = one is not None and one["waiting"] and not one["ended"]
        there = waits and asked.get("messageEventSubscriptionName") == WAITS_FOR
        return _page([{"id": f"e-{one['id']}", "processInstanceId": one["id"]}] if there and one else [])

    async def _flowable_execution(self, request: Request) -> Response:
        body = await self._body(request)
        one = self.instances.get(request.path_params["id"].removeprefix("e-"))
        if one is None or one["ended"] or not one["waiting"]:
            return self._error(404, "", "Could not find an execution with that id")
        if body.get("action") != "messageEventReceived" or body.get("messageName") != WAITS_FOR:
            raise Refusal(400, "", "Invalid action or messageName")
        self._flowable_variables(body.get("variables", []))
        one.update(waiting=False, told=one["told"] + 1)
        return JSONResponse({"id": request.path_params["id"]})

    def _flowable_variables(self, given: Any) -> dict[str, Any]:
        if not isinstance(given, list):
            raise Refusal(400, "", "variables have to be a list")
        return {one["name"]: self._typed(one["name"], one.get("type", "string"), one["value"]) for one in given}


def _camunda_shown(one: dict[str, Any]) -> dict[str, Any]:
    definition = f"{one['process']}:1:1"
    return {"id": one["id"], "definitionId": definition, "businessKey": one["businessKey"], "ended": one["ended"]}


def _page(found: list[dict[str, Any]]) -> Response:
    return JSONResponse({"data": found, "total": len(found), "start": 0, "size": len(found)})


def _is_whole(value: Any, bits: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(1 << bits) <= value < 1 << bits


def main() -> int:
    parser = argparse.ArgumentParser(description="A strict stand-in for a process engine.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--mode", choices=sorted(PREFIX), default="camunda7")
    options = parser.parse_args()
    app = Server(options.mode).app()
    uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="warning", access_log=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
