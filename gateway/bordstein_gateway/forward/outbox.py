"""The way out to one target: its place in the log, order, retry, dead letters, sending again.

The place moves only when the target has answered. Before a batch goes out its range is marked in the store; a mark that
is still there after a failure or a restart means: look what the target has, and send only the rest. So a target that
stores twice what is sent twice gets each reading once.

Three lanes. The log itself; beside it, no more often than every ASIDE_PAUSE_S, a batch of dead letters somebody wants
tried again and a batch of a refill (a time span once more). Every lane sends in log order, so the order of each series'
readings is kept; the lanes beside never touch what the log's lane has not passed yet.
"""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

from ..config_types import Forward
from ..store import Store
from ..store.types import Place, Refill, StoredReading, StoreError
from ..texts import both
from .schedule import Schedule
from .target import Refused, Retry, Target

IDLE_S = 0.5
ASIDE_PAUSE_S = 1.0
DEAD_AT_ONCE = 100
START_SETTLE_S = 1.0
"""After a restart in mid-request the target gets this long to finish what it had begun."""

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
    """One forwarder. run() ends after stop(), or is cancelled: nothing is lost either way.

    `settle`: seconds a target that gave no answer may still be at work on a request; as long as one request may take
    when not given.
    """

    def __init__(
        self,
        name: str,
        settings: Forward,
        store: Store,
        target: Target,
        *,
        schedule: Schedule | None = None,
        aside_pause: float = ASIDE_PAUSE_S,
        settle: float | None = None,
    ) -> None:
        self.name = name
        self.kind = str(type(settings).__struct_config__.tag)
        self.status = Status()
        self._settings = settings
        self._store = store
        self._target = target
        self._schedule = schedule or Schedule(name, settings, store)
        self._aside_pause = aside_pause
        self._aside_at = 0.0
        self._settle = settings.timeout if settle is None else settle
        self._stop = asyncio.Event()
        self._begun = False

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
                await self._rest(await self._step())
        finally:
            await self._target.close()

    async def turn(self) -> bool:
        """A batch of each lane; whether there was anything to do. Retry when the target could not take it."""
        sent = await self._log_lane()
        now = time.monotonic()
        if now < self._aside_at:
            return sent
        self._aside_at = now + self._aside_pause
        dead = await self._dead_lane()
        return await self._refill_lane() or dead or sent

    async def _begin(self) -> float:
        """Seconds to wait before the first try."""
        wait, self.status.trouble = await self._schedule.load()
        place = await asyncio.to_thread(self._store.place_get, self.name)
        return wait if place.pending_to is None else max(wait, min(self._settle, START_SETTLE_S))

    async def _step(self) -> float:
        """One turn, whatever becomes of it; seconds to rest then. No trouble ends the forwarder."""
        try:
            if not self._begun:
                self._begun = True
                return await self._begin()
            return 0.0 if await self.turn() else IDLE_S
        except Retry as failure:
            at_least = max(failure.wait or 0.0, self._settle if failure.unclear else 0.0)
            return await self._failed(failure.args[0], at_least)
        except StoreError as error:
            return await self._failed(error.args[0])
        except Exception as error:
            log.exception("a mistake in the program", forwarder=self.name)
            kind = type(error).__name__
            return await self._failed(
                both(
                    f"Ein Fehler im Programm ({kind}); das Log hat die Einzelheiten.",
                    f"A mistake in the program ({kind}); the log has the details.",
                )
            )

    async def _log_lane(self) -> bool:
        place = await asyncio.to_thread(self._store.place_get, self.name)
        rows = await self._rows(place.next_id, place.pending_to)
        if not rows:
            return False
        last = rows[-1].id if place.pending_to is None else place.pending_to
        wanted = [row for row in rows if self._wanted(row, self._oldest())]
        if place.pending_to is None and wanted:
            await _done(self._store.place_set(place._replace(pending_to=last)))
        refused = await self._deliver(wanted, look=place.pending_to is not None)
        await _done(self._store.place_set(Place(self.name, last + 1, None), refused))
        return True

    async def _dead_lane(self) -> bool:
        dead = await asyncio.to_thread(lambda: self._store.dead_letters(self.name, retry_only=True, limit=DEAD_AT_ONCE))
        if not dead:
            return False
        ids = [letter.reading_id for letter in dead]
        rows = await asyncio.to_thread(self._store.readings_by_id, ids)
        refused = await self._deliver([row for row in rows if self._wanted(row)], look=True)
        kept = {letter.id for letter in refused}
        await _done(self._store.dead_done(self.name, [id for id in ids if id not in kept], refused))
        return True

    async def _refill_lane(self) -> bool:
        orders = await asyncio.to_thread(self._store.refills, self.name)
        if not orders:
            return False
        order: Refill = orders[0]
        # What the log's lane has not passed yet it will send itself, without a look: never overtake it.
        place = await asyncio.to_thread(self._store.place_get, self.name)
        last = min(order.last_id, place.next_id - 1)
        if last < order.next_id and last < order.last_id:
            return False
        batch = self._settings.batch
        rows = await asyncio.to_thread(
            self._store.readings_between, order.from_ms, order.to_ms, order.next_id - 1, batch, last
        )
        # What a refill sends may be there from the first time: always look.
        refused = await self._deliver([row for row in rows if self._wanted(row)], look=True, again=True)
        next_id = rows[-1].id + 1 if len(rows) == batch else last + 1
        done = next_id > order.last_id
        await _done(self._store.refill_set(order._replace(next_id=next_id, done=done), refused))
        if done:
            log.info("refill is through", forwarder=self.name, refill=order.id)
        return True

    async def _rows(self, next_id: int, pending_to: int | None) -> list[StoredReading]:
        limit = self._settings.batch if pending_to is None else pending_to - next_id + 1
        rows = await asyncio.to_thread(self._store.readings_after, next_id - 1, limit)
        return rows if pending_to is None else [row for row in rows if row.id <= pending_to]

    async def _deliver(self, wanted: Sequence[StoredReading], *, look: bool, again: bool = False) -> list[Refused]:
        """`again`: most of it is there already, so what is found there is not counted as sent now."""
        if not wanted:
            return []
        there = await self._target.there(wanted) if look else set[int]()
        rest = [row for row in wanted if row.id not in there]
        refused = await self._target.send(rest) if rest else []
        if len(refused) == len(wanted) and not await self._schedule.ever_took():
            raise Retry(
                both(
                    f"{refused[0].reason}; bisher wurde nichts angenommen, die Einstellungen dieses Ziels prüfen",
                    f"{refused[0].reason}; nothing was taken so far, check this target's settings",
                )
            )
        await self._succeeded((len(rest) if again else len(wanted)) - len(refused), refused)
        return refused

    def _oldest(self) -> float:
        """The time (ms UTC) of the oldest reading that goes out by itself; who asks for older ones gets them."""
        return (time.time() - self._settings.max_age * 3600) * 1000 if self._settings.max_age else 0.0

    def _wanted(self, row: StoredReading, oldest: float = 0.0) -> bool:
        settings = self._settings
        if row.time < oldest or (settings.devices and row.device not in settings.devices):
            return False
        if settings.properties:
            return row.property in settings.properties
        return not row.series.startswith("health/")  # a board's own state is for the gateway's page, unless named

    async def _succeeded(self, sent: int, refused: Sequence[Refused]) -> None:
        status = self.status
        if status.trouble:
            log.info("target answers again", forwarder=self.name)
        status.trouble = ""
        status.sent += sent
        status.refused += len(refused)
        await self._schedule.succeeded()
        if sent > 0:
            status.last_success = time.time()
            await self._schedule.took()
        for letter in refused[:5]:
            log.warning("refused by the target", forwarder=self.name, reading=letter.id, reason=letter.reason)

    async def _failed(self, reason: str, at_least: float = 0.0) -> float:
        """Seconds to wait."""
        self.status.failures += 1
        if self.status.trouble != reason:
            log.warning("target takes nothing", forwarder=self.name, reason=reason)
        self.status.trouble = reason
        try:
            return await self._schedule.failed(reason, at_least)
        except StoreError:  # the disk is full, say; what is not kept is only how long to wait
            return max(at_least, IDLE_S)

    async def _rest(self, seconds: float) -> None:
        if seconds > 0:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stop.wait(), seconds)


async def _done(future: "Future[Any]") -> None:
    """Wait until it is on disk."""
    await asyncio.wrap_future(future)
