"""Tokens by OAuth2 client credentials: fetched, renewed before and after they end, never shown."""

import asyncio
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
import structlog.testing
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bordstein_gateway.config.config import Config, Mqtt, Webhook
from bordstein_gateway.config.types import OAuth2
from bordstein_gateway.forward.oauth2 import Token
from bordstein_gateway.forward.target import Retry
from bordstein_gateway.forward.webhook.target import WebhookTarget
from tests.gateway.forwarding import drain
from tests.gateway.loopback import Log, Loopback
from tests.street.token_server import PATH, Tokens
from tests.street.webhook_server import Receiver

CLIENT, SECRET = "gateway:musterstadt", "geh+eim %ü/"


class Clock:
    """Seconds that pass when somebody says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def key(tmp_path: Path) -> str:
    (tmp_path / "client-secret").write_text(SECRET + "\n", encoding="utf-8")
    return str(tmp_path / "client-secret")


def oauth2(host: Loopback, key: str, **more: Any) -> OAuth2:
    return OAuth2(**{"token_url": host.url + PATH, "client_id": CLIENT, "client_secret_file": key, **more})


def deliver(log: Log, settings: Webhook, between: Any = lambda: None, clock: Clock | None = None) -> list[str]:
    """All readings, a batch a turn; the troubles on the way. `between`: called after each turn."""

    def make() -> WebhookTarget:
        target = WebhookTarget(settings, Config(mqtt=Mqtt(host="localhost")))
        if clock is not None:
            assert target._http.token is not None
            target._http.token._clock = clock
        return target

    return drain("x", log.store, settings, make, between)


@pytest.mark.parametrize("credentials", ["basic", "body"])
def test_a_token_is_fetched_once_and_shown_with_each_request(log: Log, key: str, credentials: str) -> None:
    receiver = Receiver(None)
    tokens = Tokens(receiver.app(), CLIENT, SECRET)
    log.add([float(number) for number in range(10)])
    with Loopback(tokens) as host:
        settings = oauth2(host, key, credentials=credentials, scope="sensorthings write", audience="frost")
        assert deliver(log, Webhook(url=host.url + "/events", batch=2, oauth2=settings)) == []
    assert len(receiver.events) == 10
    assert (tokens.ways, tokens.let_in, tokens.turned_away) == ([credentials], 5, 0)
    asked = {name: value for name, value in tokens.asked[0].items() if not name.startswith("client")}
    assert asked == {"grant_type": "client_credentials", "scope": "sensorthings write", "audience": "frost"}


@pytest.mark.parametrize("credentials", ["basic", "body"])
def test_a_token_server_that_repeats_what_it_got_gives_no_secret_away(log: Log, key: str, credentials: str) -> None:
    seen: list[str] = []

    async def repeat(scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        seen.append(request.headers.get("authorization", "").partition(" ")[2])
        form = (await request.body()).decode()
        what = {"error": "invalid_client", "error_description": f"{seen[-1]} {form} {SECRET}"}
        await JSONResponse(what, 401)(scope, receive, send)

    log.add([1.0])
    with Loopback(repeat) as host:
        settings = oauth2(host, key, credentials=credentials)
        trouble, *_ = deliver(log, Webhook(url=host.url + "/events", oauth2=settings))
    assert "invalid_client" in trouble and SECRET not in trouble and quote_plus(SECRET) not in trouble
    assert bool(seen[0]) is (credentials == "basic") and (not seen[0] or seen[0] not in trouble)


def test_a_token_is_renewed_before_it_ends(log: Log, key: str) -> None:
    clock, receiver = Clock(), Receiver(None)
    tokens = Tokens(receiver.app(), CLIENT, SECRET, lasts=60, clock=clock)
    log.add([float(number) for number in range(6)])

    def between() -> None:
        clock.now += 25

    with Loopback(tokens) as host:
        settings = oauth2(host, key)
        assert deliver(log, Webhook(url=host.url + "/events", batch=1, oauth2=settings), between, clock) == []
    assert len(receiver.events) == 6
    assert tokens.turned_away == 0
    assert len(tokens.ways) >= 3


def test_a_token_that_was_revoked_is_replaced_and_nothing_is_lost_or_doubled(log: Log, key: str) -> None:
    receiver = Receiver(None)
    tokens = Tokens(receiver.app(), CLIENT, SECRET)
    log.add([float(number) for number in range(6)])
    with Loopback(tokens) as host:
        settings = Webhook(url=host.url + "/events", batch=2, oauth2=oauth2(host, key))
        assert deliver(log, settings, tokens.revoke) == []
    assert (len(receiver.events), receiver.repeated) == (6, 0)
    assert len(tokens.ways) == 3


def test_a_target_that_lets_nobody_in_is_asked_twice_and_not_for_ever(log: Log, key: str) -> None:
    async def closed(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("no", 401)(scope, receive, send)

    tokens = Tokens(closed, CLIENT, SECRET)
    log.add([1.0])
    with Loopback(tokens) as host:
        troubles = deliver(log, Webhook(url=host.url + "/events", oauth2=oauth2(host, key)))
    assert len(set(troubles)) == 1 and "does not let the gateway in (401)" in troubles[0]
    assert tokens.let_in == 2 * len(troubles)


def test_a_wrong_secret_is_said_in_a_sentence_without_it(log: Log, key: str) -> None:
    tokens = Tokens(None, CLIENT, "another")
    log.add([1.0])
    with Loopback(tokens) as host, structlog.testing.capture_logs() as lines:
        (trouble, *_) = deliver(log, Webhook(url=host.url + "/events", oauth2=oauth2(host, key)))
        assert trouble == (
            f"{host.url}{PATH} gives the gateway no token (401): invalid_client, "
            "Invalid client or Invalid client credentials; check client_id, client_secret_file, scope in oauth2"
        )
    assert SECRET not in trouble + str(lines)
    assert log.store.dead_letters() == []


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (JSONResponse({"access_token": "a", "token_type": "mac"}), "answers 200 without a bearer token"),
        (JSONResponse({"access_token": "a\nb", "token_type": "Bearer"}), "answers 200 without a bearer token"),
        (JSONResponse({"error": "slow_down"}, 429), "gives no token at the moment (429): slow_down"),
        (JSONResponse([], 503), "gives no token at the moment (503)"),
        (PlainTextResponse("<html>", 404), "gives the gateway no token (404); check token_url"),
        (PlainTextResponse("", 302), "gives the gateway no token (302); check token_url"),
        (PlainTextResponse("x" * 200_000), "answers 200 without a bearer token"),
    ],
)
def test_what_a_token_endpoint_does_wrong_is_a_sentence(log: Log, key: str, answer: Any, sentence: str) -> None:
    log.add([1.0])

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await Request(scope, receive).body()
        await answer(scope, receive, send)

    with Loopback(app) as host:
        (trouble, *_) = deliver(log, Webhook(url=host.url + "/events", oauth2=oauth2(host, key)))
    assert sentence in trouble


@pytest.mark.parametrize("lasts", [None, "3600", "for ever", -1, 1e300])
def test_a_token_whose_end_is_told_oddly_or_not_at_all_is_used_for_a_while(log: Log, key: str, lasts: Any) -> None:
    fetched = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        answer: Response = Response(status_code=204)
        if Request(scope).url.path == PATH:
            fetched.append(lasts)
            answer = JSONResponse({"access_token": "t0ken", "expires_in": lasts})
        await answer(scope, receive, send)

    log.add([1.0, 2.0])
    with Loopback(app) as host:
        assert deliver(log, Webhook(url=host.url + "/events", batch=1, oauth2=oauth2(host, key))) == []
    assert fetched == [lasts]


def test_a_token_endpoint_that_is_away_is_a_sentence(key: str) -> None:
    async def fetch() -> None:
        token = Token(oauth2(Loopback(None), key), ssl.create_default_context(), 1)
        try:
            await token.header()
        finally:
            await token.aclose()

    with pytest.raises(Retry, match="can't be reached, there is no token"):
        asyncio.run(fetch())


def test_headers_for_the_target_do_not_go_to_the_token_endpoint(log: Log, key: str) -> None:
    seen: list[str | None] = []
    tokens = Tokens(Receiver(None).app(), CLIENT, SECRET)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope)
        if request.url.path == PATH:
            seen.append(request.headers.get("x-api-key"))
        await tokens(scope, receive, send)

    log.add([1.0])
    with Loopback(app) as host:
        headers = {"X-Api-Key": "for the target"}
        settings = Webhook(url=host.url + "/events", headers=headers, oauth2=oauth2(host, key))
        assert deliver(log, settings) == []
    assert seen == [None]
