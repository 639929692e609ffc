"""What tests of the way out need: a server in a thread of their own process, and a store with readings in it."""

import threading
from collections.abc import Iterable
from typing import Any

import pytest
import uvicorn

from bordstein_gateway.decode.normalise import Pack, Reading
from bordstein_gateway.forward.outbox import Outbox
from bordstein_gateway.forward.target import Retry
from bordstein_gateway.store import Arrival, Outcome, Store, Where
from tests.street.processes import free_port, until

SECOND = 1000
ON_BOTH = pytest.mark.parametrize("log", ["sqlite", "postgresql"], indirect=True)
"""A test of what is kept runs on both databases."""
START = 1_795_521_600_000  # 2026-11-24T12:00:00Z


class Loopback:
    """An ASGI application on 127.0.0.1. start() after stop() takes the same port again, with the same application."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def settings(self) -> uvicorn.Config:
        return uvicorn.Config(self.app, port=self.port, log_config=None, lifespan="off", timeout_graceful_shutdown=1)

    def start(self) -> None:
        self._server = uvicorn.Server(self.settings())
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        assert until(lambda: self._server.started or not self._thread.is_alive(), 20)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)

    def __enter__(self) -> "Loopback":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Switch:
    """An ASGI application in whose place another one can be put while its server runs: starting one takes long."""

    def __init__(self) -> None:
        self.app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


class Log:
    """A store on disk, with boards that report to it."""

    def __init__(self, path: Where) -> None:
        self.path = path
        self.store = Store.open(path)
        self._seq = 0

    def add(
        self,
        values: Iterable[Any],
        *,
        device: str = "24a160000001",
        series: str = "air/air_temperature",
        unit: str = "Cel",
        start: int = START,
        step: int = SECOND,
        flags: int = 0,
    ) -> int:
        """One pack with these values, a step apart; how many readings it has."""
        readings = [Reading(series, start + number * step, value, unit, flags) for number, value in enumerate(values)]
        pack = Pack(device, 1, self._seq, False, "set", readings)
        self._seq += 1
        (outcome,) = self.store.write([Arrival(device, f"bordstein/v1/{device}/readings", b"", pack)])
        assert outcome is Outcome.NEW
        return len(readings)

    def reopen(self) -> Store:
        """As after a restart of the gateway."""
        self.store.close()
        self.store = Store.open(self.path)
        return self.store


async def turned(box: Outbox, most: int = 200) -> list[str]:
    """Turns until there is nothing left to do, or four of them failed; why."""
    troubles: list[str] = []
    for _ in range(most):
        try:
            if not await box.turn():
                return troubles
        except Retry as trouble:
            troubles.append(str(trouble))
            if len(troubles) > 3:
                return troubles
    raise AssertionError("never done")
