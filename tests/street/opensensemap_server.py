"""A strict stand-in for openSenseMap: the way in and the way to look, for boxes that it is told.

What a body says is read by openSenseMap's own decoder (Node.js). As there: the token of the box or 401; a body that the
decoder refuses is 422; a sensor that is none of the box's makes the whole request fail with 500; what is posted twice
is stored twice. `POST /_control {"fault": …}` makes it misbehave until `{"fault": null}`:

    hang      stores everything, never answers
    after     stores everything, answers 500
    before    stores nothing, answers 500
    busy      stores nothing, answers 429

    python -m tests.street.opensensemap_server --port 18083 --boxes JSON

JSON: {"<box>": {"token": "…", "device": "…", "sensors": {"<sensor>": "<series>"}}}
"""

import argparse
import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bordstein_gateway.forward.times import milliseconds

FAULTS = ("hang", "after", "before", "busy")
HERE = Path(__file__).resolve().parent / "opensensemap"
ROOT = HERE.parents[2]


class Decoder:
    """openSenseMap's own, a process of its own."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._one = asyncio.Lock()

    async def __call__(self, type: str, body: str) -> dict[str, Any]:
        async with self._one:
            if self._process is None:
                self._process = await asyncio.create_subprocess_exec(
                    *(Path(sys.executable).with_name("node"), HERE / "decode.cjs"),
                    stdin=PIPE,
                    stdout=PIPE,
                    limit=1 << 24,
                    env={
                        "PATH": os.environ["PATH"],
                        "NODE_PATH": str(ROOT / ".cache/opensensemap/node_modules"),
                        "NODE_CONFIG_DIR": str(HERE / "config"),
                    },
                )
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.stdin.write(json.dumps({"type": type, "body": body}).encode() + b"\n")
            await self._process.stdin.drain()
            answer: dict[str, Any] = json.loads(await self._process.stdout.readline())
            return answer

    async def close(self) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            await self._process.wait()


class OpenSenseMapServer:
    """State and handlers. `boxes`: id -> token, device and sensors (id -> series)."""

    def __init__(self, boxes: dict[str, Any]) -> None:
        self.boxes = boxes
        self.decode = Decoder()
        self.stored: list[tuple[str, str, int, str, Any]] = []
        """Box, sensor, milliseconds, value, location."""
        self.requests = self.faults = 0
        self.fault: str | None = None

    def app(self) -> Starlette:
        """The application."""
        return Starlette(
            routes=[
                Route("/boxes/{box}", self.box),
                Route("/boxes/{box}/data", self.take, methods=["POST"]),
                Route("/boxes/{box}/data/{sensor}", self.show),
                Route("/_control", self.control, methods=["POST"]),
                Route("/_stats", self.stats),
                Route("/_dump", self.dump),
            ]
        )

    async def control(self, request: Request) -> Response:
        fault = (await request.json())["fault"]
        if fault is not None and fault not in FAULTS:
            return _error(400, "BadRequest", f"fault: one of {', '.join(FAULTS)}")
        self.fault = fault
        return Response(status_code=204)

    async def stats(self, _: Request) -> Response:
        await self.decode("application/json", "[]")  # who waits for the server waits for the decoder
        devices: dict[str, set[tuple[str, int]]] = {}
        for box, sensor, time, _value, _location in self.stored:
            devices.setdefault(self.boxes[box]["device"], set()).add((sensor, time))
        return JSONResponse({"devices": {name: len(known) for name, known in devices.items()}, "faults": self.faults})

    async def dump(self, _: Request) -> Response:
        return JSONResponse(
            [
                [self.boxes[box]["device"], self.boxes[box]["sensors"][sensor], time, float(value)]
                for box, sensor, time, value, _ in self.stored
            ]
        )

    async def box(self, request: Request) -> Response:
        box = self.boxes.get(request.path_params["box"])
        if box is None:
            return _error(404, "NotFound", "Box not found")
        sensors = [{"_id": id, "title": title} for id, title in box["sensors"].items()]
        return JSONResponse({"_id": request.path_params["box"], "sensors": sensors})

    async def take(self, request: Request) -> Response:
        self.requests += 1
        box = self.boxes.get(request.path_params["box"])
        if box is None:
            return _error(404, "NotFound", "Box not found")
        if request.headers.get("authorization") != box["token"]:
            return _error(401, "Unauthorized", "Box access token not valid!")
        decoded = await self.decode(request.headers.get("content-type", ""), (await request.body()).decode())
        if "error" in decoded:
            return _error(422, "UnprocessableEntity", decoded["error"])
        for measurement in decoded["measurements"]:
            if measurement["sensor_id"] not in box["sensors"]:
                said = f"Measurement for sensor with id {measurement['sensor_id']} does not belong to box"
                return _error(500, "InternalServerError", said)
        if self.fault in ("before", "busy"):
            self.faults += 1
            return _error(*((500, "InternalServerError") if self.fault == "before" else (429, "TooMany")), "not now")
        self.stored += [
            (
                request.path_params["box"],
                measurement["sensor_id"],
                milliseconds(measurement["createdAt"]),
                measurement["value"],
                measurement.get("location"),
            )
            for measurement in decoded["measurements"]
        ]
        if self.fault == "after":
            self.faults += 1
            return _error(500, "InternalServerError", "internal error")
        if self.fault == "hang":
            self.faults += 1
            while not await request.is_disconnected():
                await asyncio.sleep(0.1)
        return JSONResponse("Measurements saved in box", status_code=201)

    async def show(self, request: Request) -> Response:
        """At most 10,000, newest first; without a span the last two days, which no test may rely on."""
        box = self.boxes.get(request.path_params["box"])
        if box is None or request.path_params["sensor"] not in box["sensors"]:
            return _error(404, "NotFound", "Sensor not found.")
        span = [request.query_params.get(name) for name in ("from-date", "to-date")]
        if None in span or request.query_params.get("format", "json") != "json":
            return _error(400, "BadRequest", "from-date, to-date and format=json are expected")
        first, last = (milliseconds(str(moment)) for moment in span)
        if last - first > 31 * 86_400_000:
            return _error(422, "UnprocessableEntity", "Please choose a time frame up to 31 days maximum")
        rows = [
            {"value": value, "location": location, "createdAt": moment}
            for box, sensor, moment, value, location in self.stored
            if (box, sensor) == (request.path_params["box"], request.path_params["sensor"]) and first < moment < last
        ]
        rows.sort(key=lambda row: -int(row["createdAt"]))
        return JSONResponse([{**row, "createdAt": _zulu(row["createdAt"])} for row in rows[:10_000]])


def _zulu(moment: int) -> str:
    text = datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"code": code, "message": message}, status_code=status)


def main() -> int:
    parser = argparse.ArgumentParser(description="A strict stand-in for openSenseMap.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--boxes", type=json.loads, required=True)
    options = parser.parse_args()
    app = OpenSenseMapServer(options.boxes).app()
    uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="warning", access_log=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
