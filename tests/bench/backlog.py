"""A backlog is drained while boards go on reporting: readings a second, and how old live ones get on the way.

    python -m tests.bench.backlog [--readings 1000000] [--kinds webhook,mqtt,sensorthings] [--rate N]

Outbox and store are those of the gateway, the store on disk with a writer's thread as in the service. The webhook is
taken by a server that only counts (sink.py), MQTT by a real Mosquitto, SensorThings by the strict stand-in, which is
the slowest of all here. A live reading's age ends when the target has acknowledged it.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bordstein_gateway import log
from bordstein_gateway.config import AnyForward, Config, Gateway, Mqtt
from bordstein_gateway.forward.outbox import Outbox
from bordstein_gateway.forward.starting import build
from bordstein_gateway.forward.target import Refused, Target
from bordstein_gateway.normalise import Pack, Reading
from bordstein_gateway.store import Arrival, Store
from bordstein_gateway.store.types import StoredReading
from tests.bench.gateway import _Broker
from tests.street.processes import Process, free_port
from tests.street.receivers import SensorThings

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
    """As the ingest thread: live readings, and what others have submitted, in group commits."""

    def __init__(self, store: Store) -> None:
        super().__init__(daemon=True)
        self.written = 0
        self._store = store
        self._wake = threading.Event()
        self._end = False
        store.attach(self._wake.set)

    def run(self) -> None:
        due = time.monotonic()
        while not self._end:
            self._wake.wait(max(0.0, min(LIVE_EACH_S, due - time.monotonic())))
            self._wake.clear()
            arrivals = []
            if time.monotonic() >= due:
                due += LIVE_EACH_S
                now = int(time.time() * 1000)
                arrivals = [_arrival(1, [Reading("live/air_temperature", now, 8.5, "Cel", 0)], 10**6 + self.written)]
                self.written += 1
            if arrivals or self._store.jobs_waiting():
                self._store.write(arrivals)

    def end(self) -> None:
        self._end = True
        self.join()
        self._store.detach()


def _arrival(number: int, readings: list[Reading], seq: int) -> Arrival:
    device = f"24a1600{number:05x}"
    return Arrival(device, f"bordstein/v1/{device}/readings", b"", Pack(device, 1, seq, False, "set", readings))


def fill(store: Store, count: int) -> None:
    """Boards that have reported each second until now."""
    start = int(time.time()) * 1000 - count // DEVICES * 1000 - 60_000
    packs = [(number, seq) for seq in range(count // DEVICES // PACK) for number in range(DEVICES)]
    for first in range(0, len(packs), 50):
        store.write(
            [
                _arrival(
                    number,
                    [
                        Reading("air/air_temperature", start + (seq * PACK + n) * 1000, 8.1 + n / 100, "Cel", 0)
                        for n in range(PACK)
                    ],
                    seq,
                )
                for number, seq in packs[first : first + 50]
            ]
        )


@contextlib.contextmanager
def _receiver(kind: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Its [forward.…] section."""
    if kind == "mqtt":
        with _Broker(folder) as broker:
            yield {"kind": "mqtt", "broker": {"host": "127.0.0.1", "port": broker.port, "tls": False}}
    elif kind == "sensorthings":
        with SensorThings(folder) as server:
            yield {**server.section(), "timeout": 30}
    else:
        port = free_port()
        sink = Process("sink", [sys.executable, "-m", "tests.bench.sink", port], folder / "sink.log")
        with sink:
            sink.wait_ready(lambda: "ready" in sink.tail(), 20)
            yield {"kind": "webhook", "url": f"http://127.0.0.1:{port}/", "newest_first": True}


async def _drain(outbox: Outbox, backlog: int) -> float:
    """Seconds until no back-fill is left."""
    begun = time.monotonic()
    running = asyncio.create_task(outbox.run())
    while outbox.status.sent < backlog:
        if running.done():
            running.result()
        if outbox.status.trouble:
            raise RuntimeError(outbox.status.trouble)
        await asyncio.sleep(0.1)
    took = time.monotonic() - begun
    outbox.stop()
    await running
    return took


def measure(kind: str, count: int, rate: int = 0) -> list[dict[str, Any]]:
    """The figures of one kind."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        store = Store.open(folder / "bordstein.sqlite")
        fill(store, count)
        backlog = store.newest_id()
        with _receiver(kind, folder) as section:
            settings = msgspec.convert({**section, "backfill_rate": rate}, AnyForward)
            config = Config(gateway=Gateway(data=place), mqtt=Mqtt(host="localhost"), forward={kind: settings})
            timed = Timed(build(kind, settings, config, store))
            writer = Writer(store)
            time.sleep(3.5)  # a backlog is one once it is some seconds old
            writer.start()
            took = asyncio.run(_drain(Outbox(kind, settings, store, timed), backlog))
            writer.end()
        store.close()
    if len(timed.live) < writer.written - 2 / LIVE_EACH_S:
        raise RuntimeError(f"{kind}: {len(timed.live)} of {writer.written} live readings were sent")
    return [
        {"name": f"forward.{kind}.backlog_readings_per_s", "value": round(backlog / took), "unit": "1/s"},
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
