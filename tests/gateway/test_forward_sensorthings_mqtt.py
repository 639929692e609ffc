"""Observations by MQTT: the place moves when the server shows them, and what it does not take is found out by HTTP."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bordstein_gateway.config.config import SensorThings
from bordstein_gateway.forward.mqtt.settings import Broker
from bordstein_gateway.forward.sensorthings.mqtt import Published
from bordstein_gateway.forward.sensorthings.target import SensorThingsTarget
from bordstein_gateway.forward.target import Retry
from bordstein_gateway.store import Store
from tests.gateway import forwarding
from tests.gateway.configuring import MQTT, problems, secrets
from tests.gateway.loopback import START, Log, Loopback
from tests.street.sensorthings_mqtt import ListeningServer, OpenBroker
from tests.street.sensorthings_server import ROOT, Server

NAME = "frost"
TEXT = MQTT + '[forward.frost]\nkind = "sensorthings"\nurl = "https://frost.example.org/v1.1"\n'


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBroker]:
    with OpenBroker(tmp_path_factory.mktemp("open")) as broker:
        yield broker


@pytest.fixture
def server(broker: OpenBroker) -> Iterator[ListeningServer]:
    server = ListeningServer(Server(), broker)
    yield server
    server.stop()


@pytest.fixture
def host(server: ListeningServer) -> Iterator[Loopback]:
    with Loopback(server) as host:
        yield host


def settings(host: Loopback, broker: OpenBroker, **more: Any) -> SensorThings:
    options = {"observations": "mqtt", "mqtt": Broker(**broker.section()), "timeout": 20, "batch": 8}
    return SensorThings(url=host.url + ROOT, **{**options, **more})


def drain(store: Store, settings: SensorThings, patience: float = 20) -> list[str]:
    """Turns until there is nothing left to do; the troubles on the way. `patience`: seconds until Observations that the
    server does not show count as missing."""

    def make() -> SensorThingsTarget:
        target = SensorThingsTarget(NAME, settings, [], store)
        assert target._published is not None
        target._published._timeout = patience
        return target

    return forwarding.drain(NAME, store, settings, make)


def results(server: ListeningServer) -> list[Any]:
    return [row["result"] for row in server.server.model.entities["Observations"].values()]


def test_observations_come_by_mqtt_each_once_with_all_that_http_would_have_said(
    log: Log, server: ListeningServer, host: Loopback, broker: OpenBroker
) -> None:
    log.add([float(number) for number in range(20)])
    log.add([70.0], series="air/relative_humidity", unit="%RH", flags=1)
    assert drain(log.store, settings(host, broker)) == []
    assert (server.taken, server.server.model.statistics()["doubled"]) == (21, 0)
    assert set(server.topics) == {"v1.1/Datastreams(1)/Observations", "v1.1/Datastreams(2)/Observations"}
    (marked,) = [row for row in server.server.model.entities["Observations"].values() if "parameters" in row]
    assert marked["parameters"] == {"flags": ["out_of_range"]}
    assert marked["phenomenonTime"] == marked["resultTime"] == "2026-11-24T12:00:00Z"


@pytest.mark.parametrize("fault", ["deaf", "half"])
def test_what_the_server_does_not_show_holds_the_place_and_goes_by_http_then(
    log: Log, server: ListeningServer, host: Loopback, broker: OpenBroker, fault: str
) -> None:
    log.add([1.0])
    drain(log.store, settings(host, broker))
    log.add([2.0, 3.0, 4.0, 5.0], start=START + 5_000)
    server.fault = fault
    (trouble,) = drain(log.store, settings(host, broker), patience=0.3)
    count = 4 if fault == "deaf" else 2
    assert trouble == (
        f"the broker 127.0.0.1:{broker.port} took everything; {count} Observations the server does not show"
    )
    assert sorted(results(server)) == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert server.server.model.statistics()["doubled"] == 0


def test_a_reading_that_the_server_refuses_becomes_a_dead_letter_with_its_reason(
    log: Log, server: ListeningServer, host: Loopback, broker: OpenBroker
) -> None:
    log.add([1.0, "warm", 3.0])
    assert len(drain(log.store, settings(host, broker), patience=0.3)) == 1
    (dead,) = log.store.dead_letters(NAME)
    assert dead.reading_id == 2 and "'warm' does not fit" in dead.reason
    assert results(server) == [1.0, 3.0]


def test_a_broker_that_is_away_loses_and_doubles_nothing(
    log: Log, server: ListeningServer, host: Loopback, broker: OpenBroker
) -> None:
    log.add([1.0, 2.0])
    away = settings(host, broker, mqtt=Broker(host="127.0.0.1", port=9, tls=False))
    assert len(drain(log.store, away)) == 3
    assert log.store.place_get(NAME).next_id == 1
    assert drain(log.store, settings(host, broker)) == []
    assert results(server) == [1.0, 2.0]


def test_what_the_broker_may_have_is_not_looked_for_at_once(log: Log) -> None:
    log.add([1.0])
    (row,) = log.store.readings_after(0, 1)

    async def leaves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A broker that says welcome, and goes when the first message comes."""
        await reader.read(1000)
        writer.write(b"\x20\x03\x00\x00\x00")  # CONNACK, MQTT 5
        await reader.read(1000)
        writer.close()

    async def failure(port: int) -> Retry:
        published = Published(
            NAME, "http://127.0.0.1/v1.1", Broker(host="127.0.0.1", port=port, tls=False, protocol=5), 20
        )
        try:
            with pytest.raises(Retry) as caught:
                await published.send([("1", row, {"result": 1.0})], None)
        finally:
            await published.close()
        return caught.value

    async def both() -> list[bool]:
        async with await asyncio.start_server(leaves, "127.0.0.1", 0) as there:
            begun = await failure(there.sockets[0].getsockname()[1])
        return [begun.unclear, (await failure(9)).unclear]

    assert asyncio.run(both()) == [True, False]


def test_where_the_brokers_word_is_enough_nothing_is_looked_for(
    log: Log, server: ListeningServer, host: Loopback, broker: OpenBroker
) -> None:
    server.fault = "deaf"
    log.add([1.0, 2.0])
    assert drain(log.store, settings(host, broker, read_back=False)) == []
    assert log.store.place_get(NAME).next_id == 3


@pytest.mark.parametrize(
    ("options", "said", "line"),
    [
        ('observations = "mqtt"\n', "forward.frost.observations: mqtt is missing: the server's broker", 9),
        ('[forward.frost.mqtt]\nhost = "b"\n', 'forward.frost.mqtt: is of use with observations = "mqtt" only', 9),
        (
            'observations = "mqtt"\n[forward.frost.mqtt]\nhost = "b"\nusername = "u"\n',
            "forward.frost.mqtt.username: password_file is missing",
            12,
        ),
        ('observations = "amqp"\n', 'forward.frost.observations: expected one of "http", "mqtt"', 9),
        ("batch = 501\n", "forward.frost.batch: expected an integer 1..500, got 501", 9),
    ],
)
def test_a_mistake_in_the_configuration_is_a_sentence(folder: Path, options: str, said: str, line: int) -> None:
    secrets(folder)
    (found,) = problems(folder, TEXT + options)
    assert found.startswith(f"{line}: ") and said in found
