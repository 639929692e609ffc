"""A token endpoint for OAuth2 client credentials and a guard for what it protects, as Keycloak is in front of FROST.

Strict (RFC 6749): a form, the grant type, id and secret in HTTP Basic or in the form but not in both. It can be told to
give tokens that last a few seconds, to revoke those it gave, and to refuse.
"""

import base64
import itertools
import time
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

PATH = "/realms/town/protocol/openid-connect/token"


class Tokens:
    """`app` guarded: without a token that is good at this moment it answers 401. `fault`: a status to refuse with."""

    def __init__(
        self, app: Any, client: str, secret: str, *, lasts: float = 300.0, clock: Any = time.monotonic
    ) -> None:
        self._app = app
        self._client = client, secret
        self.lasts = lasts
        self.fault: int | None = None
        self.asked: list[dict[str, str]] = []
        self.ways: list[str] = []
        self.let_in = self.turned_away = 0
        self._good: dict[str, float] = {}
        self._numbers = itertools.count(1)
        self._clock = clock

    def revoke(self) -> None:
        """None of the tokens that were given is good any more."""
        self._good.clear()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        if request.url.path == PATH:
            await (await self._token(request))(scope, receive, send)
            return
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._good.get(token, 0.0) <= self._clock():
            self.turned_away += 1
            await PlainTextResponse("who are you?", 401)(scope, receive, send)
            return
        self.let_in += 1
        await self._app(scope, receive, send)

    async def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode(), True, True).items()}
        self.asked.append(form)
        if request.method != "POST" or not request.headers.get("content-type", "").startswith(
            "application/x-www-form-urlencoded"
        ):
            return _error(400, "invalid_request", "a form is expected")
        if self.fault is not None:
            return _error(self.fault, "temporarily_unavailable" if self.fault >= 500 else "unauthorized_client", "no")
        basic = request.headers.get("authorization", "")
        if basic.startswith("Basic "):
            if "client_secret" in form:
                return _error(400, "invalid_request", "more than one way to authenticate")
            id, _, key = base64.b64decode(basic[6:]).decode().partition(":")
            given, way = (unquote_plus(id), unquote_plus(key)), "basic"
        else:
            given, way = (form.get("client_id", ""), form.get("client_secret", "")), "body"
        if given != self._client:
            return _error(401, "invalid_client", "Invalid client or Invalid client credentials")
        if form.get("grant_type") != "client_credentials":
            return _error(400, "unsupported_grant_type", "")
        self.ways.append(way)
        token = f"t0ken-{next(self._numbers)}"
        self._good[token] = self._clock() + self.lasts
        return JSONResponse({"access_token": token, "token_type": "Bearer", "expires_in": self.lasts})


def _error(status: int, code: str, words: str) -> Response:
    return JSONResponse({"error": code, "error_description": words}, status_code=status)
