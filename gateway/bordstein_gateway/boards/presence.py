"""Is a board there? Pure. A broker's last will alone can't say: it may come late, after the board is back, or never.

A board that sleeps says when it will connect next (`wake`); until then nothing is expected of it.
"""

from collections.abc import Mapping
from typing import Any

SILENCE_MS = 15 * 60_000
"""A board that was not heard for this long is gone, whatever it said last. Boards send health every five minutes."""
OTHERS_SILENCE_MS = 25 * 3_600_000
"""The same for other devices: what runs on a battery for years may say that it is there once a day."""
GRACE_MS = 300_000
"""A board that sleeps may be late by this, or by as long as it meant to sleep: one connection may fail."""

GONE = ("lost", "disconnected")
_LATEST_S = 253_402_300_799  # the year 9999


def overtaken(state: str, boot: int | None, known_boot: int | None) -> bool:
    """A farewell of an older boot than the one known came late, after the board was back."""
    return state in GONE and boot is not None and known_boot is not None and boot < known_boot


def wake(state: str | None, report: Mapping[str, Any]) -> int | None:
    """When a sleeping board will connect next, as its state message says; None: it does not sleep, or says no time."""
    at = report.get("wake") if state == "sleeping" else None
    return at * 1000 if type(at) is int and 0 < at <= _LATEST_S else None


def overdue(now_ms: int, last_seen: int, state_received: int | None, wake: int | None) -> bool:
    """A board that sleeps should have connected by now."""
    return wake is not None and now_ms > wake + max(GRACE_MS, wake - (last_seen or state_received or wake))


def present(
    now_ms: int,
    last_seen: int,
    state: str | None,
    state_received: int | None,
    wake: int | None = None,
    silence_ms: int = SILENCE_MS,
) -> bool:
    """`last_seen`: the last message of the board itself (neither retained nor a will). One that sleeps is there."""
    if wake is not None:
        return not overdue(now_ms, last_seen, state_received, wake)
    if now_ms - last_seen > silence_ms:
        return False
    return state not in GONE or (state_received is not None and last_seen > state_received)
