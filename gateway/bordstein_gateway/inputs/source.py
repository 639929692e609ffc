"""The contract of a kind of input."""

from collections import Counter
from typing import Protocol

from ..store import Arrival, StateReport


class Source(Protocol):
    """One [input.…]. <kind>/source.py has build(name, settings, sessions) that makes it."""

    topics: list[str]
    """What to subscribe to."""
    counts: Counter[str]
    """Messages by what they were, and `unmapped`: fields that no map names."""
    unmapped: list[str]
    """Of the last message that was read: the fields that no map names."""

    def read(self, topic: str, payload: bytes, retained: bool, now: float, kept: bool) -> Arrival | StateReport | None:
        """A message received at `now` (Unix seconds). None: nothing to keep, but for the count. Never raises for what
        a device or its server sends. `kept`: the broker may have held it back for a while."""
