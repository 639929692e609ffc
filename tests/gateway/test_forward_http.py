"""Requests to targets: how long one may take, how much it may answer, and that no secret of an address is shown."""

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse

from bordstein_gateway import doctor
from bordstein_gateway.config.config import Config, Gateway, Mqtt, SensorThings, Webhook
from bordstein_gateway.forward import http
from bordstein_gateway.forward.starting import start
from bordstein_gateway.forward.target import Retry
from bordstein_gateway.forward.webhook.target import WebhookTarget
from tests.gateway.loopback import Log, Loopback

SECRET_PATH = "/hook/s3cretpath?token=s3crettoken"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path / "store.sqlite")
    log.add([1.0])
    yield log
    log.store.close()


def send(log: Log, settings: Webhook) -> Any:
    async def run() -> Any:
        target = WebhookTarget(settings, Config(mqtt=Mqtt(host="localhost")))
        try:
            return await target.send(log.store.readings_after(0, 100))
        finally:
            await target.close()

    return asyncio.run(run())


def answering(answer: Callable[[Request], Response]) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await answer(Request(scope, receive))(scope, receive, send)

    return app


def test_a_server_that_drips_its_answer_holds_a_request_no_longer_than_its_timeout() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nX: ")
        while not writer.is_closing():  # each byte within the limit of one read
            writer.write(b"x")
            await asyncio.sleep(0.1)

    async def ask() -> tuple[Retry, float]:
        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        async with server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            client = http.client(Webhook(url=url, timeout=1))
            began = time.monotonic()
            with pytest.raises(Retry) as failure:
                await http.request(client, "POST", url, content=b"[]")
            took = time.monotonic() - began
            await client.aclose()
        return failure.value, took

    failure, took = asyncio.run(ask())
    assert failure.unclear and "gave no answer in time" in str(failure)
    assert took < 5


def test_an_answer_far_too_large_is_not_kept_in_memory(log: Log) -> None:
    async def flood() -> Any:
        for _ in range(40):
            yield b"x" * (1 << 20)

    with Loopback(answering(lambda _: StreamingResponse(flood()))) as host, pytest.raises(Retry) as failure:
        send(log, Webhook(url=host.url))
    assert str(failure.value) == f"{host.url} answers with more than 16 MB; check the url"
    assert failure.value.unclear


@pytest.mark.parametrize(
    "answer",
    [
        lambda request: PlainTextResponse(f"Cannot POST {request.url.path}?{request.url.query}", 404),
        lambda request: PlainTextResponse(f"no {request.url.path}, no {request.query_params['token']}", 500),
        lambda request: PlainTextResponse("", 401),
        lambda request: PlainTextResponse("", 429),
        lambda request: RedirectResponse(str(request.url.replace(port=9))),
        lambda request: RedirectResponse(SECRET_PATH + "&more=1"),
    ],
)
def test_a_webhooks_secret_address_is_in_no_sentence(log: Log, answer: Callable[[Request], Response]) -> None:
    with Loopback(answering(answer)) as host, pytest.raises(Retry) as failure:
        send(log, Webhook(url=host.url + SECRET_PATH))
    assert str(failure.value).startswith(host.url + " ") and "s3cret" not in str(failure.value)


def test_what_a_webhook_refuses_does_not_repeat_its_address_either(log: Log) -> None:
    answer = answering(lambda request: PlainTextResponse(f"POST {request.url.path} was wrong", 422))
    with Loopback(answer) as host:
        (refused,) = send(log, Webhook(url=host.url + SECRET_PATH))
    assert refused.reason == "422: POST … was wrong"


def test_where_a_redirect_points_to_is_said_as_far_as_it_may_be(log: Log) -> None:
    app = answering(lambda _: RedirectResponse("https://elsewhere.example.org/x?y=1"))
    with Loopback(app) as host, pytest.raises(Retry, match=r"points to https://elsewhere\.example\.org; put"):
        send(log, Webhook(url=host.url))


