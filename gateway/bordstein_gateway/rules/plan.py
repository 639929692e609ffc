"""A sheet's condition made ready: what is asked of the signals' values, and the times that count."""

from collections.abc import Sequence
from functools import lru_cache

from ..config.durations import seconds
from ..config.types import Duration
from .expression import Expression, Kind, compiled, thresholds
from .sheet import Samples, Sheet
from .signals import HOUR, Spec

Values = tuple[float | bool | None, ...]
"""Of the signals, in the sheet's order."""


class Level:
    """A stage, or the condition where there are none. Times in ms; `gap`: so long nothing may be known while it holds.

    `fires` and `clears` say yes, no or None, unknown, of values; what was asked lately is not asked again.
    """

    def __init__(
        self,
        keys: Sequence[str],
        stage: str,
        fires: Sequence[Expression],
        clears: Sequence[Expression],
        hold: int,
        gap: int,
    ) -> None:
        self.stage = stage
        self.hold = hold
        self.gap = gap
        self._keys = tuple(keys)
        self._fires = tuple(fires)
        self._clears = tuple(clears)
        self.fires = lru_cache(1024)(self._asked_fires)
        self.clears = lru_cache(1024)(self._asked_clears)

    def _known(self, values: Values) -> dict[str, float | bool]:
        return {key: value for key, value in zip(self._keys, values, strict=True) if value is not None}

    def _asked_fires(self, values: Values) -> bool | None:
        """All of its expressions have to be so."""
        known = self._known(values)
        unknown = False
        for expression in self._fires:
            answer = expression.of(known)
            if answer is False:
                return False
            unknown |= answer is None
        return None if unknown else True

    def _asked_clears(self, values: Values) -> bool | None:
        """One of its expressions is enough, while it does not fire; without any it is over when it does not fire."""
        fires = self.fires(values)
        if fires or not self._clears:
            return None if fires is None else not fires
        known = self._known(values)
        unknown = False
        for expression in self._clears:
            answer = expression.of(known)
            if answer:
                return True
            unknown |= answer is None
        return None if unknown else False


class Plan:
    """What the machine of each object goes by. Times in ms."""

    def __init__(self, sheet: Sheet) -> None:
        condition = sheet.condition
        self.specs = [Spec(key, signal) for key, signal in sheet.signal.items()]
        self.keys = [spec.key for spec in self.specs]
        kinds = kinds_of(sheet)
        longest = self.specs[0].max_age
        self.levels: list[Level] = []

        def level(stage: str, fires: list[str | None], clears: list[str | None], hold: Duration | None) -> None:
            time = _ms(hold if hold is not None else condition.hold)
            begin, end = ([compiled(text, kinds) for text in texts if text is not None] for texts in (fires, clears))
            self.levels.append(Level(self.keys, stage, begin, end, time, max(time, longest)))

        for stage in sheet.stages:
            level(stage.name, [condition.fires, stage.fires], [stage.clears, condition.clears], stage.hold)
        if not sheet.stages:
            level("", [condition.fires], [condition.clears], None)
        self.samples: Samples | None = condition.samples
        self.clears_for = _ms(condition.clears_for)
        self.cooldown = _ms(condition.cooldown)
        self.in_a_row = condition.in_a_row
        self.first_max_age = longest
        self.silence = next((place for place, spec in enumerate(self.specs) if spec.take == "silence"), None)
        self.silence_steps = self._silence_steps(sheet)

    def _silence_steps(self, sheet: Sheet) -> list[int] | None:
        """So long a silence may make a difference; None: the expressions don't say it plainly."""
        if self.silence is None:
            return []
        texts = [sheet.condition.fires, *(stage.fires for stage in sheet.stages)]
        found = [thresholds(text, self.keys[self.silence]) for text in texts if text is not None]
        if any(steps is None for steps in found):
            return None
        return sorted({round(step * HOUR) for steps in found if steps for step in steps})


def kinds_of(sheet: Sheet) -> dict[str, Kind]:
    """Of what kind each signal is in an expression."""
    return {
        key: "boolean" if Spec(key, signal).boolean and signal.take == "last" else "number"
        for key, signal in sheet.signal.items()
    }


def _ms(text: Duration | None) -> int:
    return seconds(text) * 1000 if text else 0
