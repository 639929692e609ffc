"""Which readings go to a target, and what becomes of a batch of them: for all lanes alike."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from ..config.types import Forward
from ..store import Store
from ..store.types import StoredReading
from ..texts import both
from .schedule import Schedule
from .target import Refused, Retry, Target

_RATE_S = 60.0

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
    paused: bool = False
    _recent: deque[tuple[float, int]] = field(default_factory=deque)

    def count(self, sent: int) -> None:
        """So many were taken now."""
        self.sent += sent
        self.last_success = time.time()
        self._recent.append((time.monotonic(), sent))
        self.rate()

    def rate(self) -> float:
        """Readings a second that were taken in the last minute."""
        start = time.monotonic() - _RATE_S
        while self._recent and self._recent[0][0] < start:
            self._recent.popleft()
        return sum(sent for _, sent in self._recent) / _RATE_S


class NothingTaken(Retry):
    """All of a batch was refused by a target that never took anything with these settings."""


class Delivery:
    """To one target."""

    def __init__(self, name: str, settings: Forward, store: Store, target: Target, schedule: Schedule) -> None:
        self.name = name
        self.settings = settings
        self.store = store
        self.target = target
        self.schedule = schedule
        self.status = Status()

    def wanted(self, rows: Sequence[StoredReading], *, asked: bool = False) -> list[StoredReading]:
        """Those that go out. `asked`: by somebody; what goes out by itself is no older than max_age."""
        settings = self.settings
        oldest = 0.0 if asked or not settings.max_age else (time.time() - settings.max_age * 3600) * 1000
        return [row for row in rows if row.time >= oldest and settings.wants(row.device, row.series, row.property)]

    async def of_the_present(self, rows: Sequence[StoredReading]) -> list[StoredReading]:
        """For what lies behind: of a target that keeps no history only those of which no series has a newer one."""
        if self.target.keeps_history or not rows:
            return list(rows)
        latest = await asyncio.to_thread(self.store.latest)
        newest = {(value.device, value.series, value.unit): value.time for value in latest}
        return [row for row in rows if row.time >= newest.get((row.device, row.series, row.unit), 0)]

    async def deliver(self, wanted: Sequence[StoredReading], *, look: bool, again: bool = False) -> list[Refused]:
        """`again`: most of it is there already, so what is found there is not counted as sent now.

        NothingTaken, Retry.
        """
        if not wanted:
            return []
        there = await self.target.there(wanted) if look else set[int]()
        rest = [row for row in wanted if row.id not in there]
        refused = await self.target.send(rest) if rest else []
        if len(refused) == len(wanted) and not await self.schedule.ever_took():
            raise NothingTaken(
                both(
                    f"{refused[0].reason}; bisher wurde nichts angenommen, die Einstellungen dieses Ziels prüfen",
                    f"{refused[0].reason}; nothing was taken so far, check this target's settings",
                )
            )
        await self._succeeded((len(rest) if again else len(wanted)) - len(refused), refused)
        return refused

    async def _succeeded(self, sent: int, refused: Sequence[Refused]) -> None:
        status = self.status
        if status.trouble:
            log.info("target answers again", forwarder=self.name)
        status.trouble = ""
        status.refused += len(refused)
        await self.schedule.succeeded()
        if sent > 0:
            status.count(sent)
            await self.schedule.took(status.rate())
        for letter in refused[:5]:
            log.warning("refused by the target", forwarder=self.name, reading=letter.id, reason=letter.reason)
