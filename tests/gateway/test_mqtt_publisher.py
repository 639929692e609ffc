"""Publishing to a real broker: what publish() has returned of, the broker has; what it refuses is said."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bordstein_gateway.forward.mqtt.publisher import Message, Publisher
from bordstein_gateway.forward.mqtt.settings import Broker
from bordstein_gateway.forward.target import Retry
from bordstein_gateway.texts import said
from tests.street.city_broker import CityBroker, Listener
from tests.street.processes import free_port
from tests.street.servers import Town


@pytest.fixture(scope="module")
def broker(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CityBroker]:
    with CityBroker(town, tmp_path_factory.mktemp("city")) as broker:
        yield broker


def settings(broker: CityBroker, **more: Any) -> Broker:
    return Broker(**{**broker.section(), **more})


def with_certificate(broker: CityBroker, town: Town) -> Broker:
    issued = town.gateway()
    files = {"ca": str(issued.ca), "cert": str(issued.certificate), "key": str(issued.key)}
    return Broker(host="localhost", port=broker.port, **files)


def publish(broker: Broker, *batches: Sequence[Message], timeout: float = 20) -> list[dict[int, str]]:
    async def run() -> list[dict[int, str]]:
        publisher = Publisher(broker, "test-publisher", timeout)
        try:
            return [await publisher.publish(batch) for batch in batches]
        finally:
            await publisher.close()

    return asyncio.run(run())


@pytest.mark.parametrize("protocol", [4, 5])
def test_what_is_acknowledged_has_arrived_in_its_order(broker: CityBroker, protocol: int) -> None:
    messages = [Message(f"stadt/order/{protocol}", str(number).encode()) for number in range(1200)]
    with Listener(broker, f"stadt/order/{protocol}") as listener:
        assert publish(settings(broker, protocol=protocol), messages[:700], messages[700:], []) == [{}, {}, {}]
        heard = listener.until(lambda heard: len(heard) >= len(messages))
    assert [int(payload) for _, payload, _ in heard] == list(range(1200))


def test_a_certificate_and_a_retained_message(broker: CityBroker, town: Town) -> None:
    assert publish(with_certificate(broker, town), [Message("stadt/kept/here", b"7", True)]) == [{}]
    with Listener(broker, "stadt/kept/#") as listener:
        assert listener.until(len) == [("stadt/kept/here", b"7", True)]


def test_what_the_access_list_forbids_is_named(broker: CityBroker) -> None:
    batch = [Message("stadt/b", b"1"), Message("verboten/x", b"2"), Message("stadt/c", b"3")]
    (refused,) = publish(settings(broker), batch)
    assert list(refused) == [1] and "authorized" in refused[1]


def test_a_broker_that_goes_away_is_reached_again(town: Town, tmp_path: Path) -> None:
    with CityBroker(town, tmp_path) as broker:

        async def run() -> None:
            publisher = Publisher(settings(broker), "test-publisher", 20)
            assert await publisher.publish([Message("stadt/x", b"1")]) == {}
            broker.kill()
            with pytest.raises(Retry) as failure:
                while True:  # the end of the connection may be heard a moment later
                    await publisher.publish([Message("stadt/x", b"2")])
            assert "localhost:" in str(failure.value)
            broker.start()
            assert await publisher.publish([Message("stadt/x", b"3")]) == {}
            await publisher.close()

        asyncio.run(run())


@pytest.mark.parametrize(
    ("change", "german", "english"),
    [
        ({"port": 0}, "nimmt niemand Verbindungen an", "Nobody listens at"),
        ({"host": "nowhere.invalid"}, "Der Name des Brokers", "The name of the broker"),
        ({"password_file": None}, "username und password_file prüfen", "look at username and password_file"),
        ({"tls": True}, "port und tls prüfen", "port and tls"),
    ],
)
def test_why_there_is_no_connection(broker: CityBroker, change: dict[str, Any], german: str, english: str) -> None:
    if "port" in change:
        change = {"port": free_port()}
    with pytest.raises(Retry) as failure:
        publish(settings(broker, **change), [Message("stadt/x", b"")])
    assert german in said(failure.value, "de")
    assert english in said(failure.value, "en")


def test_a_broker_that_never_answers_is_given_up_on(broker: CityBroker) -> None:
    async def run() -> None:
        async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.Event().wait()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        publisher = Publisher(settings(broker, host="127.0.0.1", port=port), "test-publisher", 0.5)
        with pytest.raises(Retry, match="does not answer"):
            await publisher.publish([Message("stadt/x", b"")])
        await publisher.close()
        server.close()

    asyncio.run(run())
