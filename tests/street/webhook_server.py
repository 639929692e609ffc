"""Receives CloudEvents, in batches or one by one, and checks them: signature, each event by the CloudEvents SDK, ids.

    python -m tests.street.webhook_server --port 18081 --secret-file FILE

`POST /_control {"fault": "hang"|"after"|"before"|"busy"|null}` makes it misbehave. `/_stats` counts; `/_dump` gives one
row for each different event: [device, series, milliseconds, value]. As CloudEvents asks of a receiver, events of the
same source and id are one event; two ids for the same reading are not, and stand there twice.
"""

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import re
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import uvicorn
from cloudevents.core.exceptions import BaseCloudEventException
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_FORMS: dict[str, type] = {"application/cloudevents-batch+json": list, "application/cloudevents+json": dict}
FAULTS = ("hang", "after", "before", "busy")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


class Receiver:
    """State and handlers."""

    def __init__(self, secret: bytes | None) -> None:
        self.secret = secret
        self.events: dict[tuple[str, str], dict[str, Any]] = {}
        self.devices: Counter[str] = Counter()
        self.repeated = self.refused = self.faults = 0
        self.fault: str | None = None

    def app(self) -> Starlette:
        """The application."""
        return Starlette(
            routes=[
                Route("/events", self.take, methods=["POST"]),
                Route("/_control", self.control, methods=["POST"]),
                Route("/_stats", self.stats),
                Route("/_dump", self.dump),
            ]
        )

    async def control(self, request: Request) -> Response:
        fault = (await request.json())["fault"]
        if fault is not None and fault not in FAULTS:
            return JSONResponse({"message": f"fault: one of {', '.join(FAULTS)}"}, status_code=400)
        self.fault = fault
        return Response(status_code=204)

    async def stats(self, _: Request) -> Response:
        return JSONResponse(
            {
                "events": len(self.events),
                "devices": self.devices,
                "repeated": self.repeated,
                "refused": self.refused,
                "faults": self.faults,
            }
        )

    async def dump(self, _: Request) -> Response:
        rows = []
        for event in self.events.values():
            device, _, series = event["subject"].partition("/")
            time = round(datetime.fromisoformat(event["time"]).timestamp() * 1000)
            rows.append([device, series, time, event["data"].get("value")])
        return JSONResponse(rows)

    async def take(self, request: Request) -> Response:
        content = await request.body()
        problem = self._problem(request, content)
        if problem:
            self.refused += 1
            return JSONResponse({"message": problem}, status_code=401 if "signature" in problem else 400)
        if self.fault in ("before", "busy"):
            self.faults += 1
            status = 503 if self.fault == "before" else 429
            return JSONResponse({"message": "not now"}, status_code=status, headers={"retry-after": "1"})
        for event in _events(json.loads(content)):
            key = (event["source"], event["id"])
            if key in self.events:
                self.repeated += 1
                continue
            self.events[key] = event
            self.devices[event["subject"].partition("/")[0]] += 1
        if self.fault == "after":
            self.faults += 1
            return JSONResponse({"message": "internal error"}, status_code=500)
        if self.fault == "hang":
            self.faults += 1
            while not await request.is_disconnected():
                await asyncio.sleep(0.1)
        return Response(status_code=202)

    def _problem(self, request: Request, content: bytes) -> str | None:
        if self.secret is not None:
            headers = request.headers
            signed = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + content
            right = "v1," + base64.b64encode(hmac.new(self.secret, signed, hashlib.sha256).digest()).decode()
            if not hmac.compare_digest(right, headers.get("webhook-signature", "")):
                return "the signature is wrong or missing"
        kind = request.headers.get("content-type", "").partition(";")[0]
        if kind not in _FORMS:
            return f"content-type: {' or '.join(_FORMS)} is expected"
        try:
            events = json.loads(content)
        except ValueError:
            return "the body is no JSON"
        if not isinstance(events, _FORMS[kind]):
            return f"the body is no {_FORMS[kind].__name__}"
        for event in _events(events):
            # The SDK makes an id of its own where there is none.
            if not isinstance(event, dict) or not event.get("id"):
                return "an event has no id"
            try:
                JSONFormat().read(CloudEvent, json.dumps(event))
            except (BaseCloudEventException, ValueError, TypeError) as error:
                return f"an event is none: {error}"
            if event.get("specversion") != "1.0" or not _TIME.fullmatch(event.get("time", "")):
                return "an event's specversion or time is wrong"
        return None


def _events(content: Any) -> list[Any]:
    return content if isinstance(content, list) else [content]


def main() -> int:
    parser = argparse.ArgumentParser(description="Receives signed CloudEvents.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--secret-file", type=Path)
    options = parser.parse_args()
    secret = options.secret_file.read_text().strip().encode() if options.secret_file else None
    uvicorn.run(Receiver(secret).app(), host="127.0.0.1", port=options.port, log_level="warning", access_log=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
