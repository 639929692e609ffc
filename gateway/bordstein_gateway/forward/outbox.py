"""The way out to one target: its place in the log, order, retry, dead letters, sending again.

The place moves only when the target has answered. Before a batch goes out its range is marked in the store; a mark that
is still there after an unclear failure or a restart means: look what the target has, and send only the rest. So a
target that stores twice what is sent twice gets each reading once.

Three lanes, served in this order: the log itself, dead letters somebody wants tried again, and refills (a time span
once more), the last one no faster than REFILL_PAUSE_S a batch. Every lane sends in log order, so the order of each
series' readings is kept.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

from ..config import Forward
from ..store import Store
from ..store.types import Place, Refill, StoredReading
from .target import Refused, Retry, Target

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 300.0
IDLE_S = 0.5
REFILL_PAUSE_S = 1.0
DEAD_AT_ONCE = 100

log = structlog.get_logger(__name__)


@dataclass
class Status:
    """What pages and metrics show of an outbox. Times: Unix seconds, 0.0 for never."""

    trouble: str = ""
    """Why the last try failed, one sentence; empty while all is well."""
    sent: int = 0
    refused: int = 0
    failures: int = 0
    last_success: float = 0.0


class Outbox:
    """One forwarder. run() ends after stop(), or is cancelled: nothing is lost either way."""

    def __init__(
        self,
        name: str,
        settings: Forward,
        store: Store,
        target: Target,
        *,
        jitter: Callable[[], float] = lambda: random.uniform(0.5, 1.0),  # noqa: S311
        first_pause: float = FIRST_PAUSE_S,
    ) -> None:
        self.name = name
        self.kind = type(settings).__struct_config__.tag
        self.status = Status()
        self._settings = settings
        self._store = store
        self._target = target
        self._jitter = jitter
        self._first_pause = first_pause
        self._pause = first_pause
        self._stop = asyncio.Event()
        self._refill_at = 0.0

    def stop(self) -> None:
        """End run() after the request that is under way."""
        self._stop.set()

    def backlog(self) -> int:
        """Readings in the log that this target has not got yet (an upper bound: filtered ones are among them)."""
        return max(0, self._store.newest_id() - self._store.place_get(self.name).next_id + 1)

    async def run(self) -> None:
        """Deliver until stop()."""
        try:
            while not self._stop.is_set():
                try:
                    busy = await self.turn()
                except Retry as failure:
                    await self._rest(self._failed(failure))
                else:
                    if not busy:
                        await self._rest(IDLE_S)
        finally:
            await self._target.close()

    async def turn(self) -> bool:
        """One batch of one lane; whether there was anything to do. Retry when the target could not take it."""
        return await self._log_lane() or await self._dead_lane() or await self._refill_lane()

    async def _log_lane(self) -> bool:
        place = await asyncio.to_thread(self._store.place_get, self.name)
        rows = await self._rows(place.next_id, place.pending_to)
        if not rows:
            return False
        last = rows[-1].id if place.pending_to is None else place.pending_to
        if place.pending_to is None and any(map(self._wanted, rows)):
            await self._done(self._store.place_set(place._replace(pending_to=last)))
        refused = await self._deliver(rows, look=place.pending_to is not None)
        await self._done(self._store.place_set(Place(self.name, last + 1, None), refused))
        return True

    async def _dead_lane(self) -> bool:
        dead = await asyncio.to_thread(lambda: self._store.dead_letters(self.name, retry_only=True, limit=DEAD_AT_ONCE))
        if not dead:
            return False
        ids = [letter.reading_id for letter in dead]
        rows = await asyncio.to_thread(self._store.readings_by_id, ids)
        refused = await self._deliver(rows, look=True)
        kept = {letter.id for letter in refused}
        await self._done(self._store.dead_done(self.name, [id for id in ids if id not in kept], refused))
        return True

    async def _refill_lane(self) -> bool:
        now = time.monotonic()
        if now < self._refill_at:
            return False
        orders = await asyncio.to_thread(self._store.refills, self.name)
        if not orders:
            return False
        self._refill_at = now + REFILL_PAUSE_S
        order: Refill = orders[0]
        rows = await asyncio.to_thread(
            self._store.readings_between,
            order.from_ms,
            order.to_ms,
            order.next_id - 1,
            self._settings.batch,
            order.last_id,
        )
        # What a refill sends may be there from the first time: always look.
        refused = await self._deliver(rows, look=True) if rows else []
        done = len(rows) < self._settings.batch
        next_id = rows[-1].id + 1 if rows else order.next_id
        await self._done(self._store.refill_set(order._replace(next_id=next_id, done=done), refused))
        if done:
            log.info("refill is through", forwarder=self.name, refill=order.id)
        return True

    async def _rows(self, next_id: int, pending_to: int | None) -> list[StoredReading]:
        limit = self._settings.batch if pending_to is None else pending_to - next_id + 1
        rows = await asyncio.to_thread(self._store.readings_after, next_id - 1, limit)
        return rows if pending_to is None else [row for row in rows if row.id <= pending_to]

    async def _deliver(self, rows: Sequence[StoredReading], *, look: bool) -> list[Refused]:
        wanted = [row for row in rows if self._wanted(row)]
        if look and wanted:
            there = await self._target.there(wanted)
            wanted = [row for row in wanted if row.id not in there]
        refused = await self._target.send(wanted) if wanted else []
        self._succeeded(len(wanted) - len(refused), refused)
        return refused

    def _wanted(self, row: StoredReading) -> bool:
        settings = self._settings
        if settings.devices and row.device not in settings.devices:
            return False
        if settings.max_age and row.time < (time.time() - settings.max_age * 3600) * 1000:
            return False
        if settings.properties:
            return row.property in settings.properties
        return not row.series.startswith("health/")  # a board's own state is for the gateway's page, unless named

    def _succeeded(self, sent: int, refused: Sequence[Refused]) -> None:
        status = self.status
        if status.trouble:
            log.info("target answers again", forwarder=self.name)
        status.trouble = ""
        status.sent += sent
        status.refused += len(refused)
        status.last_success = time.time()
        self._pause = self._first_pause
        for letter in refused[:5]:
            log.warning("refused by the target", forwarder=self.name, reading=letter.id, reason=letter.reason)

    def _failed(self, failure: Retry) -> float:
        """Seconds to wait."""
        status = self.status
        status.failures += 1
        if status.trouble != str(failure):
            log.warning("target takes nothing", forwarder=self.name, reason=str(failure))
        status.trouble = str(failure)
        pause = self._pause * self._jitter()
        self._pause = min(2 * self._pause, LONGEST_PAUSE_S)
        return max(pause, failure.wait or 0.0)

    async def _rest(self, seconds: float) -> None:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    async def _done(self, future: Any) -> None:
        await asyncio.wrap_future(future)
