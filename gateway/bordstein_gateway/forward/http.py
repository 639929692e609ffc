"""One HTTP client for all kinds of target: credentials, limits, and answers turned into words a person can use.

The words are shown on a page that asks for no password, so of an address they have only what can't be secret: no query,
and of a webhook's no path either.
"""

import asyncio
import email.utils
import ssl
import time
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import parse_qsl

import httpx2

from .. import __version__
from ..config.files import secret
from ..config.types import HttpForward, origin, without_query
from ..texts import both, said
from .censor import SHORTEST, censored, credentials
from .http_words import unreachable
from .oauth2 import Token
from .target import Retry

_BUSY = (408, 425, 429, 503)
_LARGEST = 16 << 20
"""Bytes of an answer; the largest that is asked for, the links of 10,000 Observations, has about one million."""


class Client(httpx2.AsyncClient):
    """An httpx2 client with the token that it has to show, where one has to be fetched.

    `secrets`: what the other side gets and nobody else may read, beside all that is in an Authorization header.
    """

    token: Token | None = None
    secrets: tuple[str, ...] = ()

    async def aclose(self) -> None:
        """Close all connections."""
        await super().aclose()
        if self.token is not None:
            await self.token.aclose()


def client(settings: HttpForward, headers: Mapping[str, str] | None = None) -> Client:
    """A client for one target. Secrets are read here, so that a changed file counts from the next start on."""
    auth = None
    given = httpx2.Headers({"user-agent": f"bordstein-gateway/{__version__}", **(headers or {})})
    given.update(settings.headers)
    hidden = {name: secret(file) for name, file in settings.header_files.items()}
    given.update(hidden)
    if settings.user is not None and settings.password_file is not None:
        auth = httpx2.BasicAuth(settings.user, secret(settings.password_file))
    elif settings.token_file is not None:
        given["authorization"] = f"Bearer {secret(settings.token_file)}"
    context = ssl.create_default_context()
    if settings.ca is not None:
        context.load_verify_locations(settings.ca)
    made = Client(
        auth=auth,
        headers=given,
        verify=context,
        # Connecting gives up a little earlier than the request: then it is clear that nothing was sent.
        timeout=httpx2.Timeout(settings.timeout, connect=settings.timeout * 0.9),
        follow_redirects=False,
        limits=httpx2.Limits(max_connections=2, max_keepalive_connections=2),
    )
    made.secrets = tuple(hidden.values())
    if settings.oauth2 is not None:
        made.token = Token(settings.oauth2, context, settings.timeout)
    return made


async def request(
    http: Client, method: str, url: str, *, name: str | None = None, take: Collection[int] = (), **options: Any
) -> httpx2.Response:
    """One request; the answer, whatever its status below 500 that is not "busy" or "who are you?". Retry otherwise.

    `name`: what the address is called in words; the address without its query when not given. `take`: statuses whose
    answers the caller wants to see, too. A 401 where a token is fetched says that it was revoked or expired early: then
    there is one more try, with a new one; what was refused for that reason was not looked at.
    """
    name = name or without_query(url)
    token = http.token
    answer = await _answer(http, method, url, name, await _showing(token, options))
    if answer.status_code == 401 and token is not None:
        token.forget()
        answer = await _answer(http, method, url, name, await _showing(token, options))
    if answer.status_code not in take:
        _judge(answer, name)
    return answer


async def _showing(token: Token | None, options: dict[str, Any]) -> dict[str, Any]:
    """A request's options with the token among its headers."""
    if token is None:
        return options
    return {**options, "headers": {**(options.get("headers") or {}), **await token.header()}}


async def _answer(http: Client, method: str, url: str, name: str, options: Mapping[str, Any]) -> httpx2.Response:
    """The answer, whatever its status. Retry when there is none."""
    try:
        # The client's own limit is for each read: a server that sends a byte now and then would hold us for ever.
        async with asyncio.timeout(http.timeout.read):
            return await _whole(http, method, url, name, options)
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
        raise Retry(unreachable(name, error)) from None
    except (httpx2.TimeoutException, TimeoutError):
        raise Retry(
            both(f"{name} hat nicht rechtzeitig geantwortet", f"{name} gave no answer in time"), unclear=True
        ) from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Retry(
            both(
                f"{name}: die Verbindung ist abgebrochen: {_why(error)}", f"{name}: the connection broke: {_why(error)}"
            ),
            unclear=True,
        ) from None


