"""Events as process instances, against strict engines that start twice what is started twice."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bordstein_gateway.config.config import Camunda7, Flowable
from bordstein_gateway.forward.engine_settings import EngineForward, EngineWhen, Variable
from bordstein_gateway.forward.events import links
from bordstein_gateway.forward.target import Retry
from bordstein_gateway.store.types import Place
from tests.gateway.events import BIN, NAME, OTHER, Bins, break_off, deliver, outbox, tried
from tests.gateway.loopback import Loopback, Switch, turned
from tests.street.engine_server import PASSWORD, PROCESS, STARTED_BY, USER, WAITS_FOR, Server

KINDS = {"camunda7": Camunda7, "flowable": Flowable}
FULL = EngineWhen(what="fill_level", above=0.8, clear=0.6)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Bins]:
    log = Bins(tmp_path / "store.sqlite")
    yield log
    log.store.close()


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest) -> Server:
    return Server(request.param)


@pytest.fixture(scope="module")
def one_host() -> Iterator[Loopback]:
    with Loopback(Switch()) as host:
        yield host


@pytest.fixture
def host(one_host: Loopback, server: Server) -> Loopback:
    one_host.app.app = server.app()
    return one_host


@pytest.fixture
def settings(server: Server, host: Loopback, tmp_path: Path) -> EngineForward:
    (tmp_path / "password").write_text(PASSWORD + "\n")
    return KINDS[server.mode](
        url=host.url + server.base,
        user=USER,
        password_file=str(tmp_path / "password"),
        process=PROCESS,
        recovered_message=WAITS_FOR,
        timeout=2,
        when=[FULL],
    )


def the_one(server: Server) -> dict[str, Any]:
    (instance,) = server.instances.values()
    return instance


def test_a_full_bin_starts_its_process_and_an_empty_one_tells_it(
    log: Bins, server: Server, settings: EngineForward
) -> None:
    settings.variables = {
        "fillPct": Variable(value="{{ amount * 100 }}", type="Integer"),
        "count": Variable(value="{{ 2 ** 40 }}", type="Long"),
        "lat": Variable(value="{{ latitude }}", type="Double"),
        "full": Variable(value="{{ amount > 0.8 }}", type="Boolean"),
        "since": Variable(value="{{ iso }}", type="Date"),
        "place": Variable(value="{{ name }}"),
    }
    log.fill([0.3, 0.85, 0.92, 0.9])
    assert deliver(log, settings) == []
    instance = the_one(server)
    found = dict(instance["variables"])
    assert found.pop("since").startswith("20")
    assert found == {"fillPct": 92, "count": 2**40, "lat": 53.5511, "full": True, "place": "Marktplatz 7"}
    log.fill([0.15, 0.1])
    assert deliver(log, settings) == []
    assert (instance["told"], server.refused) == (1, 0)
    (link,) = links(log.store, NAME)
    assert (link["target_id"], link["state"], link["case"]) == (instance["id"], "told", instance["businessKey"])


def test_a_message_starts_a_process_too_and_what_is_not_configured_is_sent_all_the_same(
    log: Bins, server: Server, settings: EngineForward
) -> None:
    settings.process, settings.message = None, STARTED_BY
    log.fill([0.85, 0.92])
    assert deliver(log, settings) == []
    assert the_one(server)["variables"].keys() == {"case", "device", "name", "property", "value", "amount", "time"}
    assert the_one(server)["variables"]["amount"] == 0.92


@pytest.mark.parametrize("fault", ["hang", "after", "before", "busy", "undeployed", "locked"])
def test_whatever_the_engine_does_each_case_is_one_instance(
    log: Bins, server: Server, settings: EngineForward, fault: str
) -> None:
    settings.timeout = 1 if fault == "hang" else 5
    log.fill([0.85, 0.9])
    log.fill([0.85, 0.95], device=OTHER)

    async def run() -> None:
        box = outbox(log, settings)
        server.fault = fault
        with pytest.raises(Retry) as failure:
            await box.turn()
        if fault == "undeployed":
            assert f"the process {PROCESS} is not there" in str(failure.value)
        if fault == "before" and server.mode == "camunda7":
            assert "Unknown property used in expression" in str(failure.value)
        server.fault = None
        await box._target.close()
        box = outbox(log, settings)
        assert await turned(box) == []
        await box._target.close()

    asyncio.run(run())
    assert (server.statistics()["instances"], server.statistics()["doubled"]) == (2, 0)
    assert log.store.dead_letters() == []


def test_a_gateway_killed_after_the_start_finds_the_instance_even_when_it_has_ended(
    log: Bins, server: Server, settings: EngineForward
) -> None:
    settings.timeout = 60
    log.fill([0.85, 0.9])
    server.fault = "hang"

    break_off(log, settings, lambda: server.instances)
    server.fault = None
    the_one(server)["ended"] = True
    log.reopen()
    assert deliver(log, settings) == []
    assert server.statistics()["instances"] == 1
    assert links(log.store, NAME)[0]["target_id"] == the_one(server)["id"]


def test_an_instance_that_waits_no_more_is_no_failure(log: Bins, server: Server, settings: EngineForward) -> None:
    log.fill([0.85, 0.9])
    assert deliver(log, settings) == []
    the_one(server)["waiting"] = False
    log.fill([0.15, 0.1])
    assert deliver(log, settings) == []
    assert the_one(server)["told"] == 0
    assert links(log.store, NAME)[0]["state"] == "not waiting"
    assert log.store.dead_letters() == []


@pytest.mark.parametrize("by", ["process", "message"])
def test_a_tenants_processes_are_started_and_told(
    log: Bins, server: Server, host: Loopback, settings: EngineForward, by: str
) -> None:
    server.tenant = settings.tenant = "musterstadt"
    host.app.app = server.app()
    if by == "message":
        settings.process, settings.message = None, STARTED_BY
    log.fill([0.85, 0.9, 0.1, 0.1])
    assert deliver(log, settings) == []
    assert (the_one(server)["told"], server.refused) == (1, 0)


def test_a_recovery_whose_reading_has_become_too_old_is_told_with_a_newer_one(
    log: Bins, server: Server, settings: EngineForward
) -> None:
    log.fill([0.85, 0.9])
    assert deliver(log, settings) == []
    server.fault = "locked"
    log.fill([0.1, 0.1])
    assert "does not let the gateway in" in deliver(log, settings)[0]
    server.fault = None
    log.store.place_set(Place(NAME, 5, None)).result()  # as the outbox leaves old ones out
    assert deliver(log, settings) == []
    assert the_one(server)["told"] == 0
    log.fill([0.2])
    assert deliver(log, settings) == []
    assert the_one(server)["told"] == 1


def test_a_text_that_is_no_value_of_its_type_is_a_dead_letter_and_holds_up_nobody(
    log: Bins, server: Server, settings: EngineForward
) -> None:
    settings.variables = {"door": Variable(value="{{ name.split()[1] }}", type="Integer")}
    log.fill([0.85, 0.9], device=BIN)
    log.fill([0.85, 0.95], device="24a160000009")  # of which no name is known
    assert deliver(log, settings) == []
    assert the_one(server)["variables"] == {"door": 7}
    (dead,) = log.store.dead_letters(NAME)
    assert "the template can't be filled" in dead.reason
    log.store.dead_retry(NAME).result()
    settings.variables = {"door": Variable(value="{{ name }}")}
    assert deliver(log, settings) == []
    assert server.statistics()["instances"] == 2
    assert log.store.dead_letters(NAME) == []


def test_a_trial_starts_nothing_and_says_whether_the_process_is_there(
    tmp_path: Path, server: Server, settings: EngineForward
) -> None:
    assert f"lets the gateway in and has {PROCESS} (Papierkorb leeren). No process" in tried(tmp_path, settings)
    settings.process = "papierkorb"
    with pytest.raises(Retry, match="the process papierkorb is not there"):
        tried(tmp_path, settings)
    server.fault = "locked"
    with pytest.raises(Retry, match="does not let the gateway in"):
        tried(tmp_path, settings)
    assert server.instances == {}
