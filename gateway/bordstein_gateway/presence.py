"""Is a board there? Pure. A broker's last will alone can't say: it may come late, after the board is back, or never."""

SILENCE_MS = 15 * 60_000
"""A board that was not heard for this long is gone, whatever it said last. Boards send health every five minutes."""

GONE = ("lost", "disconnected")


def overtaken(state: str, boot: int | None, known_boot: int | None) -> bool:
    """A farewell of an older boot than the one known came late, after the board was back."""
    return state in GONE and boot is not None and known_boot is not None and boot < known_boot


def present(now_ms: int, last_seen: int, state: str | None, state_received: int | None) -> bool:
    """`last_seen`: the last message of the board itself (neither retained nor a will)."""
    if now_ms - last_seen > SILENCE_MS:
        return False
    return state not in GONE or (state_received is not None and last_seen > state_received)
