"""When a target is tried again."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bordstein_gateway.config.config import SensorThings
from bordstein_gateway.forward import schedule
from bordstein_gateway.forward.outbox import START_SETTLE_S, Outbox
from bordstein_gateway.forward.schedule import LONGEST_PAUSE_S, LONGEST_WAIT_S, Schedule
from bordstein_gateway.forward.sensorthings.target import SensorThingsTarget
from bordstein_gateway.forward.target import Retry
from bordstein_gateway.texts import both, said
from tests.gateway.loopback import Log, Loopback
from tests.street.sensorthings_server import ROOT, Server

SETTINGS = SensorThings(url="http://127.0.0.1:9/v1.1")


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path / "store.sqlite")
    yield log
    log.store.close()


def make(log: Log, clock: Clock, settings: SensorThings = SETTINGS, **more: Any) -> Schedule:
    return Schedule("x", settings, log.store, jitter=lambda: 1.0, clock=clock, **more)


async def failures(schedule: Schedule, count: int) -> list[float]:
    return [await schedule.failed("down", 0.0) for _ in range(count)]


def test_pauses_grow_up_to_a_limit_and_are_short_again_after_a_success(log: Log) -> None:
    async def play() -> None:
        plan = make(log, Clock())
        pauses = await failures(plan, 12)
        assert pauses[:4] == [1.0, 2.0, 4.0, 8.0]
        assert pauses[-1] == LONGEST_PAUSE_S
        await plan.succeeded()
        assert await failures(plan, 1) == [1.0]

    asyncio.run(play())


def test_jitter_spreads_the_pauses() -> None:
    random.seed(1)
    assert len({schedule.jitter() for _ in range(100)}) == 100
    assert all(0.5 <= schedule.jitter() <= 1.0 for _ in range(1000))


def test_the_rest_of_a_pause_outlives_a_restart_with_its_reason(log: Log) -> None:
    async def play() -> None:
        clock = Clock()
        await failures(make(log, clock), 5)  # the last pause is 16 s
        clock.now += 6
        log.reopen()
        plan = make(log, clock)
        assert await plan.load() == (10.0, "down")
        assert await failures(plan, 1) == [32.0]
        await plan.succeeded()
        assert await make(log, clock).load() == (0.0, "")

    asyncio.run(play())


def test_changed_settings_are_tried_at_once(log: Log) -> None:
    async def play() -> None:
        clock = Clock()
        await failures(make(log, clock), 5)
        assert await make(log, clock, SensorThings(url="http://127.0.0.1:10/v1.1")).load() == (0.0, "")

    asyncio.run(play())


def test_the_reason_is_kept_in_both_languages(log: Log) -> None:
    async def play() -> str:
        await make(log, Clock()).failed(both("Das Ziel ist weg.", "The target is away."), 0.0)
        return (await make(log, Clock()).load())[1]

    reason = asyncio.run(play())
    assert [said(reason, lang) for lang in ("de", "en")] == ["Das Ziel ist weg.", "The target is away."]


def test_a_clock_set_back_means_no_endless_wait(log: Log) -> None:
    async def play() -> None:
        clock = Clock()
        await failures(make(log, clock), 1)
        clock.now -= 1e9
        assert (await make(log, clock).load())[0] == LONGEST_WAIT_S

    asyncio.run(play())


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (Retry("busy", wait=77.0), 77.0),
        (Retry("no answer", unclear=True), 30.0),
        (Retry("down"), 1.0),
    ],
)
def test_the_targets_wish_and_the_request_that_may_still_run_lengthen_the_pause(
    log: Log, failure: Retry, expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> float:
        target = SensorThingsTarget("x", SETTINGS, [], log.store)
        box = Outbox("x", SETTINGS, log.store, target, schedule=make(log, Clock()))

        async def fail() -> bool:
            raise failure

        monkeypatch.setattr(box, "turn", fail)
        assert await box._step() == 0.0  # the begin
        return await box._step()

    assert asyncio.run(play()) == expected


def test_retry_after_of_a_busy_server_is_heard(log: Log) -> None:
    log.add([1.0])
    server = Server()
    with Loopback(server.app()) as host:
        settings = SensorThings(url=host.url + ROOT)
        server.fault = "busy"

        async def play() -> None:
            box = Outbox("x", settings, log.store, SensorThingsTarget("x", settings, [], log.store))
            with pytest.raises(Retry) as failure:
                await box.turn()
            assert failure.value.wait == 1.0

        asyncio.run(play())


def test_after_a_restart_in_mid_request_the_target_gets_a_moment_before_the_look(log: Log) -> None:
    async def begin() -> float:
        target = SensorThingsTarget("x", SETTINGS, [], log.store)
        return await Outbox("x", SETTINGS, log.store, target, schedule=make(log, Clock()))._step()

    assert asyncio.run(begin()) == 0.0
    log.store.place_set(log.store.place_get("x")._replace(pending_to=3)).result()
    assert asyncio.run(begin()) == START_SETTLE_S
