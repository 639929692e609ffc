"""How fast somebody may guess passwords: a growing wait after failures, never a lock for good.

Counted for account and address together, which may become long; for the account alone, which stays short and does not
count where its owner came from before, so that who guesses can't keep the owner out; for the address alone. In memory,
of a bounded size; an hour without failures forgets.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple, TypeVar

_MOST = 10_000
_FORGET_S = 3600.0


class _Limit(NamedTuple):
    """Failures that cost nothing, and the longest wait in seconds; each failure more doubles it, from 1 s."""

    free: int
    longest: float


_PAIR, _ACCOUNT = _Limit(4, 900.0), _Limit(10, 30.0)
_ADDRESS = _Limit(100, 60.0)
"""A whole town hall may have one address."""
_Key = tuple[str, str]
_T = TypeVar("_T")


class Limits:
    """Of one service; `clock`: monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[_Key, tuple[int, float]] = OrderedDict()
        self._friends: OrderedDict[_Key, None] = OrderedDict()

    def wait(self, account: str, address: str) -> float:
        """Seconds until the next try is looked at; 0 or less: now."""
        now = self._clock()
        longest = 0.0
        for key, limit in self._limits(account, address):
            count, last = self._failures.get(key, (0, 0.0))
            if count > limit.free:
                longest = max(longest, last + min(limit.longest, 2.0 ** min(count - limit.free - 1, 30)) - now)
        return longest

    def failed(self, account: str, address: str) -> None:
        """A try was wrong."""
        now = self._clock()
        for key, _ in self._limits(account, address):
            count, last = self._failures.pop(key, (0, 0.0))
            self._failures[key] = (count + 1 if now - last < _FORGET_S else 1, now)
        _bound(self._failures)

    def passed(self, account: str, address: str) -> None:
        """The try that failed() counted last was right after all. What the address did to other accounts stays."""
        for key, _ in self._limits(account, address):
            count, last = self._failures.pop(key, (0, 0.0))
            if count > 1 and key != _pair(account, address):
                self._failures[key] = (count - 1, last)
        self._friends[_pair(account, address)] = None
        _bound(self._friends)

    def _limits(self, account: str, address: str) -> Iterator[tuple[_Key, _Limit]]:
        pair = _pair(account, address)
        yield pair, _PAIR
        if pair not in self._friends:
            yield ("", pair[0]), _ACCOUNT
        yield (_network(address), ""), _ADDRESS


def _pair(account: str, address: str) -> _Key:
    return f"account {account[:100]}", _network(address)


def _network(address: str) -> str:
    """Of IPv6 the /64, as everybody has 2^64 addresses of one."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(IPv6Address(int(found) >> 64 << 64))
    return address


def _bound(entries: OrderedDict[_Key, _T]) -> None:
    while len(entries) > _MOST:
        entries.popitem(last=False)
