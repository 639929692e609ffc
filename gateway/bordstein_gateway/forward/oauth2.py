"""Bearer tokens by OAuth2 client credentials: fetched when first needed, kept in memory, renewed before they expire.

Source: RFC 6749 sections 2.3.1, 4.4 and 5; as Keycloak and other servers do it. `audience` is no part of the RFC; the
servers that want it (Auth0 and some of Keycloak's set-ups) take it as one more field.
"""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn
from urllib.parse import quote_plus

import httpx2

from ..config.files import secret
from ..config.types import OAuth2, without_query
from ..texts import both
from .censor import censored, credentials
from .http_words import why
from .target import Retry

_EARLY_S = 30.0
"""A token is not used in its last seconds: the request is on its way for a while, and clocks differ."""
_UNKNOWN_S = 300.0
"""How long a token is used whose end the server does not tell; after a 401 there is a new one anyway."""
_LARGEST = 64 << 10
_WRONG = ("invalid_client", "unauthorized_client", "invalid_scope", "invalid_request", "unsupported_grant_type")


class Token:
    """One client's token at one token endpoint. It is never shown or logged."""

    def __init__(
        self, settings: OAuth2, context: ssl.SSLContext, timeout: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = settings.token_url
        self._name = without_query(settings.token_url)
        self._form, auth = _credentials(settings)
        self._secret = secret(settings.client_secret_file)
        self._clock = clock
        self._timeout = timeout
        # A client of its own: the headers that are meant for the target go to nobody else.
        self._http = httpx2.AsyncClient(
            auth=auth, headers={"accept": "application/json"}, verify=context, timeout=timeout, follow_redirects=False
        )
        self._value = ""
        self._until = 0.0

    async def header(self) -> dict[str, str]:
        """The header for the next request. Retry when there is no token to be had, with the endpoint's reason."""
        if not self._value or self._clock() >= self._until:
            await self._fetch()
        return {"authorization": f"Bearer {self._value}"}

    def forget(self) -> None:
        """After a 401: the next request gets a new one."""
        self._value = ""

    async def aclose(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    async def _fetch(self) -> None:
        self._value = ""
        asked = self._clock()
        try:
            async with (
                asyncio.timeout(self._timeout),
                self._http.stream("POST", self._url, data=self._form) as answer,
            ):
                body = bytearray()
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > _LARGEST:
                        break
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
            de, en = why(error, "token_url")
            raise Retry(
                both(
                    f"{self._name} ist nicht erreichbar, es gibt kein Token: {de}",
                    f"{self._name} can't be reached, there is no token: {en}",
                )
            ) from None
        if not answer.is_success:
            hidden = [self._secret, *credentials(answer.request.headers.get("authorization", ""))]
            self._refused(answer.status_code, _object(censored(bytes(body), hidden)))
        content = _object(bytes(body))
        token, kind = content.get("access_token"), str(content.get("token_type", "bearer"))
        if not isinstance(token, str) or not token or kind.lower() != "bearer" or not _fits(token):
            raise Retry(
                both(
                    f"{self._name} antwortet {answer.status_code} ohne Bearer-Token; die token_url prüfen",
                    f"{self._name} answers {answer.status_code} without a bearer token; check the token_url",
                )
            )
        seconds = _seconds(content.get("expires_in"))
        self._value = token
        # Of one that lasts a minute or less at least half is used.
        self._until = asked + max(seconds - _EARLY_S, seconds / 2)

    def _refused(self, status: int, content: Mapping[str, Any]) -> NoReturn:
        """Section 5.2: `error` is one of a few words, `error_description` is for people."""
        code = str(content.get("error", ""))
        words = " ".join(str(content.get("error_description", "")).split())[:200]
        why = f"({status})" + (f": {code}" if code else "") + (f", {words}" if words else "")
        if status >= 500 or status in (408, 429):
            raise Retry(
                both(
                    f"{self._name} gibt gerade kein Token aus {why}", f"{self._name} gives no token at the moment {why}"
                )
            )
        keys = "client_id, client_secret_file, scope"
        what = keys if code in _WRONG or status in (400, 401, 403) else "token_url"
        raise Retry(
            both(
                f"{self._name} gibt dem Gateway kein Token {why}; {what} in oauth2 prüfen",
                f"{self._name} gives the gateway no token {why}; check {what} in oauth2",
            )
        )


def _credentials(settings: OAuth2) -> tuple[dict[str, str], httpx2.BasicAuth | None]:
    """The form's fields and HTTP Basic: id and secret stand in the one or the other (section 2.3.1)."""
    form = {"grant_type": "client_credentials"}
    if settings.scope:
        form["scope"] = settings.scope
    if settings.audience:
        form["audience"] = settings.audience
    id, key = settings.client_id, secret(settings.client_secret_file)
    if settings.credentials == "body":
        return {**form, "client_id": id, "client_secret": key}, None
    # Both are form-encoded before they are Basic's user and password.
    return form, httpx2.BasicAuth(quote_plus(id), quote_plus(key))


def _object(body: bytes) -> dict[str, Any]:
    try:
        content = httpx2.Response(200, content=body).json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _seconds(lasts: Any) -> float:
    """How long a token lasts; some servers write the number as text."""
    try:
        seconds = float(lasts)
    except (TypeError, ValueError):
        return _UNKNOWN_S
    return seconds if 0 < seconds < 1e9 else _UNKNOWN_S


def _fits(token: str) -> bool:
    """Whether it can stand in a header."""
    return token.isascii() and token.isprintable() and " " not in token
