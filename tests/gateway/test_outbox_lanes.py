"""Newest first, the back-fill lane and pauses: nothing lost, nothing doubled, whenever the gateway is killed."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bordstein_gateway.config.config import SensorThings
from bordstein_gateway.forward import lanes
from bordstein_gateway.forward.delivery import Delivery
from bordstein_gateway.forward.outbox import Outbox
from bordstein_gateway.forward.schedule import Schedule
from bordstein_gateway.forward.target import Refused, Retry
from bordstein_gateway.store.types import StoredReading
from tests.gateway.loopback import ON_BOTH, SECOND, START, Log, Loopback
from tests.gateway.test_outbox import NAME, counts, drain, outbox, settings
from tests.street.sensorthings_server import Server

DEVICES = ("24a160000001", "24a160000002")


class Killed(BaseException):
    """As SIGKILL: nothing after it is done."""


class Steps:
    """Counts what has an effect outside the memory, and kills at one of them."""

    def __init__(self, last: int | None = None) -> None:
        self.last = last
        self.count = 0

    def step(self) -> None:
        self.count += 1
        if self.count == self.last:
            raise Killed


class Platform:
    """Keeps what it is sent, as often as it is sent."""

    def __init__(self, *, keeps_history: bool = True) -> None:
        self.keeps_history = keeps_history
        self.batches: list[list[StoredReading]] = []
        self.steps = Steps()
        self.down = False

    @property
    def ids(self) -> list[int]:
        return [row.id for batch in self.batches for row in batch]

    async def send(self, batch: Sequence[StoredReading]) -> list[Refused]:
        if self.down:
            raise Retry("down")
        self.steps.step()
        self.batches.append(list(batch))
        self.steps.step()
        return []

    async def there(self, batch: Sequence[StoredReading]) -> set[int]:
        return {row.id for row in batch} & set(self.ids)

    async def trial(self) -> str:
        return "took it"

    async def close(self) -> None: ...


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "JUMP_READINGS", 1)
    monkeypatch.setattr(lanes, "JUMP_AGE_S", 0.0)


def box(log: Log, target: Platform, **more: Any) -> Outbox:
    section = SensorThings(url="http://127.0.0.1:9/v1.1", **{"batch": 3, **more})
    schedule = Schedule(NAME, section, log.store, jitter=lambda: 0.0)
    return Outbox(NAME, section, log.store, target, schedule=schedule, aside_pause=0.0, settle=0.0)


async def through(outbox: Outbox) -> None:
    for _ in range(500):
        if not await outbox.turn():
            return
    raise AssertionError("never done")


def fill(log: Log, count: int = 10) -> int:
    for number in range(count):
        for device in DEVICES:
            log.add([float(number)], device=device, start=START + number * SECOND)
    return count * len(DEVICES)


@ON_BOTH
def test_what_is_new_goes_out_before_what_waits_and_all_of_it_once(log: Log) -> None:
    count = fill(log)
    platform = Platform()
    asyncio.run(through(box(log, platform)))
    assert sorted(platform.ids) == list(range(1, count + 1))
    assert platform.ids[:3] == [18, 19, 20]
    assert [batch[0].id for batch in platform.batches] == [18, 15, 12, 9, 6, 3, 1]  # blocks from the new end
    assert all([row.id for row in batch] == sorted(row.id for row in batch) for batch in platform.batches)
    assert log.store.backfills() == []


def test_in_order_where_newest_first_is_off_and_where_little_waits(log: Log) -> None:
    count = fill(log)
    platform = Platform()
    asyncio.run(through(box(log, platform, newest_first=False)))
    assert platform.ids == list(range(1, count + 1))
    log.add([1.0, 2.0, 3.0, 4.0], start=START + 60 * SECOND)
    asyncio.run(through(box(log, platform)))
    assert platform.ids == list(range(1, count + 5))


def test_killed_at_every_step_nothing_is_lost_and_nothing_doubled(tmp_path: Path) -> None:
    template = Log(tmp_path / "template.sqlite")
    count = fill(template, 4)
    template.store.close()
    kills = 0
    while True:
        kills += 1
        shutil.copy(template.path, tmp_path / f"{kills}.sqlite")
        log = Log(tmp_path / f"{kills}.sqlite")
        platform = Platform()
        steps = platform.steps = Steps(kills)
        submit = log.store.submit

        def stepping(job: Any, steps: Steps = steps, submit: Any = submit) -> Any:
            steps.step()
            future = submit(job)
            steps.step()
            return future

        log.store.submit = stepping  # type: ignore[method-assign]
        try:
            asyncio.run(through(box(log, platform, batch=2)))
        except Killed:
            platform.steps = Steps()
            log.reopen()
            asyncio.run(through(box(log, platform, batch=2)))
            assert sorted(platform.ids) == list(range(1, count + 1)), f"killed at step {kills}"
            assert log.store.backfills() == []
            log.store.close()
            continue
        log.store.close()
        break
    assert kills > 25


@ON_BOTH
def test_a_second_standstill_makes_an_order_of_its_own_and_live_ones_stay_first(log: Log) -> None:
    fill(log)
    platform = Platform()

    async def play() -> None:
        outbox = box(log, platform)
        assert await outbox.turn()  # the jump
        assert await outbox.turn()
        fill_later = [float(n) for n in range(20)]
        log.add(fill_later, start=START + 3600 * SECOND)
        assert await outbox.turn()
        assert len(log.store.backfills()) == 2
        assert await outbox.turn()
        assert platform.batches[-2][-1].id == 40 or platform.batches[-1][-1].id == 40
        await through(outbox)

    asyncio.run(play())
    assert sorted(platform.ids) == list(range(1, 41))


def test_the_back_fill_never_starves_the_live_lane(log: Log) -> None:
    fill(log, 40)
    platform = Platform()

    async def play() -> None:
        outbox = box(log, platform)
        await outbox.turn()
        newest = 80
        while log.store.backfills():
            newest += log.add([1.0], start=START + newest * 60 * SECOND)
            await outbox.turn()
            assert newest in platform.ids, "a live reading waits for no more than one block"

    asyncio.run(play())
    assert len(platform.ids) == len(set(platform.ids))


def test_a_busy_live_lane_lets_the_back_fill_through_now_and_then(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bordstein_gateway.forward.outbox.BACKFILL_PAUSE_S", 0.0)
    fill(log)
    platform = Platform()

    async def play() -> None:
        outbox = box(log, platform)
        await outbox.turn()
        log.add([1.0, 2.0, 3.0, 4.0, 5.0], start=START + 60 * SECOND)  # the live lane has a full batch
        (before,) = log.store.backfills()
        await outbox.turn()
        (after,) = log.store.backfills()
        assert after.last_id < before.last_id

    asyncio.run(play())


def test_a_new_forwarder_begins_with_the_newest(log: Log) -> None:
    count = fill(log)
    log.store.place_set(log.store.place_get("other")._replace(next_id=count + 1)).result()
    platform = Platform()
    asyncio.run(through(box(log, platform)))
    assert sorted(platform.ids) == list(range(1, count + 1)) and platform.ids[0] == count - 2


def test_a_target_without_history_gets_of_the_past_only_what_is_still_true(log: Log) -> None:
    log.add([1.0, 2.0, 3.0], device=DEVICES[0])  # 3: the newest of this board
    log.add([float(n) for n in range(12)], device=DEVICES[1], start=START)
    log.add([12.0], device=DEVICES[1], start=START - 60 * SECOND)  # came late
    platform = Platform(keeps_history=False)
    asyncio.run(through(box(log, platform)))
    assert platform.batches[0][-1].id == 16
    behind = [row for batch in platform.batches[1:] for row in batch]
    assert [(row.id, row.value) for row in behind] == [(3, 3.0)]
    log.store.refill_add(NAME, 0, START * 2).result()
    platform.batches.clear()
    asyncio.run(through(box(log, platform)))
    assert sorted(platform.ids) == [3, 15], "of a refill too"


def test_a_refill_waits_for_a_back_fill_of_the_same_readings(log: Log) -> None:
    count = fill(log)
    platform = Platform()

    async def play() -> None:
        outbox = box(log, platform, backfill_rate=1)
        await outbox.turn()
        log.store.refill_add(NAME, 0, START * 2).result()
        await outbox.turn()
        (order,) = log.store.refills(NAME)
        assert order.next_id == 1
        await through(box(log, platform))

    asyncio.run(play())
    assert sorted(platform.ids) == list(range(1, count + 1))
    assert log.store.refills(NAME) == []


def test_the_rate_of_a_back_fill_is_kept(log: Log) -> None:
    now = [1000.0]
    fill(log)
    platform = Platform()
    section = SensorThings(url="http://127.0.0.1:9/v1.1", batch=3, backfill_rate=2)
    delivery = Delivery(NAME, section, log.store, platform, Schedule(NAME, section, log.store))
    lane = lanes.BackfillLane(delivery, clock=lambda: now[0])
    log.store.place_jump(log.store.place_get(NAME), 18).result()

    async def play() -> list[float]:
        sent = []
        while log.store.backfills():
            if await lane.turn():
                sent.append(now[0])
            now[0] += 0.25
        return sent

    moments = asyncio.run(play())
    assert len(platform.ids) == 17
    assert [len(batch) for batch in platform.batches[:-1]] == [2] * 8
    assert moments[-1] - moments[0] == 8.0  # 16 readings before the last one, two a second


def test_a_slow_target_gets_small_blocks(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "_SMALLEST_BLOCK", 1)
    now = [0.0]
    fill(log, 40)
    platform = Platform()
    section = SensorThings(url="http://127.0.0.1:9/v1.1", batch=16)
    lane = lanes.BackfillLane(
        Delivery(NAME, section, log.store, platform, Schedule(NAME, section, log.store)), clock=lambda: now[0]
    )
    send = platform.send
    speed = 4.0  # readings a second

    async def slow(batch: Sequence[StoredReading]) -> list[Refused]:
        now[0] += len(batch) / speed
        return await send(batch)

    platform.send = slow  # type: ignore[method-assign]
    log.store.place_jump(log.store.place_get(NAME), 81).result()

    async def play() -> None:
        nonlocal speed
        for _ in range(4):
            await lane.turn()
        speed = 1000.0
        while await lane.turn():
            pass

    asyncio.run(play())
    assert [len(batch) for batch in platform.batches] == [16, 8, 4, 4, 4, 8, 16, 16, 4]


@pytest.mark.parametrize("fault", ["after", "before", "half", "hang"])
def test_a_fault_in_a_back_fill_loses_and_doubles_nothing(log: Log, fault: str) -> None:
    server = Server()
    count = fill(log)
    with Loopback(server.app()) as host:
        target = settings(host, batch=4)

        async def outage() -> None:
            live = outbox(log.store, target)
            assert await live.turn()  # the jump
            server.fault = None
            while live.backlog() == count:
                await live.turn()
            (order,) = log.store.backfills()
            server.fault = fault
            if fault == "hang":  # only where an answer will never come is it given up on soon
                live = outbox(log.store, settings(host, batch=4, timeout=1))
            with pytest.raises(Retry):
                await live.turn()
            (pending,) = log.store.backfills()
            assert pending.pending_from is not None and pending.last_id <= order.last_id

        asyncio.run(outage())
        server.fault = None
        log.reopen()
        assert drain(log.store, target) == []
    assert counts(server) == (count, 0)


def test_a_pause_is_obeyed_at_once_and_ends_when_somebody_says_so(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bordstein_gateway.forward.outbox.LOOK_S", 0.01)
    count = fill(log)
    platform = Platform()
    log.store.pause_set(NAME, reason="moving house").result()

    async def play() -> None:
        paused = box(log, platform)
        running = asyncio.create_task(paused.run())
        while not paused.status.paused:
            await asyncio.sleep(0.01)
        assert platform.ids == []
        assert log.store.pauses()[NAME].reason == "moving house"
        log.store.pause_end(NAME).result()
        while paused.backlog():
            await asyncio.sleep(0.01)
        assert not paused.status.paused
        paused.stop()
        await running

    asyncio.run(asyncio.wait_for(play(), 60))
    assert sorted(platform.ids) == list(range(1, count + 1))
    assert log.store.pause_end(NAME).result() is False


def test_who_resumes_a_target_that_is_down_need_not_wait_for_its_next_try(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bordstein_gateway.forward.outbox.LOOK_S", 0.01)
    fill(log)
    platform = Platform()
    platform.down = True
    section = SensorThings(url="http://127.0.0.1:9/v1.1", batch=3)
    schedule = Schedule(NAME, section, log.store, first_pause=200.0)

    async def play() -> None:
        down = Outbox(NAME, section, log.store, platform, schedule=schedule, settle=0.0)
        running = asyncio.create_task(down.run())
        while not down.status.trouble:
            await asyncio.sleep(0.01)
        platform.down = False
        log.store.pause_set(NAME).result()
        while not down.status.paused:
            await asyncio.sleep(0.01)
        log.store.pause_end(NAME).result()
        while down.backlog():
            await asyncio.sleep(0.01)
        down.stop()
        await running

    asyncio.run(asyncio.wait_for(play(), 60))


@ON_BOTH
def test_a_pause_with_an_end_is_over_then(log: Log) -> None:
    log.store.pause_set(NAME, until=START).result()
    log.store.pause_set("other", until=1 << 60).result()
    assert list(log.store.pauses()) == ["other"]


def test_marked_readings_that_are_there_no_more_hold_up_nobody(log: Log) -> None:
    fill(log)
    log.store.place_set(log.store.place_get(NAME)._replace(next_id=4, pending_to=6)).result()
    log.store.submit(lambda connection: connection.execute("DELETE FROM reading WHERE id BETWEEN 4 AND 6")).result()
    platform = Platform()
    outbox = box(log, platform, newest_first=False)

    async def play() -> None:
        assert not await outbox.turn()
        await through(outbox)

    asyncio.run(play())
    assert sorted(platform.ids) == list(range(7, 21))


def test_what_fails_beside_the_log_does_not_hold_up_the_log(log: Log) -> None:
    platform = Platform()

    async def there(batch: Sequence[StoredReading]) -> set[int]:
        raise Retry("may not be asked", unclear=True)

    platform.there = there  # type: ignore[method-assign]
    log.add([1.0])

    async def play() -> None:
        section = SensorThings(url="http://127.0.0.1:9/v1.1", batch=3)
        schedule = Schedule(NAME, section, log.store, jitter=lambda: 1.0)
        outbox = Outbox(NAME, section, log.store, platform, schedule=schedule, aside_pause=0.0, settle=60.0)
        await through(outbox)
        outbox._begun = True
        log.store.refill_add(NAME, START, START + SECOND).result()
        waits = [await outbox._step()]
        assert outbox.status.trouble == "may not be asked"
        for number in range(10):
            log.add([float(number)], start=START + (number + 10) * SECOND)
            waits.append(await outbox._step())
        assert len(platform.ids) == 11 and max(waits) < 1

    asyncio.run(play())
