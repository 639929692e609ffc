"""HTTP connections of strangers: only so many, none that is held without a request, none whose answer is not taken.

Each takes a file descriptor, of which a process has some 1,000: without them the store opens no file, and the way in
makes no connection to the broker. What is not taken waits in memory, or keeps others from their files.
"""

import asyncio
import time
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST = 400
MOST_BYTES = 32 * 2**20
"""Of answers that wait to be taken, of all connections."""
PATIENCE_S = 20.0
"""For a request to be there with all of its head, and for the next part of an answer to be taken."""
PARTS = 20
LEAST = 8192
"""An answer that waits is taken in so many parts at most, of at least so many bytes."""


class Protocol(H11Protocol):
    """uvicorn's, with these limits."""

    _timer: asyncio.TimerHandle | None = None
    _taking: asyncio.TimerHandle | None = None
    _since = 0.0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > MOST:
            transport.close()
            return
        self._begin()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._timer is None and self._idle:
            self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._timer, self._taking):
            if timer is not None:
                timer.cancel()
        self._taking = None
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._since = time.monotonic()
        waiting = self._waiting
        self._watch(waiting, max(LEAST, waiting // PARTS))
        paused = [one for one in self.connections if isinstance(one, Protocol) and one._taking is not None]
        if sum(one._waiting for one in paused) > MOST_BYTES:
            min(paused, key=lambda one: one._since).transport.abort()

    def resume_writing(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None
        super().resume_writing()

    @property
    def _idle(self) -> bool:
        """No request is being answered."""
        cycle = cast(Any, self.cycle)
        return cycle is None or bool(cycle.response_complete)

    @property
    def _waiting(self) -> int:
        return self.transport.get_write_buffer_size()

    def _begin(self) -> None:
        self._timer = self.loop.call_later(PATIENCE_S, self._judge)

    def _judge(self) -> None:
        self._timer = None
        if self._idle and not self._waiting:
            self.transport.close()

    def _watch(self, waiting: int, part: int) -> None:
        self._taking = self.loop.call_later(PATIENCE_S, self._judge_taking, waiting, part)

    def _judge_taking(self, before: int, part: int) -> None:
        """While writing is paused nothing is added, so that what waits only becomes less."""
        waiting = self._waiting
        if before - waiting < part:
            self.transport.abort()
        else:
            self._watch(waiting, part)
