"""The lanes of an outbox. Each sends a batch a turn, marks it in the store before, moves its place after the answer.

The log's lane goes through the log. Where newest readings come first and too much waits, its place jumps to the newest
ones; what lies between is an order for the back-fill lane, made in the same commit. Each reading is in one of the two,
so it is sent once. Beside them: dead letters that somebody wants tried again, and refills (a time span once more).
These two always look what the target has, and touch nothing that the first two have not passed yet.

Every lane but the back-fill sends in log order, so the order of each series' readings is kept; the back-fill goes from
the new end backwards, block by block, in log order within a block.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import structlog

from ..store.types import Backfill, Place, Refill
from .delivery import Delivery, NothingTaken

DEAD_AT_ONCE = 100
JUMP_BATCHES = 4
"""Newest first: the place jumps when so many batches wait ..."""
JUMP_READINGS = 100
"""... and so many readings ..."""
JUMP_AGE_S = 3.0
"""... and the first of them for longer than this."""
BLOCK_S = 1.0
"""A block of the back-fill is made so large that it takes about so long: live readings wait for it."""
_SMALLEST_BLOCK = 20

log = structlog.get_logger(__name__)


class LogLane:
    """The log, in its order."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self.caught_up = False
        """Whether the last turn took all there was."""

    async def turn(self) -> bool:
        """Whether there was anything. Retry, StoreError."""
        delivery, store, batch = self._delivery, self._delivery.store, self._delivery.settings.batch
        place = await asyncio.to_thread(store.place_get, delivery.name)
        if place.pending_to is None:
            rows = await asyncio.to_thread(store.readings_after, place.next_id - 1, batch)
            self.caught_up = len(rows) < batch
            if rows and not self.caught_up and await self._jump(place, rows[0].received):
                return await self.turn()
        else:
            some = await asyncio.to_thread(
                store.readings_after, place.next_id - 1, place.pending_to - place.next_id + 1
            )
            rows = [row for row in some if row.id <= place.pending_to]
            self.caught_up = False
        if not rows:
            if place.pending_to is not None:  # nothing is left of what was marked
                await done(store.place_set(Place(delivery.name, place.pending_to + 1, None)))
            return False
        last = rows[-1].id if place.pending_to is None else place.pending_to
        wanted = delivery.wanted(rows)
        if place.pending_to is None and wanted:
            await done(store.place_set(place._replace(pending_to=last)))
        try:
            refused = await delivery.deliver(wanted, look=place.pending_to is not None)
        except NothingTaken:
            # Nothing of it is there. The next try has also what comes until then: perhaps only one board is at fault.
            await done(store.place_set(place._replace(pending_to=None)))
            raise
        await done(store.place_set(Place(delivery.name, last + 1, None), refused))
        return True

    async def _jump(self, place: Place, received: int) -> bool:
        """To the newest batch, when too much waits; whether it did."""
        delivery, settings = self._delivery, self._delivery.settings
        next_id = delivery.store.newest_id() - settings.batch + 1
        least = max(JUMP_BATCHES * settings.batch, JUMP_READINGS) - settings.batch
        if not settings.newest_first or next_id - place.next_id < least:
            return False
        if time.time() - received < JUMP_AGE_S:
            return False
        await done(delivery.store.place_jump(place, next_id))
        log.info("newest first", forwarder=delivery.name, back_fill=next_id - place.next_id)
        return True


