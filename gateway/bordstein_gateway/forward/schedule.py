"""When a target is tried again: growing pauses with jitter, kept in the store, so that a restart shortens none.

A gateway that is restarted again and again would otherwise knock at a struggling server each time, and forget the
hour that the server asked for. Beside it lies whether the target ever took anything with these settings: one that never
did has wrong settings and not wrong readings.
"""

import asyncio
import hashlib
import json
import random
import time
from collections.abc import Callable
from typing import Any

import msgspec

from ..config.types import Forward
from ..store import Store
from ..texts import both, said
from .keys import retry_key, sent_key

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 300.0
LONGEST_WAIT_S = 3600.0
_TELL_S = 2.0


def jitter() -> float:
    """So that many gateways do not come back to a server all at once."""
    return random.uniform(0.5, 1.0)  # noqa: S311


class Schedule:
    """One target's. Who changes its settings wants to see what they do: then it is tried at once."""

    def __init__(
        self,
        forwarder: str,
        settings: Forward,
        store: Store,
        *,
        first_pause: float = FIRST_PAUSE_S,
        jitter: Callable[[], float] = jitter,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._forwarder = forwarder
        self._told = 0.0
        self._key = retry_key(forwarder)
        self._taken_key = f"{forwarder}#taken"
        self._settings = hashlib.sha256(msgspec.json.encode(settings)).hexdigest()[:16]
        self._store = store
        self._first_pause = first_pause
        self._pause = first_pause
        self._jitter = jitter
        self._clock = clock
        self._kept = False
        self._took = False

    async def load(self) -> tuple[float, str]:
        """Seconds left to wait since before the start, and why."""
        text = (await asyncio.to_thread(self._store.remote_get, self._key)).get("next")
        kept = json.loads(text) if text else None
        if kept is None or kept["settings"] != self._settings:
            return 0.0, ""
        self._kept = True
        self._pause = kept["pause"]
        # A clock that was wrong when this was written must not mean a wait for years.
        why = both(kept.get("german", kept["reason"]), kept["reason"])
        return min(max(0.0, kept["at"] - self._clock()), LONGEST_WAIT_S), why

    async def failed(self, reason: str, at_least: float) -> float:
        """Seconds to wait from now on."""
        wait = max(self._pause * self._jitter(), at_least)
        self._pause = min(2 * self._pause, LONGEST_PAUSE_S)
        at = self._clock() + wait
        words = {"reason": reason, "german": said(reason, "de")}
        await self._keep({"settings": self._settings, "at": at, "pause": self._pause, **words})
        self._kept = True
        return wait

    async def succeeded(self) -> None:
        """The next failure begins with a short pause again."""
        self._pause = self._first_pause
        if self._kept:
            self._kept = False
            await self._keep(None)

    async def ever_took(self) -> bool:
        """Whether the target took a reading with these settings, before the last start or since."""
        if not self._took:
            kept = await asyncio.to_thread(self._store.remote_get, self._taken_key)
            self._took = kept.get("settings") == self._settings
        return self._took

    async def took(self, rate: float) -> None:
        """The target has taken something. `rate`: readings a second; kept for the command line beside the service."""
        now = self._clock()
        if not 0 <= now - self._told < _TELL_S:
            self._told = now
            said = {"at": str(now), "rate": f"{rate:.1f}"}
            self._store.remote_set(sent_key(self._forwarder), said)
        if not await self.ever_took():
            await asyncio.wrap_future(self._store.remote_set(self._taken_key, {"settings": self._settings}))
            self._took = True

    async def _keep(self, value: dict[str, Any] | None) -> None:
        await asyncio.wrap_future(self._store.remote_set(self._key, {"next": json.dumps(value)}))
