"""Readings a second that reach a target of each kind, and what that takes of the gateway's processor.

    python -m tests.bench.forward [--readings N] [--kinds sensorthings,ngsi-ld,…]

In log order, by the gateway's outbox, from a store on disk with a writer's thread as in the service. The target has
every board's first reading before the clock starts, so that what is made once (entities, tables) is not in it.
"""

import argparse
import contextlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bordstein_gateway import log
from bordstein_gateway.store import Store
from tests.bench import targets
from tests.bench.backlog import deliver

READINGS = 20_000
SINGLE = 2_000
"""Of kinds that need a request for each reading, or several for an event."""
DEVICES = 100


def measure(kind: str, count: int | None = None, devices: int = DEVICES) -> list[dict[str, Any]]:
    """The figures of one kind."""
    single = kind in (*targets.EVENTS, "sensor-community")
    count = count or (SINGLE if single else READINGS)
    series = targets.BIN if kind in targets.EVENTS else targets.AIR
    with (
        tempfile.TemporaryDirectory() as place,
        contextlib.closing(Store.open(Path(place) / "bordstein.sqlite")) as store,
    ):
        first = targets.fill(store, devices, series, devices=devices, until_s=120 + count // devices)
        with targets.receiver(kind, Path(place), devices) as section:
            newest = {} if kind in targets.EVENTS else {"newest_first": False}
            config = targets.config(kind, {**section, **newest}, Path(place), devices)
            deliver(kind, config, store, first, live=False)
            rest = targets.fill(store, count, series, devices=devices, first_seq=1)
            took, _, _ = deliver(kind, config, store, rest, live=False)
    cpu = took.cpu / rest * 1e6
    return [
        {"name": f"forward.{kind}.readings_per_s", "value": round(rest / took.seconds), "unit": "1/s"},
        {"name": f"forward.{kind}.cpu_s_per_million_readings", "value": round(cpu, 1), "unit": "s"},
    ]


def run(count: int | None = None, kinds: Sequence[str] = targets.KINDS) -> Iterator[dict[str, Any]]:
    """All figures."""
    log.setup("warning", "console")
    for kind in kinds:
        yield from measure(kind, count)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--readings", type=int, help="of each kind")
    parser.add_argument("--kinds", default=",".join(targets.KINDS))
    arguments = parser.parse_args()
    for figure in run(arguments.readings, arguments.kinds.split(",")):
        print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main()
