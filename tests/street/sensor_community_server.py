"""A strict stand-in for sensor.community's way in: what it takes is stamped with the time at which it comes.

It knows which sensor has which pins and which value types belong to a pin; anything else is refused. `fault`: hang,
after (takes it, answers 500), before (answers 500), busy (429), gateway (takes it, answers 502).

    python -m tests.street.sensor_community_server --port 18080 --pins '{"esp32-1": ["11"]}'
"""

import argparse
import asyncio
import json
import sys
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

PATH = "/v1/push-sensor-data/"
_PARTICLES = {"P0", "P1", "P2", "P4"}
TYPES = {
    "1": _PARTICLES,
    "3": {"temperature", "pressure"},
    "5": _PARTICLES,
    "7": {"temperature", "humidity"},
    "11": {"temperature", "humidity", "pressure"},
    "13": {"temperature"},
    "15": {"noise_LAeq", "noise_LA_min", "noise_LA_max"},
    "17": {"temperature", "humidity", "co2_ppm"},
}


class SensorCommunityServer:
    """An ASGI application. `pins`: sensor -> its pins. `requests`: what was taken, each (sensor, pin, values)."""

    def __init__(self, pins: dict[str, set[str]]) -> None:
        self.pins = pins
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.fault: str | None = None
        self.faults = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await (await self._answer(Request(scope, receive)))(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.url.path != PATH:
            return _detail(404, "Not found.")
        if request.method != "POST":
            return _detail(405, "Method not allowed.")
        sensor, pin = request.headers.get("x-sensor", ""), request.headers.get("x-pin", "-")
        if pin not in self.pins.get(sensor, set()):
            return _detail(403, "Sensor not found in database.")
        try:
            body = json.loads(await request.body())
            values = {entry["value_type"]: entry["value"] for entry in body["sensordatavalues"]}
            if not body["software_version"] or len(values) != len(body["sensordatavalues"]):
                raise ValueError("a value twice")
            for kind, value in values.items():
                if kind not in TYPES[pin] or not isinstance(value, str):
                    raise ValueError(f"{kind} is not for pin {pin}")
                float(value)
        except (KeyError, TypeError, ValueError) as error:
            return _detail(400, str(error))
        if self.fault in ("before", "busy"):
            self.faults += 1
            return _detail(500 if self.fault == "before" else 429, "not now")
        if values:
            self.requests.append((sensor, pin, values))
        if self.fault in ("after", "gateway"):
            self.faults += 1
            return _detail(500 if self.fault == "after" else 502, "internal error")
        if self.fault == "hang":
            self.faults += 1
            while not await request.is_disconnected():
                await asyncio.sleep(0.05)
        return JSONResponse({"id": len(self.requests)}, status_code=201)


def _detail(status: int, text: str) -> Response:
    return JSONResponse({"detail": text}, status_code=status)


def main() -> int:
    parser = argparse.ArgumentParser(description="A strict stand-in for sensor.community's way in.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pins", type=json.loads, required=True)
    options = parser.parse_args()
    app = SensorCommunityServer({sensor: set(pins) for sensor, pins in options.pins.items()})
    uvicorn.run(app, host="127.0.0.1", port=options.port, lifespan="off", log_level="warning", access_log=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
