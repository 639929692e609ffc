"""For targets that take a batch as a whole or not at all: finds the readings that they will not take."""

from collections.abc import Awaitable, Callable, Sequence

from ..store.types import StoredReading
from .target import Refused

Post = Callable[[Sequence[StoredReading]], Awaitable[str]]
"""Sends a batch; why it is refused, empty when all of it was taken. Retry."""


async def halved(batch: Sequence[StoredReading], post: Post) -> list[Refused]:
    """A batch that is refused is halved until the reading at fault is alone; all others are sent, in their order."""
    reason = await post(batch)
    if not reason:
        return []
    if len(batch) == 1:
        return [Refused(batch[0].id, reason)]
    middle = len(batch) // 2
    return [*await halved(batch[:middle], post), *await halved(batch[middle:], post)]
