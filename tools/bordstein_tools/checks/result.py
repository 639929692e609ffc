"""What a test of a board comes to: one result an item."""

from typing import Final, Literal, NamedTuple

from .observing import Seen

OK: Final = "ok"
WARN: Final = "warn"
BAD: Final = "bad"
State = Literal["ok", "warn", "bad"]


class Result(NamedTuple):
    """One item. key: stable, for programs ("sensor:air", "network", "name", "tls", "receipt", "clock", …). name, value,
    hint: for people, in their language; hint: cause and cure, "" where there is none to give."""

    key: str
    name: str
    state: State
    value: str
    hint: str = ""


def complaints(seen: Seen, who: str) -> list[str]:
    """What a part of the board (wifi, time, …) complained of on its console."""
    lines = [line.removeprefix(who + ": ") for line in seen.lines if line.startswith(who + ": ")]
    return [line for line in lines if not line.startswith("connected")]
