"""Stands in for a target that could not be set up, so that one with a broken certificate stops no other."""

from collections.abc import Sequence

from ..store.types import StoredReading
from .target import Refused, Retry


class Unbuilt:
    """Takes nothing and says why; readings wait in the log."""

    keeps_history = True

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def send(self, batch: Sequence[StoredReading]) -> list[Refused]:
        """Retry, always."""
        raise Retry(self._reason)

    async def there(self, batch: Sequence[StoredReading]) -> set[int]:
        """Retry, always."""
        raise Retry(self._reason)

    async def trial(self) -> str:
        """Retry, always."""
        raise Retry(self._reason)

    async def close(self) -> None:
        """There is nothing to close."""
