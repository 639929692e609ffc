"""Several sheets at work on the same readings: each reading to the rules that look at its property, ticks in between.

One thread at a time. A rule that raises is put aside with a sentence; the others go on.
"""

from collections.abc import Iterable
from typing import NamedTuple

import structlog

from ..texts import Sentence, both
from .evaluate import Evaluator, Reading
from .sheet import Sheet
from .shelf import InForce
from .verdict import Verdict
from .world import World

_NEVER = 1 << 62
_PACE_MS = 1000
"""A rule that wants a tick again at once gets it this much later."""

_log = structlog.get_logger(__name__)


class Rule:
    """A sheet at work. `trouble`: why it was put aside, one sentence; empty: it works. `not_before`: no tick is given
    to it until then."""

    def __init__(self, in_force: InForce, sheet: Sheet, world: World) -> None:
        self.name = in_force.name
        self.in_force = in_force
        self.sheet = sheet
        self.evaluator = Evaluator(sheet, world)
        self.trouble = ""
        self.evaluations = self.verdicts = 0
        self.not_before = 0
        self.due = _NEVER

    def properties(self) -> frozenset[str] | None:
        """Of which readings it wants to know; None: of all, as the silence of a device is over with any."""
        found = {signal.property for signal in self.sheet.signal.values()}
        if listens(self.sheet):
            return None
        return frozenset(name for name in found if name is not None)


class Said(NamedTuple):
    """A verdict and whose it is."""

    rule: Rule
    verdict: Verdict


class Running:
    """The rules at work."""

    def __init__(self) -> None:
        self.rules: dict[str, Rule] = {}
        self._by_property: dict[str, tuple[Rule, ...]] = {}
        self._others: tuple[Rule, ...] = ()
        self._working: tuple[Rule, ...] = ()
        self._at = 0

    def put(self, rule: Rule) -> None:
        """From now on; in place of one of the same name."""
        self.rules[rule.name] = rule
        self.sort()

    def drop(self, name: str) -> None:
        """No more."""
        self.rules.pop(name, None)
        self.sort()

    def working(self) -> list[Rule]:
        """Those that are not put aside."""
        return [rule for rule in self.rules.values() if not rule.trouble]

    def feed(self, reading: Reading, now: int) -> list[Said]:
        """What they say of it, and of what time alone decided before `now` (ms), its moment."""
        said: list[Said] = []
        if now > self._at:
            said = self.tick(now)
        for rule in self._by_property.get(reading.property, self._others):
            rule.evaluations += 1
            try:
                verdicts = rule.evaluator.feed(reading)
            except Exception as error:  # noqa: BLE001  (whatever a rule is made of, the others go on)
                put_aside(rule, error)
                self.sort()
                continue
            if verdicts:
                said += self._said(rule, verdicts)
        return said

    def tick(self, now: int) -> list[Said]:
        """What time alone has decided up to now (ms), each at its time; none before the time of the call before."""
        before, self._at = self._at or now, now
        said: list[Said] = []
        while (due := self.next_tick()) is not None and due <= now:
            due = max(due, before)
            for rule in self._working:
                if rule.due <= due:
                    said += self._tick(rule, due)
        return said

    def put_back(self, now: int) -> None:
        """The clock was: what was put off until a time that is yet to come is due as usual."""
        self._at = min(self._at, now)
        for rule in self.rules.values():
            rule.not_before = min(rule.not_before, now)

    def next_tick(self) -> int | None:
        """When to call tick() again (ms); None: readings alone can change anything."""
        least = _NEVER
        for rule in self._working:
            rule.due = self._due(rule)
            if rule.due < least:
                least = rule.due
        return None if least == _NEVER else least

    def _due(self, rule: Rule) -> int:
        try:
            due = rule.evaluator.next_tick()
        except Exception as error:  # noqa: BLE001
            put_aside(rule, error)
            self.sort()
            return _NEVER
        return _NEVER if due is None else max(due, rule.not_before)

    def _tick(self, rule: Rule, at: int) -> list[Said]:
        rule.not_before = at + _PACE_MS
        try:
            return self._said(rule, rule.evaluator.tick(at))
        except Exception as error:  # noqa: BLE001
            put_aside(rule, error)
            self.sort()
            return []

    def _said(self, rule: Rule, verdicts: Iterable[Verdict]) -> list[Said]:
        found = [Said(rule, verdict) for verdict in verdicts]
        rule.verdicts += len(found)
        return found

    def sort(self) -> None:
        """Rules have come, gone or been put aside."""
        self._working = working = tuple(self.working())
        wanted = {rule.name: rule.properties() for rule in working}
        names = {name for some in wanted.values() if some is not None for name in some}
        self._others = tuple(rule for rule in working if wanted[rule.name] is None)
        self._by_property = {
            name: tuple(rule for rule in working if (some := wanted[rule.name]) is None or name in some)
            for name in names
        }


def put_aside(rule: Rule, error: Exception) -> None:
    """It rests until its sheet is changed or the gateway starts anew."""
    rule.trouble = resting(rule.name, error)


def resting(name: str, error: Exception) -> Sentence:
    """What is said of a rule that raises."""
    _log.error("a rule is put aside", rule=name, exc_info=error)
    kind = type(error).__name__
    return both(
        f"Die Regel {name} ruht: ein Fehler im Programm ({kind}); das Log hat die Einzelheiten.",
        f"The rule {name} rests: a mistake in the program ({kind}); the log has the details.",
    )


def listens(sheet: Sheet) -> bool:
    """Whether it looks at the silence of devices."""
    return any(signal.take == "silence" for signal in sheet.signal.values())
