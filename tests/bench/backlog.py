"""A backlog is drained while boards go on reporting: readings a second, and how old live ones get on the way.

    python -m tests.bench.backlog [--readings 1000000] [--kinds webhook,mqtt,sensorthings] [--rate N]

Outbox and store are those of the gateway, the store on disk with a writer's thread as in the service. The receivers
(targets.py) keep nothing that grows with the readings. A live reading's age ends when the target has acknowledged it.
"""

import argparse
import asyncio
import contextlib
import json
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bordstein_gateway import log
from bordstein_gateway.config.config import Config
from bordstein_gateway.decode.normalise import Reading
from bordstein_gateway.forward.outbox import Outbox
from bordstein_gateway.forward.starting import target
from bordstein_gateway.forward.target import Refused, Target
from bordstein_gateway.store import Store
from bordstein_gateway.store.types import StoredReading
from tests.bench import targets

READINGS = 60_000
"""Of each kind in `make bench`; a million takes minutes."""
DEVICES = 500
PACK = 100
LIVE_EACH_S = 0.2
KINDS = ("webhook", "mqtt", "sensorthings")


class Timed:
    """A target, and how old live readings were when it had acknowledged them."""

    def __init__(self, target: Target) -> None:
        self.keeps_history = target.keeps_history
        self._target = target
        self.there, self.trial, self.close = target.there, target.trial, target.close
        self.live: set[int] = set()
        self.worst = 0.0

    async def send(self, batch: Sequence[StoredReading]) -> list[Refused]:
        refused = await self._target.send(batch)
        if refused:
            raise RuntimeError(refused[0].reason)
        now = time.time()
        for row in batch:
            if row.series.startswith("live/"):
                self.live.add(row.id)
                self.worst = max(self.worst, now - row.time / 1000)
        return refused


class Writer(threading.Thread):
    """As the ingest thread: live readings, if there are any, and what others have submitted, in group commits."""

    def __init__(self, store: Store, live: bool) -> None:
        super().__init__(daemon=True)
        self._live = live
        self.written = 0
        self._store = store
        self._wake = threading.Event()
        self._end = False
        store.attach(self._wake.set)

    def run(self) -> None:
        due = time.monotonic()
        while not self._end:
            self._wake.wait(max(0.0, min(LIVE_EACH_S, due - time.monotonic())) if self._live else LIVE_EACH_S)
            self._wake.clear()
            arrivals = []
            if self._live and time.monotonic() >= due:
                due += LIVE_EACH_S
                now = int(time.time() * 1000)
                readings = [Reading("live/air_temperature", now, 8.5, "Cel", 0)]
                arrivals = [targets.arrival(1, readings, 10**6 + self.written)]
                self.written += 1
            if arrivals or self._store.jobs_waiting():
                self._store.write(arrivals)

    def end(self) -> None:
        self._end = True
        self.join()
        self._store.detach()


class Delivered(NamedTuple):
    """What it took until the target had all: seconds, and those of this process's processor."""

    seconds: float
    cpu: float


async def drain(outbox: Outbox, count: int) -> Delivered:
    """Until so many readings are with the target. RuntimeError: it does not take them."""
    begun, used = time.monotonic(), time.process_time()
    running = asyncio.create_task(outbox.run())
    try:
        while outbox.status.sent < count:
            if running.done():
                running.result()
            if outbox.status.trouble:
                raise RuntimeError(outbox.status.trouble)
            await asyncio.sleep(0.05)
        return Delivered(time.monotonic() - begun, time.process_time() - used)
    finally:
        outbox.stop()
        await running


def deliver(kind: str, config: Config, store: Store, count: int, *, live: bool) -> tuple[Delivered, Timed, Writer]:
    """As after a start of the gateway, with its writer beside it."""
    timed = Timed(target(kind, config, store))
    writer = Writer(store, live)
    writer.start()
    try:
        delivered = asyncio.run(drain(Outbox(kind, config.forward[kind], store, timed), count))
    finally:
        writer.end()
    return delivered, timed, writer


def measure(kind: str, count: int, rate: int = 0) -> list[dict[str, Any]]:
    """The figures of one kind."""
    with (
        tempfile.TemporaryDirectory() as place,
        contextlib.closing(Store.open(Path(place) / "bordstein.sqlite")) as store,
    ):
        backlog = targets.fill(store, count, devices=DEVICES, pack=PACK)
        with targets.receiver(kind, Path(place), DEVICES) as section:
            config = targets.config(kind, {**section, "backfill_rate": rate}, Path(place), DEVICES)
            time.sleep(3.5)  # a backlog is one once it is some seconds old
            took, timed, writer = deliver(kind, config, store, backlog, live=True)
    if len(timed.live) < writer.written - 2 / LIVE_EACH_S:
        raise RuntimeError(f"{kind}: {len(timed.live)} of {writer.written} live readings were sent")
    return [
        {"name": f"forward.{kind}.backlog_readings_per_s", "value": round(backlog / took.seconds), "unit": "1/s"},
        {"name": f"forward.{kind}.live_age_s_worst", "value": round(timed.worst, 2), "unit": "s"},
    ]


def run(count: int = READINGS, kinds: Sequence[str] = KINDS, rate: int = 0) -> Iterator[dict[str, Any]]:
    """All figures."""
    log.setup("warning", "console")
    for kind in kinds:
        yield from measure(kind, count, rate)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--readings", type=int, default=READINGS)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--rate", type=int, default=0)
    arguments = parser.parse_args()
    for figure in run(arguments.readings, arguments.kinds.split(","), arguments.rate):
        print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main()
