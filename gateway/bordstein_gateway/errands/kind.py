"""What a kind of errand is to the runner. Failures are forward/'s: Retry and NotTaken."""

from collections.abc import Mapping
from typing import Any, Protocol

from ..forward.events import number
from ..store.errands import Due
from ..texts import both


class NotYet(Exception):
    """The other side is at it: ask again in so many seconds. No failure."""

    def __init__(self, seconds: float) -> None:
        super().__init__(both("die andere Seite ist noch dabei", "the other side is still at it"))
        self.seconds = seconds


class Kind(Protocol):
    """One target of a kind. One call at a time."""

    async def call(self, errand: Due) -> Mapping[str, Any]:
        """Do it, unless the other side shows that it was done before; what it said (`id`, `url`, …), JSON-able.

        Retry: not now. NotTaken: never. NotYet: it was begun.
        """
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


def fields(errand: Due) -> dict[str, Any]:
    """What the request says, without what it is about."""
    return {name: value for name, value in errand.request.items() if name != "about"}


def about(errand: Due) -> Mapping[str, Any]:
    """The case's values (procedures/names.py); empty for a notice."""
    found = errand.request.get("about")
    return found if isinstance(found, Mapping) else {}


def mark(gateway: str, errand: Due) -> str:
    """By this a call is known again at the other side: short, and the same at each try."""
    return number(gateway, errand.key, errand.made)
