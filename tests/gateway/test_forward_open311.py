"""Events as Open311 requests, against a strict server that keeps twice what is posted twice."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bordstein_gateway.config import Open311
from bordstein_gateway.forward.events import links
from bordstein_gateway.forward.open311.settings import Open311When
from bordstein_gateway.forward.target import Retry
from tests.gateway.events import NAME, OTHER, Bins, deliver, outbox, turns
from tests.gateway.loopback import Loopback
from tests.street.open311_server import API_KEY, BASE, Server

FULL = Open311When(what="fill_level", above=0.8, clear=0.6)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Bins]:
    log = Bins(tmp_path / "store.sqlite")
    yield log
    log.store.close()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def host(server: Server) -> Iterator[Loopback]:
    with Loopback(server.app()) as host:
        yield host


@pytest.fixture
def settings(host: Loopback, tmp_path: Path) -> Open311:
    (tmp_path / "key").write_text(API_KEY + "\n")
    return Open311(
        url=host.url + BASE,
        api_key_file=str(tmp_path / "key"),
        email="sensoren@musterstadt.de",
        service_code="0010",
        text="Papierkorb {{ name }} zu {{ value }} voll",
        timeout=2,
        when=[FULL],
    )


def made(server: Server) -> list[dict[str, Any]]:
    return list(server.requests.values())


def test_a_full_bin_is_reported_once_and_again_only_after_it_was_emptied(
    log: Bins, server: Server, settings: Open311
) -> None:
    log.fill([0.3, 0.7, 0.85, 0.92, 0.79, 0.9])
    assert deliver(log, settings) == []
    (request,) = made(server)
    assert request["description"].startswith("Papierkorb Marktplatz 7 zu 92,0 % voll [B-")
    assert (request["lat"], request["long"], request["service_code"]) == (53.5511, 9.9937, "0010")
    server.close(request["service_request_id"])
    log.fill([0.95, 0.1, 0.9])
    assert deliver(log, settings) == []
    assert len(made(server)) == 2
    assert server.statistics()["doubled"] == 0


@pytest.mark.parametrize("fault", ["hang", "after", "before", "busy", "revoked", "slow"])
@pytest.mark.parametrize("format", ["json", "xml"])
def test_whatever_the_server_does_each_case_is_one_request(
    log: Bins, server: Server, settings: Open311, fault: str, format: Any
) -> None:
    settings.format = format
    log.fill([0.3, 0.85, 0.9])
    log.fill([0.3, 0.85, 0.95], device=OTHER)

    async def run() -> None:
        box = outbox(log, settings)
        server.fault = fault
        if fault == "slow":
            assert await turns(box) == []
        else:
            with pytest.raises(Retry):
                await box.turn()
        server.fault = None
        await box._target.close()
        box = outbox(log, settings)  # started anew
        assert await turns(box) == []
        await box._target.close()

    if fault == "hang":
        settings.timeout = 1
    asyncio.run(run())
    assert server.statistics()["open311"] == 2
    assert server.statistics()["doubled"] == 0
    assert log.store.dead_letters() == []
    assert {row["id"] for row in links(log.store, NAME)} == {"4711", "4712"}
