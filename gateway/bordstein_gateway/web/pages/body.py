"""Forms of a bounded size: nobody fills the memory with one."""

import asyncio

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.types import Message

from ...texts import both
from ..access import Refused

_MOST_FIELDS, _MOST_FILES = 500, 20
PATIENCE_S, SLOWEST = 30.0, 50_000
"""A form is here within so many seconds, and one more for each so many bytes that it may have: a connection that sends
nothing is one of 400."""


async def limited(request: Request, largest: int) -> FormData:
    """The form of a request (urlencoded or multipart); Refused when it has more than `largest` bytes. Files of more
    than 1 MB lie on disk meanwhile."""
    given = request.headers.get("content-length", "0")
    if not given.isdigit() or int(given) > largest:
        raise _too_large(largest)
    taken = 0
    receive = request._receive

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > largest:
            raise _too_large(largest)
        return message

    request._receive = counted
    try:
        async with asyncio.timeout(PATIENCE_S + largest / SLOWEST):
            return await request.form(max_fields=_MOST_FIELDS, max_files=_MOST_FILES, max_part_size=largest)
    except TimeoutError:
        slow = both(
            "Das Formular kam nicht ganz an; noch einmal senden.", "The form did not arrive whole; send it again."
        )
        raise Refused(408, slow, {"connection": "close"}) from None


def _too_large(largest: int) -> Refused:
    size = f"{largest // 1024} kB" if largest < 1 << 20 else f"{largest >> 20} MB"
    return Refused(413, both(f"Das ist zu groß: höchstens {size}.", f"That is too large: {size} at most."))
