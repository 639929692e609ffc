"""Readings into events: a value that reaches a threshold, and that has come back. Pure; events.py keeps the states.

Two thresholds (`above` or `below`, and `clear`) keep a value that wavers from making a new event with each reading.
What is no evidence makes no event: a reading with a mark (out of range, stuck, of an unsure clock, …), one that is old,
and a first one after a restart of the board, which needs a second one that says the same: boards that report "occupied"
when they start are how such systems lose their trust.
"""

from typing import Literal

import msgspec

from ..config.durations import seconds
from ..store.types import StoredReading
from .when import When

Edge = Literal["report", "recovered"]


class Case(msgspec.Struct, omit_defaults=True):
    """An event and what became of it. `id`: also stands in what the target gets, so it is found again there.

    `reading`: the one whose event is, or was, under way; `done` False: it still has to be delivered; `refused`: why the
    target does not take it. `begun`, `recovered`: ms UTC. `remote`: what the target calls it and says of it.
    """

    id: str
    reading: int
    begun: int
    edge: Edge = "report"
    done: bool = False
    refused: str = ""
    recovered: int | None = None
    remote: dict[str, str] = {}

    @property
    def due(self) -> bool:
        """Whether it still has to be delivered."""
        return not self.done and not self.refused


class State(msgspec.Struct, omit_defaults=True):
    """Of one series and rule. `id`, `time`: of the newest reading that was looked at. `since`, `run`: the first time
    and the number of the readings in a row that all say the other thing than `on`. `unproved_to`: since the board's
    last start no reading after this one was seen.
    """

    id: int = 0
    time: int = 0
    on: bool = False
    since: int | None = None
    run: int = 0
    boot: int | None = None
    unproved_to: int | None = None
    case: Case | None = None


def step(when: When, state: State, reading: StoredReading, *, now: float, boot: int | None, newest: int) -> Edge | None:
    """What this reading makes of the state, which is changed.

    `now`: ms; `boot`: the board's present one; `newest`: id of the newest reading there is: what came with the new boot
    is not after it.
    """
    value = reading.value
    if reading.flags or reading.id <= state.id or not isinstance(value, int | float):
        return None
    if isinstance(value, bool) != (when.equals is not None):  # in Python a bool is an int
        return None
    if not state.id or boot != state.boot:
        state.boot, state.unproved_to, state.run, state.since = boot, newest, 0, None
    state.id = reading.id
    if reading.time <= state.time:  # it waited on the board while a newer one came
        return None
    state.time = reading.time
    alone = state.unproved_to is not None
    if state.unproved_to is not None and reading.id > state.unproved_to:
        state.unproved_to = None
    if not (when.over(value) if state.on else when.reached(value)):
        state.run, state.since = 0, None
        return None
    state.run += 1
    state.since = reading.time if state.since is None else state.since
    held = state.on or when.hold is None or reading.time - state.since >= seconds(when.hold) * 1000
    if not held or (alone and state.run < 2) or now - reading.time > seconds(when.max_age) * 1000:
        return None
    state.on, state.run, state.since = not state.on, 0, None
    return "report" if state.on else "recovered"
