"""Readings as signed CloudEvents: what a receiver gets, and that nothing counts twice for one that keeps the rules."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bordstein_gateway.config.config import Config, Device, Gateway, Mqtt, Webhook
from bordstein_gateway.forward.outbox import Outbox
from bordstein_gateway.forward.schedule import Schedule
from bordstein_gateway.forward.target import Refused, Retry
from bordstein_gateway.forward.webhook.target import WebhookTarget, key, signature
from tests.gateway.loopback import START, Log, Loopback
from tests.street.webhook_server import Receiver

SECRET = b"a town's secret"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path / "store.sqlite")
    yield log
    log.store.close()


@pytest.fixture
def secret(tmp_path: Path) -> str:
    (tmp_path / "secret").write_bytes(SECRET + b"\n")
    return str(tmp_path / "secret")


def config(*devices: Device) -> Config:
    return Config(gateway=Gateway(name="musterstadt"), mqtt=Mqtt(host="localhost"), devices=list(devices))


def send(log: Log, settings: Webhook, *devices: Device) -> list[Refused]:
    async def run() -> list[Refused]:
        target = WebhookTarget(settings, config(*devices))
        try:
            return await target.send(log.store.readings_after(0, 10_000))
        finally:
            await target.close()

    return asyncio.run(run())


def test_an_event_says_what_was_measured_where_and_when(log: Log, secret: str) -> None:
    receiver = Receiver(SECRET)
    log.add([8.15], start=START + 250, flags=1)
    place = Device(id="24a160000001", name="Marktplatz 7", latitude=53.5511, longitude=9.9937)
    with Loopback(receiver.app()) as host:
        assert send(log, Webhook(url=host.url + "/events", secret_file=secret), place) == []
    (event,) = receiver.events.values()
    assert event == {
        "specversion": "1.0",
        "id": f"24a160000001/air/air_temperature/{START + 250}",
        "source": "urn:bordstein:musterstadt",
        "type": "de.bordstein.reading.v1",
        "subject": "24a160000001/air/air_temperature",
        "time": "2026-11-24T12:00:00.250Z",
        "datacontenttype": "application/json",
        "data": {
            "device": "urn:dev:mac:24a160fffe000001",
            "property": "air_temperature",
            "value": 8.15,
            "unit": "Cel",
            "flags": ["out_of_range"],
            "place": {"name": "Marktplatz 7", "latitude": 53.5511, "longitude": 9.9937},
        },
    }


@pytest.mark.parametrize("fault", ["hang", "after", "before", "busy"])
def test_whatever_the_receiver_does_each_reading_is_one_event(log: Log, secret: str, fault: str) -> None:
    receiver = Receiver(SECRET)
    count = log.add([float(number) for number in range(20)])
    with Loopback(receiver.app()) as host:
        settings = Webhook(url=host.url + "/events", secret_file=secret, batch=6, timeout=1)
        target = WebhookTarget(settings, config())
        schedule = Schedule("x", settings, log.store, jitter=lambda: 0.0)
        box = Outbox("x", settings, log.store, target, schedule=schedule, settle=0.0)

        async def deliver() -> None:
            receiver.fault = fault
            with pytest.raises(Retry):
                await box.turn()
            receiver.fault = None
            while await box.turn():
                pass

        asyncio.run(deliver())
    assert receiver.refused == 0
    assert [event["data"]["value"] for event in receiver.events.values()] == [float(n) for n in range(count)]
    assert receiver.repeated == (6 if fault in ("hang", "after") else 0)
    assert box.status.sent == count


def test_the_signature_is_the_standard_webhooks_one() -> None:
    # The example in the Standard Webhooks libraries' tests.
    secret = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_that_is_no_base64_counts_as_it_is_written() -> None:
    assert key("whsec_not base64!") == b"whsec_not base64!"
    assert key("Müller") == "Müller".encode()


def test_units_of_one_series_are_different_events(log: Log) -> None:
    receiver = Receiver(None)
    for unit in ("Cel", "K", ""):
        log.add([20.0], series="probe/foo", unit=unit)
    log.add([20.0])
    with Loopback(receiver.app()) as host:
        assert send(log, Webhook(url=host.url + "/events")) == []
    assert [event["id"] for event in receiver.events.values()] == [
        f"24a160000001/probe/foo/{START}/Cel",
        f"24a160000001/probe/foo/{START}/K",
        f"24a160000001/probe/foo/{START}",
        f"24a160000001/air/air_temperature/{START}",
    ]


class Picky:
    """Takes no value 13 and no body of more than so many events; keeps the rest."""

    def __init__(self, most: int = 1000, status: int = 422) -> None:
        self.taken: list[Any] = []
        self.most = most
        self.status = status

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await (await self._answer(Request(scope, receive)))(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        values = [event["data"]["value"] for event in json.loads(await request.body())]
        if len(values) > self.most:
            return Response(status_code=413)
        if 13.0 in values:
            return JSONResponse({"message": "13 brings bad luck"}, status_code=self.status)
        self.taken += values
        return Response(status_code=204)


def test_a_reading_the_receiver_refuses_is_found_and_the_others_arrive_in_order(log: Log) -> None:
    picky = Picky()
    log.add([float(number) for number in range(30)])
    with Loopback(picky) as host:
        refused = send(log, Webhook(url=host.url))
    assert refused == [Refused(14, "422: 13 brings bad luck")]
    assert picky.taken == [float(number) for number in range(30) if number != 13]


def test_a_body_that_is_too_large_is_sent_in_parts(log: Log) -> None:
    picky = Picky(most=4)
    log.add([float(number) for number in range(12)])
    with Loopback(picky) as host:
        assert send(log, Webhook(url=host.url)) == []
    assert picky.taken == [float(number) for number in range(12)]


@pytest.mark.parametrize("status", [404, 405, 410, 415])
def test_a_wrong_url_gives_up_no_reading(log: Log, status: int) -> None:
    picky = Picky(status=status)
    log.add([13.0])
    with Loopback(picky) as host, pytest.raises(Retry, match="check the url of this target"):
        send(log, Webhook(url=host.url))


def test_values_of_every_kind_can_be_sent(log: Log) -> None:
    receiver = Receiver(None)
    log.add([True], series="bay/parking_bay_occupied", unit="/")
    log.add(["grün", b"\x00\xff", 2**40, -0.5], series="x/y", unit="")
    with Loopback(receiver.app()) as host:
        assert send(log, Webhook(url=host.url + "/events")) == []
    assert [event["data"]["value"] for event in receiver.events.values()] == [True, "grün", "AP8=", 2**40, -0.5]
