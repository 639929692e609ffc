"""What a target is to the outbox, and the words in which it answers."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from ..store.types import StoredReading


class Refused(NamedTuple):
    """A reading the target will never take, and its reason; it goes to the dead letters."""

    id: int
    reason: str


class Retry(Exception):
    """The batch, or a part of it, could not be delivered now. The message is one sentence.

    `unclear`: no answer came, so the target may be at work on it even now; a look says more after a while. `wait`: the
    seconds the target asked for.
    """

    def __init__(self, reason: str, *, unclear: bool = False, wait: float | None = None) -> None:
        super().__init__(reason)
        self.unclear = unclear
        self.wait = wait


class Target(Protocol):
    """One town system. Called by its own outbox only, one call at a time."""

    async def send(self, batch: Sequence[StoredReading]) -> list[Refused]:
        """Deliver all of them, each series in order. What is not refused was taken. Retry: nobody knows what was."""
        ...

    async def there(self, batch: Sequence[StoredReading]) -> set[int]:
        """The ids of those that the target has already, for a batch that may have been sent before. Retry."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
