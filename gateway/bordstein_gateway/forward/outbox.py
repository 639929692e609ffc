"""The way out to one target: its lanes in turns, retry, pauses.

The place moves only when the target has answered. Before a batch goes out its range is marked in the store; a mark that
is still there after a failure or a restart means: look what the target has, and send only the rest. So a target that
stores twice what is sent twice gets each reading once. lanes.py has the lanes, delivery.py what they share.
"""

import asyncio
import time
from contextlib import suppress

import structlog

from ..config.types import Forward
from ..store import Store
from ..store.types import StoreError
from ..texts import both
from .delivery import Delivery, Status
from .lanes import BackfillLane, DeadLane, LogLane, RefillLane
from .schedule import Schedule
from .target import Retry, Target

__all__ = ["Outbox", "Status"]

IDLE_S = 0.5
ASIDE_PAUSE_S = 1.0
BACKFILL_PAUSE_S = 5.0
"""A back-fill gets a turn at least so often, also when the log's lane is never through."""
LOOK_S = 1.0
"""How often it is looked whether somebody told this target to pause or to go on."""
START_SETTLE_S = 10.0
"""After a restart in mid-request the target gets up to this long to finish what it had begun: that nobody listens any
more does not stop it, and what it stores after the look would be there twice."""

log = structlog.get_logger(__name__)


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
        self._store = store
        self._target = target
        self._schedule = schedule or Schedule(name, settings, store)
        delivery = Delivery(name, settings, store, target, self._schedule)
        self.status = delivery.status
        self._log_lane, self._backfill = LogLane(delivery), BackfillLane(delivery)
        self._dead, self._refill = DeadLane(delivery), RefillLane(delivery)
        self._aside_pause = aside_pause
        self._aside_at = self._look_at = 0.0
        self._backfill_at = time.monotonic() + BACKFILL_PAUSE_S
        self._settle = settings.timeout if settle is None else settle
        self._stop = asyncio.Event()
        self._begun = False
        self._beside = False  # whether the log's lane is through with this turn
        self._beside_at = 0.0

    def stop(self) -> None:
        """End run() after the request that is under way."""
        self._stop.set()

    def backlog(self) -> int:
        """Readings that this target has not got yet (an upper bound: filtered ones are among them)."""
        behind = sum(order.last_id - order.first_id + 1 for order in self._store.backfills(self.name))
        return max(0, self._store.newest_id() - self._store.place_get(self.name).next_id + 1) + behind

    async def run(self) -> None:
        """Deliver until stop()."""
        try:
            while not self._stop.is_set():
                await self._rest(await self._step())
        finally:
            await self._target.close()

    async def turn(self) -> bool:
        """A batch of each lane; whether there was anything to do. Retry when the target could not take it."""
        self._beside = False
        sent = await self._log_lane.turn()
        now = time.monotonic()
        if now < self._beside_at:
            return sent
        self._beside = True
        if self._log_lane.caught_up or now >= self._backfill_at:
            self._backfill_at = now + BACKFILL_PAUSE_S
            sent = await self._backfill.turn() or sent
        if now < self._aside_at:
            return sent
        self._aside_at = now + self._aside_pause
        dead = await self._dead.turn()
        return await self._refill.turn() or dead or sent

    async def _begin(self) -> float:
        """Seconds to wait before the first try."""
        wait, self.status.trouble = await self._schedule.load()
        place = await asyncio.to_thread(self._store.place_get, self.name)
        orders = await asyncio.to_thread(self._store.backfills, self.name)
        unclear = place.pending_to is not None or any(order.pending_from is not None for order in orders)
        return max(wait, min(self._settle, START_SETTLE_S)) if unclear else wait

    async def _step(self) -> float:
        """One turn, whatever becomes of it; seconds to rest then. No trouble ends the forwarder."""
        try:
            if not self._begun:
                self._begun = True
                return await self._begin()
            if await self._paused():
                return LOOK_S
            return 0.0 if await self.turn() else IDLE_S
        except Retry as failure:
            at_least = max(failure.wait or 0.0, self._settle if failure.unclear else 0.0)
            self._beside = self._beside and failure.wait is None  # it asked for a rest from all
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

    async def _failed(self, reason: str, at_least: float = 0.0) -> float:
        """Seconds to wait. What fails beside the log's lane holds up only what is beside it."""
        wait = await self._noted(reason, at_least)
        if not self._beside:
            return wait
        self._beside = False
        self._beside_at = time.monotonic() + wait
        return min(wait, IDLE_S)

    async def _noted(self, reason: str, at_least: float) -> float:
        """Seconds until the next try of what failed."""
        self.status.failures += 1
        if self.status.trouble != reason:
            log.warning("target takes nothing", forwarder=self.name, reason=reason)
        self.status.trouble = reason
        try:
            return await self._schedule.failed(reason, at_least)
        except StoreError:  # the disk is full, say; what is not kept is only how long to wait
            return max(at_least, IDLE_S)

    async def _paused(self) -> bool:
        """Whether somebody told this target to pause. Looked at now and then; after a pause it is tried at once."""
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK_S
            paused = self.name in await asyncio.to_thread(self._store.pauses)
            if paused != self.status.paused:
                self.status.paused = paused
                log.info("paused" if paused else "goes on", forwarder=self.name)
        return self.status.paused

    async def _rest(self, seconds: float) -> None:
        """Until then, stop(), or a change of the pause."""
        end = time.monotonic() + seconds
        before = self.status.paused
        while not self._stop.is_set() and (left := end - time.monotonic()) > 0:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stop.wait(), min(left, LOOK_S))
            with suppress(StoreError):
                if await self._paused() != before:
                    return
