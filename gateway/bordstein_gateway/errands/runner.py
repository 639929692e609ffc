"""Runs errands: takes those that are due from the store, calls the other system, gives the answer back.

A call and the commit of its answer are two things: after a crash between them the call is made again, with the same
key, and where the other side can be asked, it is asked first. What fails is tried again as an outbox would, and given
up when it has failed for GIVE_UP_S, a notice GIVE_UP_NOTICE_S; then the procedure goes its error's way.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import structlog

from ..config.config import Camunda7, Config, Flowable, NgsiLd, Open311, Webhook
from ..forward.schedule import FIRST_PAUSE_S, LONGEST_PAUSE_S, jitter
from ..forward.target import NotTaken, Retry
from ..store import Store
from ..store import errands as rows
from ..store.errands import Due
from ..store.types import StoreError
from ..texts import both, said
from .kind import Kind, NotYet

GIVE_UP_S = 86_400.0
GIVE_UP_NOTICE_S = 7 * 86_400.0
"""Of who is told of a case: no procedure waits for it, and a mail server may be away for a weekend."""
LOOK_S = 1.0
_AT_ONCE = 1000
_OF_A_TARGET = 50

Answered = Callable[[str, bool, Mapping[str, Any]], "Future[Any]"]
"""answered(key, ok, result): marks the errand in the store and lets the case go on, in one commit."""

log = structlog.get_logger(__name__)


class Runner:
    """All errands of a gateway; each target has its calls one after the other, and waits for no other one."""

    def __init__(
        self, config: Config, store: Store, answered: Answered, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._config = config
        self._store = store
        self._answered = answered
        self._clock = clock
        self._kinds: dict[tuple[str, str], Kind] = {}
        self._lanes: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Until stop()."""
        try:
            while not self._stopping.is_set():
                try:
                    await self._begin()
                except StoreError as trouble:
                    log.warning("errands can't be looked for", reason=trouble.args[0])
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), LOOK_S)
        finally:
            await self.close()

    def stop(self) -> None:
        """Begin to end; a call that is under way is broken off, and made again after the next start."""
        self._stopping.set()

    async def turn(self) -> int:
        """Run all that are due, and wait for them; how many those were."""
        count = await self._begin()
        while self._lanes:
            await asyncio.wait(self._lanes.values())
            await asyncio.sleep(0)
        return count

    async def close(self) -> None:
        """Break off what runs, and close connections."""
        lanes = list(self._lanes.values())
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)
        for kind in self._kinds.values():
            await kind.close()
        self._kinds.clear()

    async def _begin(self) -> int:
        now = self._now()
        found = await asyncio.to_thread(self._due, now)
        lanes: dict[tuple[str, str], list[Due]] = {}
        for errand in found:
            lanes.setdefault((errand.kind, errand.target), []).append(errand)
        count = 0
        for lane, waiting in lanes.items():
            if lane not in self._lanes:
                count += len(waiting[:_OF_A_TARGET])
                task = asyncio.create_task(self._work(lane, waiting[:_OF_A_TARGET]))
                self._lanes[lane] = task
                task.add_done_callback(lambda _, lane=lane: self._lanes.pop(lane, None))  # type: ignore[misc]
        return count

    def _due(self, now: int) -> list[Due]:
        with self._store.database.reading() as connection:
            return rows.due(connection, now, _AT_ONCE)

    async def _work(self, lane: tuple[str, str], waiting: list[Due]) -> None:
        for errand in waiting:
            try:
                await self._one(lane, errand)
            except StoreError as trouble:
                # It is still due: the call is made again, and the other side knows it by its key.
                log.warning("an errand's answer can't be kept", errand=errand.key, reason=trouble.args[0])
                return
            except Exception:
                log.exception("a mistake in the program", errand=errand.key)
                await self._later(errand, Retry(both("ein Fehler im Programm", "a mistake in the program")))

    async def _one(self, lane: tuple[str, str], errand: Due) -> None:
        try:
            if "problem" in errand.request:
                raise NotTaken(errand.request["problem"])
            if lane not in self._kinds:
                self._kinds[lane] = self._kind(*lane)
            result = await self._kinds[lane].call(errand)
        except NotYet as wait:
            now = self._now()
            at = now + int(wait.seconds * 1000)
            await asyncio.wrap_future(
                self._store.submit(lambda connection: rows.waits(connection, errand.key, at, now))
            )
        except Retry as trouble:
            await self._later(errand, trouble)
        except NotTaken as refusal:
            await self._answer(errand, False, _reason(refusal))
        else:
            await self._answer(errand, True, result)

    async def _later(self, errand: Due, trouble: Retry) -> None:
        now = self._now()
        since = errand.failing if errand.failing is not None else now
        reason = _reason(trouble)
        if now - since >= (GIVE_UP_S if errand.task else GIVE_UP_NOTICE_S) * 1000:
            await self._answer(errand, False, reason)
            return
        pause = min(FIRST_PAUSE_S * 2 ** min(errand.tries, 20), LONGEST_PAUSE_S) * jitter()
        pause = max(pause, trouble.wait or 0.0)
        at = now + int(pause * 1000)
        await asyncio.wrap_future(
            self._store.submit(
                lambda connection: rows.failed(connection, errand.key, at, {**reason, "since": since}, now)
            )
        )
        log.warning("an errand is tried again", errand=errand.key, reason=reason["reason"], seconds=round(pause))

    async def _answer(self, errand: Due, ok: bool, result: Mapping[str, Any]) -> None:
        if not ok:
            log.warning("an errand was given up", errand=errand.key, reason=result["reason"])
        await asyncio.wrap_future(self._answered(errand.key, ok, result))

    def _kind(self, kind: str, target: str) -> Kind:
        """Imported and built when the first errand of a target is due. NotTaken: there is no such target."""
        config = self._config
        if kind == "mail":
            from .mail import Mails

            return Mails(config)
        if kind == "webhook" and target.startswith("desk:"):
            from .webhook import Events

            if (desk := config.desk.get(target.removeprefix("desk:"))) is not None:
                return Events.of_desk(desk, config)
        settings = config.forward.get(target)
        if kind == "webhook" and isinstance(settings, Webhook):
            from .webhook import Events

            return Events(settings, config, batched=True)
        if kind == "open311" and isinstance(settings, Open311):
            from .open311 import Requests

            return Requests(settings, config)
        if kind == "engine" and isinstance(settings, Camunda7 | Flowable):
            from .engine import Instances

            return Instances(settings, config)
        if kind == "ngsi-ld" and isinstance(settings, NgsiLd):
            from .ngsi_ld import Entities

            return Entities(target, settings, config, self._store)
        raise NotTaken(
            both(
                f"in gateway.toml gibt es kein Ziel {target} für {kind}",
                f"gateway.toml has no target {target} for {kind}",
            )
        )

    def _now(self) -> int:
        return int(self._clock() * 1000)


def _reason(error: Exception) -> dict[str, str]:
    return {"reason": said(error, "en"), "german": said(error, "de")}
