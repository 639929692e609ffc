"""Answers that caches understand: ETag, Last-Modified, 304 (RFC 9110 section 13), and CORS for everybody."""

import hashlib
from email.utils import formatdate
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

_FRESH_S = 10
"""Seconds a cache may go on with an answer: newest values change about every minute."""
_SAFE = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    "referrer-policy": "no-referrer",
}


def headers(*, full: bool) -> dict[str, str]:
    """Of every answer of a feed. Without a login all get the same; with one, nobody else may get it from a cache."""
    caching = "private, no-cache" if full else f"public, max-age={_FRESH_S}"
    return {
        **_SAFE,
        "cache-control": caching,
        "vary": "Accept, Authorization",
        "access-control-allow-origin": "*",
        "access-control-expose-headers": "ETag, Last-Modified, Link",
    }


def answer(
    request: Request,
    body: bytes,
    media_type: str,
    *,
    full: bool,
    newest_s: int = 0,
    same: bytes | None = None,
    more: dict[str, str] | None = None,
) -> Response:
    """200, or 304 for who has it already. newest_s: of the newest reading in it (Unix seconds); 0: none.

    `same`: what makes it another answer, where that is not all of the body.
    """
    # Weak: the gzip of it is the same to us (RFC 9110 section 8.8.1).
    tag = f'W/"{hashlib.sha256(body if same is None else same).hexdigest()[:32]}"'
    found: dict[str, Any] = {**headers(full=full), "etag": tag, **(more or {})}
    if newest_s:
        found["last-modified"] = formatdate(newest_s, usegmt=True)
    given = request.headers.get("if-none-match")
    if given is not None and (given.strip() == "*" or _bare(tag) in map(_bare, given.split(","))):
        return Response(status_code=304, headers=found)
    return Response(body, media_type=media_type, headers=found)


def _bare(tag: str) -> str:
    return tag.strip().removeprefix("W/")
