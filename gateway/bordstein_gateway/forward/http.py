"""One HTTP client for all kinds of target: credentials, limits, and answers turned into words a person can use."""

import email.utils
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2

from .. import __version__
from ..config import Forward
from .target import Retry

_BUSY = (408, 425, 429, 503)


def client(settings: Forward, headers: Mapping[str, str] | None = None) -> httpx2.AsyncClient:
    """A client for one target. Secrets are read here, so that a changed file counts from the next start on."""
    auth = None
    given = {"user-agent": f"bordstein-gateway/{__version__}", **(headers or {}), **settings.headers}
    if settings.user is not None and settings.password_file is not None:
        auth = httpx2.BasicAuth(settings.user, secret(settings.password_file))
    elif settings.token_file is not None:
        given["authorization"] = f"Bearer {secret(settings.token_file)}"
    context = ssl.create_default_context()
    if settings.ca is not None:
        context.load_verify_locations(settings.ca)
    return httpx2.AsyncClient(
        auth=auth,
        headers=given,
        verify=context,
        timeout=settings.timeout,
        follow_redirects=False,
        limits=httpx2.Limits(max_connections=2, max_keepalive_connections=2),
    )


def secret(path: str) -> str:
    """The content of a secret's file without the line end."""
    return Path(path).read_text(encoding="utf-8").strip()


async def request(http: httpx2.AsyncClient, method: str, url: str, **options: Any) -> httpx2.Response:
    """One request; the answer, whatever its status below 500 that is not «busy» or «who are you?». Retry otherwise."""
    try:
        answer = await http.request(method, url, **options)
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
        raise Retry(f"{url} can't be reached: {_why(error)}") from None
    except httpx2.TimeoutException:
        raise Retry(f"{url} gave no answer in time", unclear=True) from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Retry(f"{url}: the connection broke: {_why(error)}", unclear=True) from None
    status = answer.status_code
    if status in _BUSY:
        raise Retry(f"{url} is busy ({status})", wait=_wait(answer))
    if status >= 500:
        # A proxy that gave up: the server behind it may still be at work.
        unclear = status in (502, 504)
        raise Retry(f"{url} has a fault of its own ({status}): {reason(answer)}", unclear=unclear, wait=_wait(answer))
    if status in (401, 403):
        raise Retry(f"{url} does not let the gateway in ({status}); check user, password or token of this target")
    if 300 <= status < 400:
        raise Retry(f"{url} points to {answer.headers.get('location', 'another address')}; put that into the url")
    return answer


def reason(answer: httpx2.Response) -> str:
    """What the other side said about a failure, in one short line."""
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
        raise Retry(f"{url} answers {answer.status_code}: {reason(answer)}; check the url")
    return found
