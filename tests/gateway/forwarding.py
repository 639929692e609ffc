"""For the forwarders' tests: a store with readings, a receiving server, and an outbox between them."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from bordstein_gateway.config.config import AnyForward, Config, Device, Gateway, Mqtt
from bordstein_gateway.config.types import Forward
from bordstein_gateway.decode import normalise
from bordstein_gateway.forward.outbox import Outbox
from bordstein_gateway.forward.starting import start
from bordstein_gateway.forward.target import Retry
from bordstein_gateway.store import Arrival, Store
from tests.street.account import Key, Value
from tests.street.receivers import Receiver

DEVICE = "24a160000001"
BASE = 1_790_000_000


def measure(
    store: Store, count: int, *, device: str = DEVICE, first: int = 0, series: str = "air/air_temperature"
) -> None:
    """Puts `count` readings of a series into the store, one a second, through the decoder."""
    name = normalise.device_name(device)
    arrivals = []
    for number in range(first, first + count):
        payload = (
            f'[{{"bn":"{name}","bt":{BASE + number},"n":"boot","v":1}},{{"n":"seq","v":{number}}},'
            f'{{"n":"{series}","u":"Cel","v":{number % 40}.5}}]'
        ).encode()
        topic = f"bordstein/v1/{device}/readings"
        arrivals.append(Arrival(device, topic, payload, normalise.pack(device, payload, time.time())))
    store.write(arrivals)


def stored(store: Store) -> dict[Key, Value]:
    """What a target has to hold in the end."""
    return {(row.device, row.series, row.time): row.value for row in store.readings_after(0, 100_000)}


def configuration(receiver: Receiver, folder: Path, **options: Any) -> Config:
    """A gateway's configuration with this receiver as its only target."""
    section = {**receiver.section(), "timeout": receiver.patience, **options}
    return Config(
        gateway=Gateway(data=str(folder)),
        mqtt=Mqtt(host="localhost"),
        devices=[Device(id=DEVICE, name="Marktplatz 7", latitude=53.5, longitude=10.0)],
        forward={receiver.name: msgspec.convert(section, AnyForward)},
    )


def outbox(receiver: Receiver, store: Store, folder: Path, **options: Any) -> Outbox:
    """A new outbox, as after a start of the gateway."""
    (one,) = start(configuration(receiver, folder, **options), store)
    return one


def deliver(box: Outbox, *, most: int = 200) -> list[Retry]:
    """Turns until there is nothing left to do; the failures on the way. Pauses between tries are left out."""

    async def turns() -> list[Retry]:
        failures = []
        for _ in range(most):
            try:
                if not await box.turn():
                    break
            except Retry as failure:
                failures.append(failure)
        else:
            raise AssertionError(f"not through after {most} turns: {failures[-1:]}")
        return failures

    return asyncio.run(turns())


def one_failure(box: Outbox) -> Retry:
    """The failure that the next turn meets."""

    async def turn() -> Retry:
        try:
            await box.turn()
        except Retry as failure:
            return failure
        finally:
            await box._target.close()
        raise AssertionError("the target took it")

    return asyncio.run(turn())


def same(receiver: Receiver, store: Store) -> None:
    """Each stored reading is at the target exactly once, with its value."""
    arrived = receiver.arrived()
    wanted = stored(store)
    assert len(arrived) == len(dict(arrived)), "doubled"
    assert dict(arrived) == wanted


def drain(
    name: str, store: Store, settings: Forward, make: Callable[[], Any], between: Callable[[], None] = lambda: None
) -> list[str]:
    """As after a start of the gateway: turns of a new outbox with the target made by `make` until nothing is left to
    do; the troubles on the way, three at most. `between`: called after each turn."""

    async def turns() -> list[str]:
        target, troubles = make(), []
        box = Outbox(name, settings, store, target, aside_pause=0.0, settle=0.0)
        try:
            while len(troubles) < 3:
                try:
                    if not await box.turn():
                        break
                except Retry as trouble:
                    troubles.append(str(trouble))
                between()
        finally:
            await target.close()
        return troubles

    return asyncio.run(turns())
