"""The way out, against a SensorThings server that stores twice what is posted twice: nothing lost, nothing doubled."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bordstein_gateway.config.config import SensorThings
from bordstein_gateway.forward.outbox import Outbox
from bordstein_gateway.forward.schedule import Schedule
from bordstein_gateway.forward.sensorthings.target import SensorThingsTarget
from bordstein_gateway.forward.target import Refused, Retry
from bordstein_gateway.store import Store
from bordstein_gateway.store.types import StoredReading
from tests.gateway import forwarding
from tests.gateway.loopback import ON_BOTH, SECOND, START, Log, Loopback, turned
from tests.street.processes import until
from tests.street.sensorthings_server import ROOT, Server

NAME = "platform"
DEVICES = ("24a160000001", "24a160000002")


@pytest.fixture(params=[True, False], ids=["in arrays", "one by one"])
def server(request: pytest.FixtureRequest) -> Server:
    return Server(data_array=request.param)


@pytest.fixture
def host(server: Server) -> Iterator[Loopback]:
    with Loopback(server.app()) as host:
        yield host


def settings(host: Loopback, **more: Any) -> SensorThings:
    return SensorThings(url=host.url + ROOT, **{"timeout": 20, "batch": 7, **more})


def outbox(store: Store, settings: SensorThings, name: str = NAME) -> Outbox:
    """As the service makes it, but for the pauses."""
    schedule = Schedule(name, settings, store, jitter=lambda: 0.0)
    target = SensorThingsTarget(name, settings, [], store)
    return Outbox(name, settings, store, target, schedule=schedule, aside_pause=0.0, settle=0.0)


def drain(store: Store, settings: SensorThings, name: str = NAME) -> list[str]:
    """Turns until there is nothing left to do; the troubles on the way."""

    return asyncio.run(turned(outbox(store, settings, name)))


def fill(log: Log) -> int:
    """Two boards, two series each, reporting in turns."""
    count = 0
    for pack in range(6):
        for device in DEVICES:
            start = START + pack * 3 * SECOND
            count += log.add([8.1, 8.2, 8.3], device=device, start=start)
            count += log.add([70, 71, 72], device=device, series="air/relative_humidity", unit="%RH", start=start)
    return count


def times(server: Server) -> dict[tuple[str, str], list[int]]:
    """By board and series, in the order of arrival."""
    found: dict[tuple[str, str], list[int]] = {}
    for device, series, time, _ in server.model.dump():
        found.setdefault((device, series), []).append(time)
    return found


def counts(server: Server) -> tuple[int, int]:
    """(different readings, how many are there too often)"""
    statistics = server.model.statistics()
    return statistics["distinct"], statistics["doubled"]


@pytest.mark.parametrize("fault", ["hang", "after", "before", "half", "busy"])
def test_a_fault_of_the_target_loses_and_doubles_nothing(log: Log, server: Server, host: Loopback, fault: str) -> None:
    target = settings(host)
    count = fill(log)

    async def deliver() -> None:
        box = outbox(log.store, target)
        assert await box.turn()
        server.fault = fault
        # Only where an answer will never come is it given up on soon.
        broken = outbox(log.store, settings(host, timeout=1)) if fault == "hang" else box
        with pytest.raises(Retry):
            await broken.turn()
        assert log.store.place_get(NAME).pending_to == 14
        for _ in range(3):  # some faults let something through each time
            with suppress(Retry):
                await broken.turn()
        server.fault = None
        while await box.turn():
            pass

    asyncio.run(deliver())
    assert counts(server) == (count, 0)
    assert all(series == sorted(series) for series in times(server).values())
    assert log.store.dead_letters() == []


@ON_BOTH
def test_a_gateway_killed_between_post_and_answer_loses_and_doubles_nothing(
    log: Log, server: Server, host: Loopback
) -> None:
    count = fill(log)
    target = settings(host, timeout=60)
    server.fault = "hang"

    async def killed() -> None:
        posting = asyncio.create_task(outbox(log.store, target).turn())
        assert await asyncio.to_thread(until, lambda: server.model.entities["Observations"], 20)
        posting.cancel()  # as a SIGKILL: the server has committed, nobody hears it

    asyncio.run(killed())
    server.fault = None
    store = log.reopen()
    assert store.place_get(NAME).pending_to == 7
    assert drain(store, target) == []
    assert counts(server) == (count, 0)


def test_a_dead_target_holds_up_nobody(log: Log, tmp_path: Path) -> None:
    count = fill(log)
    server = Server()
    with Loopback(server.app()) as host:
        dead = outbox(log.store, SensorThings(url="http://127.0.0.1:9/v1.1"), "dead")
        alive = outbox(log.store, settings(host), "alive")

        async def both() -> None:
            tasks = [asyncio.create_task(box.run()) for box in (dead, alive)]
            while alive.backlog() or not dead.status.failures:
                await asyncio.sleep(0.01)
            for box in (dead, alive):
                box.stop()
            await asyncio.gather(*tasks)

        asyncio.run(asyncio.wait_for(both(), 60))
    assert counts(server) == (count, 0)
    assert alive.status.sent == count
    assert dead.backlog() == count
    assert "can't be reached" in dead.status.trouble


@ON_BOTH
def test_a_dead_letter_is_sent_again_when_somebody_asks(log: Log, server: Server, host: Loopback) -> None:
    count = fill(log)
    server.fault = "rows"
    target = settings(host)
    drain(log.store, target)
    dead = log.store.dead_letters(NAME)
    log.store.dead_retry(NAME, [dead[0].reading_id]).result()
    drain(log.store, target)
    again = log.store.dead_letters(NAME)
    assert (again[0].tries, again[0].retry, again[1].tries) == (2, False, 1)
    server.fault = None
    assert counts(server)[0] < count
    log.store.dead_retry(NAME).result()
    drain(log.store, target)
    assert log.store.dead_letters(NAME) == []
    assert counts(server) == (count, 0)


@ON_BOTH
def test_a_refill_fills_an_empty_target_again_and_doubles_nothing_on_a_full_one(log: Log) -> None:
    count = fill(log)
    first, last = START + 3 * SECOND, START + 9 * SECOND
    span = 6 * 4
    old, new = Server(), Server()
    with Loopback(old.app()) as host:
        drain(log.store, settings(host))
        log.store.refill_add(NAME, first, last).result()
        drain(log.store, settings(host))
    assert counts(old) == (count, 0)
    host.app = new.app()  # the platform was replaced by an empty one, and its ids mean nothing any more
    with host:
        log.store.refill_add(NAME, first, last).result()
        # The first turns find out that the ids are not known there.
        assert all("lost what was made there" in trouble for trouble in drain(log.store, settings(host)))
        assert counts(new) == (span, 0)
        log.store.refill_add(NAME, first, last).result()
        drain(log.store, settings(host))
    assert counts(new) == (span, 0)
    assert {time for _, _, time, _ in new.model.dump()} == {first + n * SECOND for n in range(6)}
    assert log.store.refills(NAME) == []
    assert log.store.place_get(NAME).next_id == count + 1


@ON_BOTH
def test_a_refill_never_overtakes_the_log_and_is_not_starved_by_it(log: Log) -> None:
    count = fill(log)
    server = Server()
    with Loopback(server.app()) as host:
        log.store.refill_add(NAME, START + 5 * SECOND, START + 3600 * SECOND).result()
        first = log.store.refills(NAME)[0].next_id
        assert first > 14

        async def turns() -> None:
            box = outbox(log.store, settings(host))
            moved = False
            while await box.turn():
                place = log.store.place_get(NAME).next_id
                for order in log.store.refills(NAME):
                    assert order.next_id <= max(first, place)
                    moved = moved or (order.next_id > first and place <= count)
            assert moved

        asyncio.run(turns())
    assert counts(server) == (count, 0)
    assert all(series == sorted(series) for series in times(server).values())


@pytest.mark.parametrize(
    ("only", "series"),
    [
        ({}, {"air/air_temperature", "dust/pm10"}),
        ({"properties": ["pm10"]}, {"dust/pm10"}),
        ({"properties": ["pm10", "uptime"]}, {"dust/pm10", "health/uptime"}),
        ({"devices": ["24a160000009"]}, set()),
        ({"max_age": 24 * 365 * 100}, {"air/air_temperature", "dust/pm10"}),
        ({"max_age": 1}, set()),
    ],
)
def test_only_what_is_configured_goes_out(log: Log, only: dict[str, Any], series: set[str]) -> None:
    log.add([1.0], start=START - 10**11)
    log.add([2.0], series="dust/pm10", unit="ug/m3", start=START - 10**11)
    log.add([3], series="health/uptime", unit="s", start=START - 10**11)
    server = Server()
    with Loopback(server.app()) as host:
        drain(log.store, settings(host, **only))
        assert {row[1] for row in server.model.dump()} == series
        assert log.store.place_get(NAME).next_id == 4
        if "max_age" in only:  # who asks for old readings gets them
            log.store.refill_add(NAME, 0, START).result()
            drain(log.store, settings(host, **only))
            assert {row[1] for row in server.model.dump()} == {"air/air_temperature", "dust/pm10"}


def test_a_board_the_target_does_not_want_holds_up_no_other(log: Log) -> None:
    server = Server()
    with Loopback(server.app()) as host:
        target = settings(host, batch=100)
        log.add([1.0], device=DEVICES[0])
        drain(log.store, target)
        server.projects = True  # from now on no Thing without a project
        log.add([2.0, 3.0], device=DEVICES[1])
        log.add([4.0], device=DEVICES[0], start=START + 60 * SECOND)
        assert drain(log.store, target) == []
        assert counts(server) == (2, 0)
        dead = log.store.dead_letters(NAME)
        assert len(dead) == 2
        assert all("has to be in one of your Projects" in letter.reason for letter in dead)


def test_a_target_whose_settings_are_wrong_from_the_start_makes_no_dead_letters(log: Log) -> None:
    server = Server(projects=True)
    with Loopback(server.app()) as host:
        log.add([1.0])
        troubles = drain(log.store, settings(host))
        assert "a Thing has to be in one of your Projects; check this target's settings" in troubles[0]
        assert log.store.dead_letters(NAME) == []
        assert drain(log.store, settings(host, members={"Projects": [{"@iot.id": 1}]})) == []
        assert counts(server) == (1, 0)


class Refusing:
    """Takes nothing at first; whatever it is asked for, it says that this is wrong."""

    refuses = True
    keeps_history = True

    def __init__(self) -> None:
        self.taken: list[int] = []

    async def send(self, batch: Sequence[StoredReading]) -> list[Refused]:
        if self.refuses:
            return [Refused(row.id, "400: the signature is wrong") for row in batch]
        self.taken += [row.id for row in batch]
        return []

    async def there(self, batch: Sequence[StoredReading]) -> set[int]:
        return {row.id for row in batch} & set(self.taken)

    async def trial(self) -> str:
        return "took it"

    async def close(self) -> None: ...


def test_a_target_that_never_took_anything_buries_nothing(log: Log) -> None:
    target, section = Refusing(), SensorThings(url="http://127.0.0.1:9/v1.1", batch=7)

    def box(section: SensorThings = section) -> Outbox:
        """As after a start of the gateway."""
        schedule = Schedule(NAME, section, log.store, jitter=lambda: 0.0)
        return Outbox(NAME, section, log.store, target, schedule=schedule, aside_pause=0.0, settle=0.0)

    async def play() -> None:
        first = box()
        for _ in range(2):
            with pytest.raises(Retry, match=r"400: the signature is wrong; .* check this target's settings"):
                await first.turn()
        assert (log.store.dead_letters(), first.backlog(), first.status.last_success) == ([], count, 0.0)
        target.refuses = False
        assert await first.turn()
        assert target.taken == list(range(1, 8)) and first.status.last_success
        target.refuses = True  # now it is the readings' fault: they hold up no others
        second = box()
        assert await second.turn()
        assert len(log.store.dead_letters()) == 7 and second.status.last_success == 0.0
        with pytest.raises(Retry, match="check this target's settings"):  # they were changed
            await box(SensorThings(url="http://127.0.0.1:10/v1.1")).turn()

    count = fill(log)
    asyncio.run(play())


def test_the_first_board_of_a_new_target_may_be_the_one_that_is_refused(log: Log) -> None:
    target, section = Refusing(), SensorThings(url="http://127.0.0.1:9/v1.1")

    async def send(batch: Sequence[StoredReading]) -> list[Refused]:
        target.taken += [row.id for row in batch if row.device == DEVICES[1]]
        return [Refused(row.id, "it has no position") for row in batch if row.device != DEVICES[1]]

    target.send = send  # type: ignore[method-assign]
    log.add([1.0])
    assert "it has no position" in forwarding.drain(NAME, log.store, section, lambda: target)[0]
    log.reopen()
    log.add([2.0], device=DEVICES[1])
    assert forwarding.drain(NAME, log.store, section, lambda: target) == []
    assert target.taken == [2] and [letter.reading_id for letter in log.store.dead_letters()] == [1]


def test_a_mistake_in_the_program_does_not_end_the_forwarder(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    log.add([1.0])
    with Loopback(server.app()) as host:
        box = outbox(log.store, settings(host))
        send = box._target.send

        async def wrong(batch: Any) -> Any:
            monkeypatch.setattr(box._target, "send", send)
            raise ZeroDivisionError

        monkeypatch.setattr(box._target, "send", wrong)

        async def run() -> None:
            running = asyncio.create_task(box.run())
            while box.backlog():
                await asyncio.sleep(0.01)
            box.stop()
            await running

        asyncio.run(asyncio.wait_for(run(), 60))
    assert box.status.failures == 1
    assert counts(server) == (1, 0)
