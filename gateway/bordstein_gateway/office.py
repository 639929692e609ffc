"""The office: rule sheets, cases, errands and what brings them together, as one part of the service.

Nothing of it is imported before there is a rule sheet or a case: a gateway that only passes readings on stays small.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .boards.stations import Stations
from .config.config import Config
from .store import Store

if TYPE_CHECKING:
    from .cases.cases import Cases, Shelf

_LOOK_S = 5.0


class _NoSheets:
    """Until there is a shelf."""

    def sheets(self) -> Mapping[str, Any]:
        """None."""
        return {}


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
        return _NoSheets()

    @cached_property
    def cases(self) -> "Cases":
        """The cases."""
        from .cases.cases import Cases

        return Cases(self._config, self._store, self.shelf, self._stations)

    def problems(self) -> list[str]:
        """Sentences on what does not work; empty: all does, or there is nothing to do."""
        return []

    async def run(self) -> None:
        """Until stop()."""
        while not self._stopping.is_set():
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _LOOK_S)

    def stop(self) -> None:
        """Begin to end; from the event loop's thread."""
        self._stopping.set()
