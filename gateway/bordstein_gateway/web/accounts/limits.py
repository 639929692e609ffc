"""How fast somebody may guess passwords: a growing wait after failures, never a lock for good.

Counted for account and address together, which may become long; for the account alone, which stays short, so that who
guesses can't keep its owner out; for the address alone. In memory, of a bounded size; an hour without failures forgets.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

_MOST = 10_000
_FORGET_S = 3600.0
_PAIR = (4, 900.0)
_ACCOUNT = (10, 30.0)
_ADDRESS = (20, 300.0)
"""Failures that cost nothing, and the longest wait in seconds; each failure more doubles it, from 1 s."""


class Limits:
    """Of one service; `clock`: monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()

    def wait(self, account: str, address: str) -> float:
        """Seconds until the next try is looked at; 0: now."""
        now = self._clock()
        longest = 0.0
        for key, (free, most) in _keys(account, address):
            count, last = self._failures.get(key, (0, 0.0))
            if count > free:
                longest = max(longest, last + min(most, 2.0 ** min(count - free - 1, 30)) - now)
        return longest

    def failed(self, account: str, address: str) -> None:
        """A try was wrong."""
        now = self._clock()
        for key, _ in _keys(account, address):
            count, last = self._failures.pop(key, (0, 0.0))
            self._failures[key] = (count + 1 if now - last < _FORGET_S else 1, now)
        while len(self._failures) > _MOST:
            self._failures.popitem(last=False)

    def passed(self, account: str, address: str) -> None:
        """It was right: this account is forgiven here; what the address did to others is not."""
        self._failures.pop(("pair", account, address), None)


def _keys(account: str, address: str) -> tuple[tuple[Hashable, tuple[int, float]], ...]:
    account = account.lower()[:100]
    return (
        (("pair", account, address), _PAIR),
        (("account", account), _ACCOUNT),
        (("address", address), _ADDRESS),
    )
