"""One object's state under one rule, and what a look at it changes. Pure: no clock, no readings, only signals' values.

What is unknown changes nothing: it neither fires nor clears, and does not stop the clock of `for` either, unless
nothing was known for longer than that time itself (or the first signal's max_age, where that is longer).
"""

from typing import Any, NamedTuple

from .calendar import Gate
from .plan import Level, Plan, Values
from .verdict import Edge


class LevelState:
    """Of one stage. `since`: its condition is so since then; `seen`: a reading last said so; `over`: the other way
    round while it is on. `window`: in which `since` lies. `samples`: the last few answers. `row`: in so many windows
    one after the other, the last of them began at `row_window`, the first look that counted was at `row_since`."""

    __slots__ = ("on", "over", "row", "row_since", "row_window", "samples", "seen", "since", "window")

    def __init__(self) -> None:
        self.on = False
        self.since: int | None = None
        self.seen = 0
        self.over: int | None = None
        self.window = 0
        self.samples: list[bool] | None = None
        self.row = 0
        self.row_window: int | None = None
        self.row_since = 0


class State:
    """Of one object. `at`: of the newest reading that was looked at; `edge`: of what was last said; `reached`: the
    highest stage of what is under way, -1 for nothing; `begun`, `ended`: of that, or of the last one; `said`: what the
    last reading said; `weak`: and that this does not count yet; `wake`: when time alone may change something."""

    __slots__ = ("at", "begun", "edge", "ended", "levels", "reached", "said", "wake", "weak")

    def __init__(self, plan: Plan) -> None:
        self.at = self.edge = -(2**62)
        self.levels = [LevelState() for _ in plan.levels]
        self.reached = -1
        self.begun = 0
        self.ended: int | None = None
        self.said: tuple[bool | None, ...] | None = None
        self.weak = False
        self.wake: int | None = None


class Look(NamedTuple):
    """A look at an object's values, at `at` (ms UTC). `reading`: one has come (else time has passed). `alone`: its
    board has just started; `late`: it was too old when it came; `first`: it is one of the first signal's."""

    at: int
    values: Values
    reading: bool = True
    alone: bool = False
    late: bool = False
    first: bool = False


class Change(NamedTuple):
    """What a look changed: `edge` None: nothing that anybody is told. `wake`: look again then, whatever comes."""

    edge: Edge | None
    since: int
    stage: str
    wake: int | None