class BackfillLane:
    """What the log's place has jumped over, the newest first."""

    def __init__(self, delivery: Delivery, clock: Callable[[], float] = time.monotonic) -> None:
        self._delivery = delivery
        self._clock = clock
        self._block = delivery.settings.batch
        self._not_before = 0.0

    async def turn(self) -> bool:
        """Whether there was anything that may be sent now. Retry, StoreError."""
        delivery, store = self._delivery, self._delivery.store
        begun = self._clock()
        if begun < self._not_before:
            return False
        orders = await asyncio.to_thread(store.backfills, delivery.name)
        if not orders:
            return False
        order = orders[0]
        first = order.first_id if order.pending_from is None else order.pending_from
        limit = self._size() if order.pending_from is None else order.last_id - first + 1
        rows = await asyncio.to_thread(store.readings_before, first, order.last_id, limit)
        wanted = await delivery.of_the_present(delivery.wanted(rows))
        # An order that is empty, or whose rest nobody wants, ends with this.
        start = rows[0].id if len(rows) == limit else first
        if order.pending_from is None and wanted:
            await done(store.backfill_set(order._replace(pending_from=start)))
        refused = await delivery.deliver(wanted, look=order.pending_from is not None)
        moved = order._replace(last_id=start - 1, pending_from=None)
        await done(store.backfill_set(moved, refused))
        self._pace(begun, len(wanted))
        if moved.last_id < moved.first_id:
            log.info("back-fill is through", forwarder=delivery.name, readings=order.total)
        return True

    def _size(self) -> int:
        rate = self._delivery.settings.backfill_rate
        return min(self._block, rate) if rate else self._block

    def _pace(self, begun: float, sent: int) -> None:
        took = self._clock() - begun
        if took > BLOCK_S:
            self._block = max(min(_SMALLEST_BLOCK, self._block), self._block // 2)
        elif took < BLOCK_S / 3:
            self._block = min(self._delivery.settings.batch, 2 * self._block)
        if rate := self._delivery.settings.backfill_rate:
            self._not_before = max(begun, self._not_before) + sent / rate


class DeadLane:
    """Dead letters that somebody wants tried again."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery

    async def turn(self) -> bool:
        """Whether there was anything. Retry, StoreError."""
        delivery, store = self._delivery, self._delivery.store
        dead = await asyncio.to_thread(store.dead_letters, delivery.name, retry_only=True, limit=DEAD_AT_ONCE)
        if not dead:
            return False
        ids = [letter.reading_id for letter in dead]
        rows = await asyncio.to_thread(store.readings_by_id, ids)
        wanted = await delivery.of_the_present(delivery.wanted(rows, asked=True))
        refused = await delivery.deliver(wanted, look=True)
        kept = {letter.id for letter in refused}
        await done(store.dead_done(delivery.name, [id for id in ids if id not in kept], refused))
        return True


class RefillLane:
    """Time spans that somebody wants sent once more."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery

    async def turn(self) -> bool:
        """Whether there was anything that may be sent now. Retry, StoreError."""
        delivery, store, batch = self._delivery, self._delivery.store, self._delivery.settings.batch
        orders = await asyncio.to_thread(store.refills, delivery.name)
        if not orders:
            return False
        order: Refill = orders[0]
        last = min(order.last_id, await self._passed())
        if last < order.next_id and last < order.last_id:
            return False
        rows = await asyncio.to_thread(
            store.readings_between, order.from_ms, order.to_ms, order.next_id - 1, batch, last
        )
        # What a refill sends may be there from the first time: always look.
        wanted = await delivery.of_the_present(delivery.wanted(rows, asked=True))
        refused = await delivery.deliver(wanted, look=True, again=True)
        next_id = rows[-1].id + 1 if len(rows) == batch else last + 1
        through = next_id > order.last_id
        await done(store.refill_set(order._replace(next_id=next_id, done=through), refused))
        if through:
            log.info("refill is through", forwarder=delivery.name, refill=order.id)
        return True

    async def _passed(self) -> int:
        """The id up to which everything went out once: the other lanes send the rest without a look."""
        delivery, store = self._delivery, self._delivery.store
        place = await asyncio.to_thread(store.place_get, delivery.name)
        orders: list[Backfill] = await asyncio.to_thread(store.backfills, delivery.name)
        return min([place.next_id, *(order.first_id for order in orders)]) - 1


async def done(future: "Future[Any]") -> None:
    """Wait until it is on disk."""
    await asyncio.wrap_future(future)
