"""The office: rule sheets, cases, errands and what brings them together, as one part of the service.

Nothing of it is imported before there is a rule sheet or a case: a gateway that only passes readings on stays small.
"""

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING

from .boards.stations import Stations
from .config.config import Config
from .store import Store

if TYPE_CHECKING:
    from .cases.cases import Cases
    from .rules.live import Live
    from .rules.shelf import Shelf


class Office:
    """One town's. `shelf` and `cases` are made when they are first asked for."""

    name = "office"

    def __init__(self, config: Config, store: Store, stations: Stations) -> None:
        self._config = config
        self._store = store
        self._stations = stations
        self._stopping = asyncio.Event()

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

        return Live(self._config, self._store, self.shelf, lambda: self.cases, self._stations)

    def problems(self) -> list[str]:
        """Sentences on what does not work; empty: all does, or there is nothing to do."""
        return self.live.problems()

    async def run(self) -> None:
        """Until stop()."""
        parts = [self.live]
        tasks = [asyncio.create_task(part.run()) for part in parts]
        try:
            await self._stopping.wait()
        finally:
            for part in parts:
                part.stop()
            await asyncio.gather(*tasks)

    def stop(self) -> None:
        """Begin to end; from the event loop's thread."""
        self._stopping.set()