def test_a_server_that_is_away_is_named_without_its_secrets(log: Log) -> None:
    host = Loopback(None)
    with pytest.raises(Retry) as failure:
        send(log, Webhook(url=host.url + SECRET_PATH))
    assert str(failure.value).startswith(f"{host.url} can't be reached")
    (said,) = doctor.forwarder("hook", Webhook(url=host.url + SECRET_PATH))
    assert host.url in said.en and "s3cret" not in said.en + said.de


def test_a_secret_header_comes_from_its_file(log: Log, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("geheim\n")
    seen: list[str | None] = []

    def answer(request: Request) -> Response:
        seen.append(request.headers.get("x-api-key"))
        return Response(status_code=204)

    with Loopback(answering(answer)) as host:
        send(log, Webhook(url=host.url, header_files={"X-Api-Key": str(tmp_path / "key")}))
    assert seen == ["geheim"]


@pytest.mark.parametrize("status", [400, 422, 500, 503])
def test_a_server_that_repeats_all_it_was_sent_gives_no_secret_away(log: Log, tmp_path: Path, status: int) -> None:
    for name, text in {"key": "k3y-in-a-header", "password": 'p4ss"wörd/+', "token": "t0k3n-t0k3n"}.items():
        (tmp_path / name).write_text(text + "\n")
    sent: list[str] = []

    def debug(request: Request) -> Response:
        sent.append(request.headers["authorization"])
        user = base64.b64decode(sent[-1].partition(" ")[2]).decode() if sent[-1].startswith("Basic") else ""
        return JSONResponse({"detail": f"{user} {dict(request.headers)}"}, status)

    key = {"X-Api-Key": str(tmp_path / "key")}
    with Loopback(answering(debug)) as host:
        for more in (
            {"user": "bordstein", "password_file": str(tmp_path / "password")},
            {"token_file": str(tmp_path / "token")},
        ):
            try:
                (refused,) = send(log, Webhook(url=host.url, header_files=key, **more))
                said = refused.reason
            except Retry as failure:
                said = str(failure)
            assert str(status) in said and not any(part in said for part in ("k3y", "p4ss", "t0k3n"))
            assert sent[-1].partition(" ")[2] not in said


def test_a_header_of_the_configuration_replaces_the_programs_own_however_it_is_spelt() -> None:
    client = http.client(Webhook(url="https://h/", headers={"User-Agent": "town"}), {"content-type": "x"})
    assert client.headers.get_list("user-agent") == ["town"]


def test_one_target_that_cannot_be_set_up_stops_no_other(log: Log, tmp_path: Path) -> None:
    (tmp_path / "no certificate").write_text("x")
    taken: list[bytes] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        taken.append(await Request(scope, receive).body())
        await Response(status_code=204)(scope, receive, send)

    async def turn(step: Callable[[], Awaitable[Any]], box: Any) -> None:
        try:
            await step()
        finally:
            await box._target.close()

    with Loopback(app) as host:
        broken = SensorThings(url="https://localhost/v1.1", ca=str(tmp_path / "no certificate"))
        lost = Webhook(url=host.url, secret_file=str(tmp_path / "nowhere"))
        config = Config(
            gateway=Gateway(data=str(tmp_path)),
            mqtt=Mqtt(host="localhost"),
            forward={"broken": broken, "lost": lost, "whole": Webhook(url=host.url)},
        )
        boxes = {box.name: box for box in start(config, log.store)}
        for name in ("broken", "lost"):
            with pytest.raises(Retry, match="This target can't be set up: "):
                asyncio.run(turn(boxes[name].turn, boxes[name]))
        asyncio.run(turn(boxes["whole"].turn, boxes["whole"]))
    assert len(taken) == 1


def test_doctor_says_what_no_target_can_be_built_from(tmp_path: Path) -> None:
    (tmp_path / "ca").write_text("x")
    for settings in (Webhook(url="https://h:abc/"), Webhook(url="https://localhost/", ca=str(tmp_path / "ca"))):
        (said,) = doctor.forwarder("hook", settings)
        assert said.level == "note" and "does not answer" in said.en
