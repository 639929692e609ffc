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
    seconds the target asked for. `broken`: the target answered that it failed itself, perhaps after it took everything.
    """

    def __init__(self, reason: str, *, unclear: bool = False, wait: float | None = None, broken: bool = False) -> None:
        super().__init__(reason)
        self.unclear = unclear
        self.wait = wait
        self.broken = broken


class NotTaken(Exception):
    """What one event asks for, the target will never take; the message is its reason."""


class Target(Protocol):
    """One town system. Called by its own outbox only, one call at a time."""

    keeps_history: bool
    """Whether it takes readings that are older than what it has. False: it shows the present only; of what it missed,
    and of a time span that is sent once more, it gets the newest reading of each series, if that is the newest there
    is."""

    async def send(self, batch: Sequence[StoredReading]) -> list[Refused]:
        """Deliver all of them, each series in order. What is not refused was taken. Retry: nobody knows what was."""
        ...

    async def there(self, batch: Sequence[StoredReading]) -> set[int]:
        """The ids of those that the target has already, for a batch that may have been sent before. Retry."""
        ...

    async def trial(self) -> str:
        """Send one marked trial record (trial.py has it); in a sentence, both(de, en), what the other side answered.

        Retry, with a sentence that has the cure: it did not take it. The store is a passing one, empty; config.devices
        has the trial's board, with a name and a position.
        """
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


class Reachable(Protocol):
    """A target with a connection of its own kind; the doctor asks the others by HTTP."""

    async def reach(self) -> str:
        """Connect, write nothing, and end no connection of a running gateway; who let it in, both(de, en). Retry."""
        ...