def _judge(answer: httpx2.Response, name: str) -> None:
    """Retry for what no reading is to blame for."""
    status = answer.status_code
    if status in _BUSY:
        raise Retry(both(f"{name} ist überlastet ({status})", f"{name} is busy ({status})"), wait=_wait(answer))
    if status >= 500:
        # A proxy that gave up: the server behind it may still be at work.
        unclear = status in (502, 504)
        fault = both(
            f"{name} hat selbst eine Störung ({status}): {reason(answer)}",
            f"{name} has a fault of its own ({status}): {reason(answer)}",
        )
        raise Retry(fault, unclear=unclear, wait=_wait(answer), broken=True)
    if status in (401, 403):
        raise Retry(
            both(
                f"{name} lässt das Gateway nicht ein ({status}); Benutzer, Passwort oder Token dieses Ziels prüfen",
                f"{name} does not let the gateway in ({status}); check user, password or token of this target",
            )
        )
    if 300 <= status < 400:
        there = _elsewhere(answer, name)
        raise Retry(
            both(
                f"{name} verweist auf {said(there, 'de')}; das gehört in die url",
                f"{name} points to {there}; put that into the url",
            )
        )


async def _whole(http: Client, method: str, url: str, name: str, options: Mapping[str, Any]) -> httpx2.Response:
    """The answer with its body, unless that is far larger than any should be."""
    async with http.stream(method, url, **options) as answer:
        body = bytearray()
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > _LARGEST:
                raise Retry(
                    both(
                        f"{name} antwortet mit mehr als {_LARGEST >> 20} MB; die url prüfen",
                        f"{name} answers with more than {_LARGEST >> 20} MB; check the url",
                    ),
                    unclear=True,
                )
    # The body is unpacked already.
    headers = [
        pair for pair in answer.headers.multi_items() if pair[0].lower() not in ("content-encoding", "content-length")
    ]
    said = bytes(body)
    if answer.status_code >= 400:  # it may be shown: pages for debugging repeat all that was sent
        said = censored(said, [*http.secrets, *credentials(answer.request.headers.get("authorization", ""))])
    return httpx2.Response(answer.status_code, headers=headers, content=said, request=answer.request)


def _elsewhere(answer: httpx2.Response, name: str) -> str:
    """Where a redirect points to, with as much of the address as `name` has."""
    try:
        there = str(answer.request.url.join(answer.headers["location"]))
    except (KeyError, httpx2.InvalidURL, ValueError):
        return both("eine andere Adresse", "another address")
    there = origin(there) if name == origin(name) else without_query(there)
    return there if there != name else both("eine andere Adresse dort", "another address there")


def reason(answer: httpx2.Response) -> str:
    """What the other side said about a failure, in one short line, without the address it may repeat."""
    text = answer.text
    try:
        content = answer.json()
    except ValueError:
        content = None
    if isinstance(content, dict):
        for key in ("message", "detail", "title", "error"):
            if isinstance(content.get(key), str):
                text = content[key]
                break
    url = answer.request.url
    target, query = url.raw_path.decode("ascii"), url.query.decode("ascii")
    for part in (target, url.path, query, *(value for _, value in parse_qsl(query))):
        if len(part) >= SHORTEST:
            text = text.replace(part, "…")
    return " ".join(text.split())[:300] or answer.reason_phrase


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__


def _wait(answer: httpx2.Response) -> float | None:
    """Seconds of a Retry-After header (RFC 9110 section 10.2.3), at most an hour."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isdigit():
        seconds = float(value)
    else:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except (TypeError, ValueError):
            return None
    return min(max(seconds, 0.0), 3600.0)


def content(answer: httpx2.Response, url: str) -> dict[str, Any]:
    """The JSON object in an answer; Retry when there is none, with what came instead."""
    try:
        found = answer.json() if answer.is_success else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        status, why = answer.status_code, reason(answer)
        raise Retry(
            both(f"{url} antwortet {status}: {why}; die url prüfen", f"{url} answers {status}: {why}; check the url")
        )
    return found


def found(answer: httpx2.Response, url: str) -> bool:
    """Whether there is what was asked for; Retry where the answer says neither."""
    if answer.status_code == 404:
        return False
    content(answer, url)
    return True


def takes_nothing(url: str, answer: httpx2.Response) -> Retry:
    """For an address where the kind of thing that was sent has no place."""
    why = f"({answer.status_code}): {reason(answer)}"
    return Retry(both(f"{url} nimmt nichts an {why}; die url prüfen", f"{url} takes nothing {why}; check the url"))


def lost_entities(url: str) -> Retry:
    """For a server where somebody removed what readings belong to."""
    return Retry(
        both(
            f"{url} hat verloren, was dort angelegt war; es wird neu angelegt",
            f"{url} has lost what was made there; it is made anew",
        )
    )
