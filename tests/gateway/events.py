"""For the tests of targets that get events: a log whose readings are of now, and an outbox that is turned by hand."""

import asyncio
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bordstein_gateway.config.config import Config, Device, Gateway, Mqtt
from bordstein_gateway.config.types import Forward
from bordstein_gateway.forward import trial
from bordstein_gateway.forward.events import EventTarget
from bordstein_gateway.forward.outbox import Outbox
from bordstein_gateway.forward.schedule import Schedule
from bordstein_gateway.forward.starting import build
from bordstein_gateway.store import Store
from tests.gateway.loopback import Log, turned
from tests.street.processes import until

NAME = "desk"
BIN = "24a160000001"
OTHER = "24a160000002"
PLACES = {BIN: ("Marktplatz 7", 53.5511, 9.9937), OTHER: ("Am Hafen 2", 53.5611, 9.9837)}


class Bins(Log):
    """A log of waste bins. Their values are a minute apart and end now, so that each is new enough to be reported."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.now = int(time.time()) * 1000 - 3_000_000

    def fill(self, values: Iterable[Any], *, device: str = BIN, **options: Any) -> None:
        """The next fill levels, a minute apart."""
        values = list(values)
        options = {"series": "bin/fill_level", "unit": "/", "start": self.now, "step": 60_000, **options}
        self.add(values, device=device, **options)
        self.now += 60_000 * len(values)


def config() -> Config:
    """A gateway in a town with two bins."""
    devices = [Device(id=id, name=name, latitude=lat, longitude=long) for id, (name, lat, long) in PLACES.items()]
    return Config(gateway=Gateway(name="musterstadt"), mqtt=Mqtt(host="localhost"), devices=devices)


def break_off(log: Log, settings: Forward, reached: Callable[[], object]) -> None:
    """A gateway that is killed in mid-request, once `reached` says that the other side has begun."""

    async def turn() -> None:
        sending = asyncio.create_task(outbox(log, settings).turn())
        assert await asyncio.to_thread(until, reached, 20)
        sending.cancel()

    asyncio.run(turn())


def outbox(log: Log, settings: Forward) -> Outbox:
    """As after a start of the gateway, but for the pauses."""
    target = build(NAME, settings, config(), log.store)
    schedule = Schedule(NAME, settings, log.store, jitter=lambda: 0.0)
    return Outbox(NAME, settings, log.store, target, schedule=schedule, aside_pause=0.0, settle=0.0)


def deliver(log: Log, settings: Forward) -> list[str]:
    """All there is, by an outbox of its own; the troubles on the way."""

    async def run() -> list[str]:
        box = outbox(log, settings)
        try:
            return await turned(box)
        finally:
            await box._target.close()

    return asyncio.run(run())


def target(box: Outbox) -> EventTarget:
    """What the outbox sends to."""
    found = box._target
    assert isinstance(found, EventTarget)
    return found


def tried(folder: Path, settings: Forward) -> str:
    """What a trial says."""

    async def run() -> str:
        store = Store.open(folder / "passing.sqlite")
        found = build(NAME, settings, trial.configured(config()), store)
        try:
            return await found.trial()
        finally:
            await found.close()
            store.close()

    return asyncio.run(run())