class Machine:
    """A rule's workings, the same for all its objects."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def look(self, state: State, gate: Gate, look: Look) -> Change:
        """Changes the state."""
        if look.reading:
            self._proved(state, look)
        elif state.weak:
            return Change(None, 0, "", None)
        at = look.at
        wakes: list[int] = []
        looking = gate.plain or gate.looks(at).inside
        for level, of in zip(self.plan.levels, state.levels, strict=True):
            if of.on:
                if looking and (look.reading or of.over is not None):
                    self._clear(of, level, state, look, wakes)
            else:
                self._fire(state, of, level, gate, look, wakes, looking)
        return self._changed(state, at, min(wakes, default=None))

    def _proved(self, state: State, look: Look) -> None:
        """After a board's start the first reading alone changes nothing; a second one has to say the same."""
        state.weak = False
        if look.alone:
            said = tuple(
                answer for level in self.plan.levels for answer in (level.fires(look.values), level.clears(look.values))
            )
            state.weak = said != state.said
            state.said = said
        elif state.said is not None:
            state.said = None

    def _clear(self, of: LevelState, level: Level, state: State, look: Look, wakes: list[int]) -> None:
        over = level.clears(look.values)
        if over is False and look.reading:
            of.over = None
        if not over:
            return
        if of.over is None or (look.reading and look.at - of.seen > max(self.plan.clears_for, self.plan.first_max_age)):
            of.over = look.at
        if look.reading:
            of.seen = look.at
        if look.at - of.over < self.plan.clears_for:
            wakes.append(of.over + self.plan.clears_for)
        elif not state.weak:
            of.on, of.over, of.since, of.samples, of.row, of.row_window = False, None, None, None, 0, None

    def _fire(
        self, state: State, of: LevelState, level: Level, gate: Gate, look: Look, wakes: list[int], looking: bool
    ) -> None:
        at = look.at
        window = gate.begins(at)
        if of.window != window.start and window.inside:
            if of.since is not None or of.samples:
                of.since, of.samples = None, None
            of.window = window.start
        so = level.fires(look.values)
        if self.plan.samples and looking:
            so = self._sampled(of, so, look.first)
        if so is None:
            return
        if not so or not window.inside:
            if look.reading:
                of.since = None
            if so:
                wakes.append(window.end)
            return
        if of.since is None or (look.reading and at - of.seen > level.gap):
            of.since = at
            of.seen = at
        if look.reading:
            of.seen = at
        if at - of.since < level.hold:
            wakes.append(of.since + level.hold)
            return
        if self.plan.in_a_row > 1 and not self._in_a_row(of, gate, at):
            return
        if state.ended is not None and state.reached < 0 and at < state.ended + self.plan.cooldown:
            wakes.append(state.ended + self.plan.cooldown)
            return
        if not state.weak and not look.late:
            of.on, of.over = True, None

    def _sampled(self, of: LevelState, so: bool | None, reading: bool) -> bool | None:
        """Whether n of the last m say so; of m that are not there yet no answer is certain but yes."""
        samples = self.plan.samples
        assert samples is not None  # noqa: S101
        if reading and so is not None:
            of.samples = [*(of.samples or [])[-(samples.m - 1) :], so] if samples.m > 1 else [so]
        if so is None or not of.samples:
            return None
        return sum(of.samples) >= samples.n

    def _in_a_row(self, of: LevelState, gate: Gate, at: int) -> bool:
        window = gate.looks(at).start
        if of.row_window != window:
            follows = of.row_window is not None and gate.window_before(window) == of.row_window
            of.row = of.row + 1 if follows else 1
            of.row_window = window
            if of.row == 1:
                assert of.since is not None  # noqa: S101
                of.row_since = of.since
        return of.row >= self.plan.in_a_row

    def _changed(self, state: State, at: int, wake: int | None) -> Change:
        highest = max((place for place, of in enumerate(state.levels) if of.on), default=-1)
        if highest < 0 <= state.reached:
            stage = self.plan.levels[state.reached].stage
            state.reached, state.ended = -1, at
            return Change("recovers", state.begun, stage, wake)
        if highest <= state.reached:
            return Change(None, 0, "", wake)
        since = min(self._since(of) for of in state.levels if of.on)
        edge: Edge = "fires" if state.reached < 0 else "rises"
        if edge == "fires":
            state.begun = since
        else:
            since = self._since(state.levels[highest])
        state.reached = highest
        return Change(edge, since, self.plan.levels[highest].stage, wake)

    def _since(self, of: LevelState) -> int:
        begun = of.row_since if self.plan.in_a_row > 1 else of.since
        return begun or 0


_LEVEL = LevelState.__slots__
_STATE = ("at", "begun", "edge", "ended", "reached", "said", "wake", "weak")


def dumped(state: State) -> dict[str, Any]:
    """As JSON; what is as at the beginning is left out."""
    fresh = LevelState()
    values = {name: getattr(state, name) for name in _STATE}
    kept: dict[str, Any] = {name: value for name, value in values.items() if value is not None and value is not False}
    kept["levels"] = [
        {name: value for name in _LEVEL if (value := getattr(of, name)) != getattr(fresh, name)} for of in state.levels
    ]
    return kept


def loaded(kept: dict[str, Any], plan: Plan) -> State:
    """What dumped() gave. Stages that the sheet has no more are left out, new ones are as at the beginning."""
    state = State(plan)
    for name in _STATE:
        if name in kept:
            setattr(state, name, kept[name])
    state.said = tuple(kept["said"]) if kept.get("said") is not None else None
    for of, values in zip(state.levels, kept.get("levels", ()), strict=False):
        for name in _LEVEL:
            if name in values:
                setattr(of, name, values[name])
    state.reached = min(state.reached, len(state.levels) - 1)
    return state
