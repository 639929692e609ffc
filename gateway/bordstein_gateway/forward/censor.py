"""Takes our secrets out of what the other side says: it is logged, and shown on a page that asks for no password.

Servers that are set up for debugging repeat in an error's body all headers and fields that they were sent. Pure.
"""

import base64
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from urllib.parse import quote, quote_plus

SHORTEST = 4
"""Letters of what is looked for: less than this stands in ordinary words, too."""


def censored(text: bytes, secrets: Iterable[str]) -> bytes:
    """Without these, be they plain or as forms and JSON write them."""
    for one in sorted(secrets, key=len, reverse=True):
        if len(one) >= SHORTEST:
            quoted = [json.dumps(one, ensure_ascii=ascii)[1:-1] for ascii in (True, False)]
            for written in (one, quote(one, safe=""), quote_plus(one), *quoted):
                text = text.replace(written.encode(), "…".encode())
    return text


def credentials(authorization: str) -> Iterator[str]:
    """What is secret in an Authorization header: what follows the scheme (RFC 9110 section 11.4), or all of it."""
    yield authorization
    scheme, _, rest = authorization.partition(" ")
    yield rest
    if scheme.lower() == "basic":
        with suppress(ValueError):
            yield base64.b64decode(rest).decode().partition(":")[2]
