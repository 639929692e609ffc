"""Rules on a live stream: 10,000 objects, 20 rules, each reading looked at by every one of them."""

import asyncio
import gc
import logging
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import structlog

from bordstein_gateway.cases.cases import Cases, InForce
from bordstein_gateway.config import config
from bordstein_gateway.decode.normalise import Pack, Reading
from bordstein_gateway.rules.live import Live
from bordstein_gateway.rules.shelf import Shelf
from bordstein_gateway.rules.verdict import Verdict
from bordstein_gateway.store import Arrival, Store
from bordstein_gateway.store.connection import Connection

OBJECTS, RULES, ROUNDS = 10_000, 20, 3
LIVE_S, LIVE_AT_ONCE, LIVE_PAUSE_S = 20.0, 20, 0.1
"""A live stream of 200 readings a second: 10,000 boards that report every 50 seconds."""
_CONDITIONS = (
    'fires = "fill >= {level}"\nclears = "fill < 0.5"',
    'fires = "fill >= {level}"\nfor = "30m"',
    'fires = "fill >= {level}"\nsamples = {{ n = 2, m = 3 }}',
    'fires = "fill >= {level} && mean > 0.4"\nclears = "fill < 0.5"',
    'fires = "fill >= {level}"\ncooldown = "6h"\nseason = "01-01..12-31"',
)
_SHEET = """\
name = "rule-{number}"
title = "Rule {number}"
why = "measured"
owner = "depot"
deputy = "depot"
legal_basis = "none"
review = 2099-01-01
[signal.fill]
property = "fill_level"
max_age = "1d"
{signal}
[condition]
{condition}
[[step]]
id = "go"
title = "Go"
"""
_MEAN = '[signal.mean]\nproperty = "fill_level"\ntake = "mean"\nlast = 5\nmax_age = "1d"\n'


class _Timed(Cases):
    """Cases that also note how long it took from a reading's commit to its verdict."""

    def apply(self, connection: Connection, verdict: Verdict, in_force: InForce, now: int) -> int | None:
        took.append(time.time() - verdict.time / 1000)
        return super().apply(connection, verdict, in_force, now)


took: list[float] = []


def run() -> Iterator[dict[str, Any]]:
    """All figures."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory() as folder:
        yield from _measured(Path(folder))


def _measured(folder: Path) -> Iterator[dict[str, Any]]:
    settings = msgspec.convert(
        {
            "gateway": {"data": str(folder)},
            "mqtt": {"host": "localhost", "tls": False},
            "desk": {"depot": {"title": "Bauhof"}},
        },
        config.Config,
    )
    settings.rules_path.mkdir()
    for number in range(RULES):
        condition = _CONDITIONS[number % len(_CONDITIONS)].format(level=0.8 + number / 1000)
        text = _SHEET.format(number=number, condition=condition, signal=_MEAN if "mean" in condition else "")
        (settings.rules_path / f"rule-{number}.toml").write_text(text)
    store = Store.open(folder / "store.sqlite")
    try:
        shelf = Shelf(settings, store)
        live = Live(settings, store, shelf, lambda: _Timed(settings, store, shelf))
        asyncio.run(_turned(live))
        before = _rss()
        _round(store, 0)  # makes the states
        asyncio.run(_turned(live))
        cpu = wall = 0.0
        for one in range(1, ROUNDS):
            _round(store, one)
            begin = time.process_time(), time.monotonic()
            asyncio.run(_turned(live))
            cpu += time.process_time() - begin[0]
            wall += time.monotonic() - begin[1]
        count = (ROUNDS - 1) * OBJECTS
        gc.collect()
        yield _figure("rules.readings_per_s", round(count / wall), "1/s")
        yield _figure("rules.cpu_s_per_million_evaluations", round(cpu * 1e6 / (count * RULES), 2), "s")
        yield _figure("rules.rss_mb", round(_rss() - before), "MB")
        took.clear()
        asyncio.run(_live(live, store))
        late = sorted(took)
        yield _figure("rules.verdicts_timed", len(late), "")
        yield _figure("rules.commit_to_verdict_ms_p50", round(late[len(late) // 2] * 1000), "ms")
        yield _figure("rules.commit_to_verdict_ms_p99", round(late[len(late) * 99 // 100] * 1000), "ms")
    finally:
        store.close()


def _figure(name: str, value: float, unit: str) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit}


def _round(store: Store, number: int) -> None:
    """Each board reports once; none is full."""
    for start in range(0, OBJECTS, 500):
        store.write([_arrival(board, number, 0.1 + (board + number) % 50 / 100) for board in range(start, start + 500)])


def _arrival(board: int, seq: int, value: float) -> Arrival:
    device = f"24a162{board:06x}"
    reading = Reading("bin/fill_level", int(time.time() * 1000), value, "/", 0)
    return Arrival(device, "", b"", Pack(device, 1, seq, False, "set", [reading]))


async def _turned(live: Live) -> None:
    while await live.turn():
        pass


async def _live(live: Live, store: Store) -> None:
    """A writer's thread as in the gateway; one reading in a hundred is of a bin that is full, or empty again."""
    stop = threading.Event()
    wake = threading.Event()

    def write() -> None:
        store.attach(wake.set)
        seq, due = ROUNDS, time.monotonic()
        board = 0
        while not stop.is_set():
            wake.wait(max(0.0, due - time.monotonic()))
            wake.clear()
            arrivals: list[Arrival] = []
            if time.monotonic() >= due:
                due += LIVE_PAUSE_S
                for _ in range(LIVE_AT_ONCE):
                    full = board % 100 == 0
                    arrivals.append(_arrival(board, seq, 0.95 if full and seq % 2 else 0.2))
                    board += 1
                    if board == OBJECTS:
                        board, seq = 0, seq + 1
            if arrivals or store.jobs_waiting():
                store.write(arrivals)
        store.detach()

    writer = threading.Thread(target=write)
    writer.start()
    running = asyncio.create_task(live.run())
    await asyncio.sleep(LIVE_S)
    live.stop()
    await running
    stop.set()
    wake.set()
    writer.join()


def _rss() -> float:
    """MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


if __name__ == "__main__":
    import json

    for figure in run():
        print(json.dumps(figure), flush=True)
