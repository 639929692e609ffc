"""How new each attribute at the broker is, so that an older reading never overwrites a newer one.

Kept in memory and in the store's table of what targets know; of another broker or tenant it is forgotten.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import NamedTuple

from ...store import Store

_PREFIX = "entity "
_BROKER = "broker"


class Mark(NamedTuple):
    """The newest that was taken (ms UTC), and the series it is from."""

    time: int
    series: str


class Marks:
    """Of one target. `broker`: its address and tenant. load() comes first."""

    def __init__(self, forwarder: str, broker: str, store: Store) -> None:
        self._forwarder = forwarder
        self._broker = json.dumps(broker)
        self._store = store
        self._marks: dict[str, dict[str, Mark]] = {}
        self._loaded = False

    async def load(self) -> None:
        """Before anything else; again is no matter. StoreError."""
        if not self._loaded:
            stored = await asyncio.to_thread(self._store.remote_get, self._forwarder)
            if stored and stored.get(_BROKER) != self._broker:
                await asyncio.wrap_future(self._store.remote_clear(self._forwarder))
                stored = {}
            self._marks = {
                name.removeprefix(_PREFIX): {attribute: Mark(*mark) for attribute, mark in json.loads(value).items()}
                for name, value in stored.items()
                if name.startswith(_PREFIX)
            }
            self._loaded = True

    def of(self, entity: str) -> Mapping[str, Mark]:
        """By attribute."""
        return self._marks.get(entity, {})

    async def note(self, new: Mapping[str, Mapping[str, Mark]]) -> None:
        """The broker has taken these. StoreError."""
        for entity, attributes in new.items():
            self.correct(entity, {**self.of(entity), **attributes})
        names = {f"{_PREFIX}{entity}": json.dumps(self.of(entity)) for entity, attributes in new.items() if attributes}
        if names:
            await asyncio.wrap_future(self._store.remote_set(self._forwarder, {**names, _BROKER: self._broker}))

    def correct(self, entity: str, attributes: Mapping[str, Mark]) -> None:
        """What the broker has is this and no other."""
        self._marks[entity] = dict(attributes)
