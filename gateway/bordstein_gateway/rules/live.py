"""The sheets in force on the live stream: from the log to verdicts, and these to cases.

What keeps a kill from losing or repeating anything: a verdict's effects and its object's state are one commit; the
place in the log is moved now and then, after all other changed states are written. After a start the log is read again
from the place; a state knows the newest reading it has seen, so what it has seen says nothing again.

A sheet that is new in force begins with how things are: the readings of the time that matters to it are looked at, and
then what is so now gets its case, as if the rule had always been there; what is over does not.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from ..boards.stations import Stations
from ..config.config import Config
from ..store import Store, StoreError
from ..store.sheets import forget_others
from ..texts import both
from .shelf import SETTLED_S, InForce, Shelf

if TYPE_CHECKING:
    from .working import Cases, Working

LOOK_S = 2.0
"""How often the folder is looked at."""
CHECKPOINT_S = 300.0
_RETRY_S = 5.0

_log = structlog.get_logger(__name__)


@dataclass
class LiveStatus:
    """What pages and metrics show. `rules`: at work; `troubles`: of those put aside, by name."""

    rules: int = 0
    evaluations: int = 0
    verdicts: int = 0
    trouble: str = ""
    """Why nothing goes on, one sentence; empty while all is well."""
    paused: bool = False


class Live:
    """A gateway's. run() until stop(); it may be cancelled: nothing is lost either way. `cases`: asked for when
    the first rule begins. `hears`: whether boards can be heard at all: while the broker is away nobody is silent."""

    name = "rules"

    def __init__(
        self,
        config: Config,
        store: Store,
        shelf: Shelf,
        cases: "Callable[[], Cases]",
        stations: Stations | None = None,
        *,
        hears: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        checkpoint_s: float = CHECKPOINT_S,
    ) -> None:
        self.status = LiveStatus()
        self._config = config
        self._store = store
        self._shelf = shelf
        self._cases = cases
        self._stations = stations or Stations(config.devices, store)
        self._hears = hears
        self._clock = clock
        self._steady = steady
        self._checkpoint_s = checkpoint_s
        self._work: Working | None = None
        self._news = asyncio.Event()
        self._stopped = False
        self._look_at = 0.0
        self._seen: Mapping[str, InForce] | None = None
        self._listening = False

    @property
    def troubles(self) -> dict[str, str]:
        """Rules that were put aside, each with its sentence."""
        return {} if self._work is None else self._work.troubles()

    def problems(self) -> list[str]:
        """Sentences on what does not work: the folder, the log, rules that were put aside."""
        return [said for said in (self._shelf.trouble, self.status.trouble, *self.troubles.values()) if said]

    def wrong(self) -> int:
        """How many sheets have mistakes in their files."""
        return sum(bool(one.problems) for one in (self._seen or {}).values())

    def lag(self) -> int:
        """Readings that the rules have not looked at yet."""
        if self._work is None or not self._work.running.rules:
            return 0
        return max(0, self._store.newest_id() - self._work.next_id + 1)

    def stop(self) -> None:
        """Let run() end."""
        self._stopped = True
        self._news.set()

    def look(self) -> None:
        """At the folder, at once: a sheet was changed."""
        self._look_at = 0.0
        self._news.set()

    async def run(self) -> None:
        """Until stop(). No trouble ends it."""
        self._listen()
        while not self._stopped:
            wait = await self._step()
            if wait > 0 and not self._stopped:
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._news.wait(), wait)
            self._news.clear()
        if self._work is not None:
            with suppress(StoreError):
                await asyncio.to_thread(self._work.save)

    async def turn(self) -> bool:
        """A look at the folder when it is time, and a batch; whether there may be more at once. StoreError."""
        return await asyncio.to_thread(self._turn)

    async def _step(self) -> float:
        """Seconds to rest."""
        try:
            more = await self.turn()
            self.status.trouble = ""
        except StoreError as error:
            return self._failed(error.args[0])
        except Exception as error:  # noqa: BLE001  (whatever it is, it is tried again)
            _log.exception("a mistake in the program", part=self.name)
            kind = type(error).__name__
            return self._failed(
                both(
                    f"Regeln: ein Fehler im Programm ({kind}); das Log hat die Einzelheiten.",
                    f"Rules: a mistake in the program ({kind}); the log has the details.",
                )
            )
        if more:
            return 0.0
        rest = self._look_at - time.monotonic()
        due = None if self._work is None else self._work.due()
        return max(0.01, rest if due is None else min(rest, due / 1000 - self._clock()))

    def _failed(self, reason: str) -> float:
        if self.status.trouble != reason:
            _log.warning("rules wait", reason=reason)
        self.status.trouble = reason
        return _RETRY_S

    def _listen(self) -> None:
        if self._listening:
            return
        self._listening = True
        loop = asyncio.get_running_loop()

        def committed() -> None:
            with suppress(RuntimeError):  # the service is ending
                loop.call_soon_threadsafe(self._news.set)

        self._store.on_commit(committed)

    def _turn(self) -> bool:
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK_S
            sheets = self._shelf.look(SETTLED_S if self._seen is not None else 0.0)
            if sheets is not self._seen:
                self._renew(sheets)
            if self._work is not None:
                self._work.look_at_cases()
        if self._work is None:
            return False
        more = self._work.turn()
        self.status.evaluations, self.status.verdicts = self._work.evaluations(), self._work.verdicts
        self.status.rules = self._work.at_work()
        return more

    def _renew(self, sheets: Mapping[str, InForce]) -> None:
        """Rules begin, change and end. What is heavy is loaded with the first one."""
        if self._work is None and any(at_work(one) for one in sheets.values()):
            from .working import Working

            self._work = Working(
                *(self._config, self._store, self._cases(), self._stations),
                clock=self._clock,
                steady=self._steady,
                hears=self._hears,
                checkpoint_s=self._checkpoint_s,
            )
        unread = [name for name, one in sheets.items() if one.sheet is None]
        if self._work is not None:
            self._work.renew({name: one for name, one in sheets.items() if at_work(one)}, unread)
        else:
            forget_others(self._store, unread)
        self._seen = sheets


def at_work(one: InForce) -> bool:
    """Whether a sheet is in force and switched on."""
    return one.sheet is not None and one.sheet.enabled
