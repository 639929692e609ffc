"""Files that are sent while they are written: only so many at a time, and to their end or visibly not."""

from collections.abc import AsyncIterator

import structlog
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from ..store import StoreError
from ..texts import both
from ..web.access import Refused
from .parquet import Failed

MOST = 4

_log = structlog.get_logger(__name__)


class Streams:
    """Those under way."""

    def __init__(self) -> None:
        self.count = 0

    def admit(self) -> None:
        """Refused: there are too many."""
        if self.count >= MOST:
            raise Refused(
                503,
                both(
                    "Gerade werden schon zu viele Dateien geholt; gleich noch einmal versuchen.",
                    "Too many files are being fetched just now; try again in a moment.",
                ),
                {"retry-after": "30"},
            )

    def answer(self, request: Request, parts: AsyncIterator[bytes], media: str, about: dict[str, str]) -> Response:
        """The parts as they come."""
        if request.method == "HEAD":  # nothing is read that nobody gets
            return Response(media_type=media, headers=about)
        return _Stream(self, parts, media, about)


class _Stream(StreamingResponse):
    """Counted while it is sent, also to who goes away in the midst of it."""

    def __init__(self, streams: Streams, parts: AsyncIterator[bytes], media: str, about: dict[str, str]) -> None:
        super().__init__(parts, media_type=media, headers=about)
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._streams.count += 1
        try:
            await super().__call__(scope, receive, send)
        except* (StoreError, Failed) as error:
            # Without its end the answer is none: the server breaks the connection off, and who asked sees that.
            _log.error("a file was not sent to its end", path=scope["path"], reason=str(error.exceptions[0]))
        finally:
            self._streams.count -= 1
