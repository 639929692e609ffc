"""The office: rule sheets, cases, errands and what brings them together, as one part of the service.

Nothing heavy of it is loaded before there is a rule sheet, or something to do: a gateway that only passes readings on
stays small.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .boards.stations import Stations
from .config.config import Config
from .store import Store, StoreError, errands
from .texts import both

if TYPE_CHECKING:
    from .cases.cases import Cases
    from .errands.runner import Runner
    from .rules.live import Live
    from .rules.shelf import Shelf

LOOK_S = 2.0
_OFTEN = 4
"""So many tries in vain are worth an alarm: some minutes."""


class Office:
    """One town's. `shelf`, `cases` and `live` are made when they are first asked for."""

    name = "office"

    def __init__(
        self, config: Config, store: Store, stations: Stations, hears: Callable[[], bool] = lambda: True
    ) -> None:
        """`hears`: whether messages come in, see rules/live.py."""
        self._config = config
        self._hears = hears
        self._store = store
        self._stations = stations
        self._stopping = asyncio.Event()
        self._runner: Runner | None = None
        self._trouble = self._late = ""

    @cached_property
    def shelf(self) -> "Shelf":
        """The rule sheets."""
        from .rules.shelf import Shelf

        return Shelf(self._config, self._store)

    @cached_property
    def cases(self) -> "Cases":
        """The cases."""
        from .cases.cases import Cases

        return Cases(self._config, self._store, self.shelf, self._stations)

    @cached_property
    def live(self) -> "Live":
        """The rules at work; to be asked for in the event loop's thread first."""
        from .rules.live import Live

        return Live(self._config, self._store, self.shelf, lambda: self.cases, self._stations, hears=self._hears)

    def problems(self) -> list[str]:
        """Sentences on what does not work; empty: all does, or there is nothing to do."""
        return [*filter(None, (self._trouble, self._late)), *self.live.problems()]

    async def run(self) -> None:
        """Until stop()."""
        parts = [asyncio.create_task(self.live.run())]
        try:
            while not self._stopping.is_set():
                if self._runner is None and await self._do(self._wanted):
                    parts.append(await self._open())
                if self._runner is not None:
                    await self._do(self._turn)
                for part in parts:
                    if part.done():
                        part.result()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), LOOK_S)
        finally:
            self._end()
            await asyncio.wait(parts, timeout=10)
            for part in parts:
                part.cancel()
            self._runner = None
            if not self._stopping.is_set():  # a mistake in the program: the service begins it again, anew
                del self.live

    def stop(self) -> None:
        """Begin to end; from the event loop's thread."""
        self._stopping.set()
        self._end()

    def _end(self) -> None:
        if "live" in self.__dict__:
            self.live.stop()
        if self._runner is not None:
            self._runner.stop()

    async def _open(self) -> "asyncio.Task[None]":
        """There is something to do: the engine of procedures, and who runs errands."""
        from .errands.runner import Runner

        await asyncio.to_thread(self.cases.load)
        self._runner = Runner(self._config, self._store, self.cases.answered)
        return asyncio.create_task(self._runner.run())

    async def _do(self, work: Callable[[], Any]) -> Any:
        """In a thread; while the store does not work nothing is done, and the sentence shown."""
        try:
            found = await asyncio.to_thread(work)
        except StoreError as error:
            self._trouble = error.args[0]
            return None
        self._trouble = ""
        return found

    def _turn(self) -> None:
        """What time has made due, and whether other systems take what they are sent."""
        self.cases.wake()
        self._late = self._waiting()

    def _waiting(self) -> str:
        """A sentence on errands that do not succeed though they were tried again and again; empty: there are none."""
        with self._store.database.reading() as connection:
            late = [one for one in errands.waiting(connection) if one.tries >= _OFTEN]
        if not late:
            return ""
        first, count = late[0].reason, len(late)
        why, german = first.get("reason", ""), first.get("german", "")
        return both(
            f"Aufträge an andere Systeme, die nicht gelingen: {count}, der älteste, weil: {german}.",
            f"Errands to other systems that do not succeed: {count}, the oldest because: {why}.",
        )

    def _wanted(self) -> bool:
        return any(one.sheet is not None for one in self.shelf.sheets().values()) or self.cases.busy()
