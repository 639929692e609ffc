"""What a target is to the outbox, and the words in which it answers."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from ..store.types import StoredReading


class Refused(NamedTuple):
    """A reading the target will never take, and its reason; it goes to the dead letters."""

    id: int
    reason: str


class Retry(Exception):
    """The batch could not be delivered now. The message is one sentence.

    `unclear`: the target may have taken it all the same, so look there before sending it again. `wait`: the seconds
    the target asked for.
    """

    def __init__(self, reason: str, *, unclear: bool = False, wait: float | None = None) -> None:
        super().__init__(reason)
        self.unclear = unclear
        self.wait = wait


class Target(Protocol):
    """One town system. Called by its own outbox only, one call at a time."""

    async def send(self, batch: Sequence[StoredReading]) -> list[Refused]:
        """Deliver all of them, in order. What is not refused was taken. Retry: nothing is known to be taken."""
        ...

    async def there(self, batch: Sequence[StoredReading]) -> set[int]:
        """The ids of those that the target has already, for a batch whose delivery was unclear. Retry."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
