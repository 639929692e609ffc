"""One rule over a stream of readings. Pure: no store, no clock of its own; what it means stands in README.md.

    evaluator = Evaluator(sheet, world)
    verdicts = evaluator.feed(reading)       in the order in which readings come; each is judged at its own time
    verdicts = evaluator.tick(now)           what time alone decides; next_tick() says when to ask
    kept = {name: evaluator.dump(name) for name in evaluator.changed()}     and load(name, kept) after a restart

Names are those of objects, of the boards of groups, and "signal:…" for what other boards have measured.
"""

import heapq
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..config.office import Town
from . import foreign, group
from .calendar import Gate
from .foreign import Foreign
from .group import Groups, Member
from .machine import Change, Look, Machine, State, dumped, loaded
from .plan import Plan
from .sheet import Sheet
from .signals import HOUR, Reading, Source, Spec
from .sun import MOMENTS
from .verdict import Verdict
from .world import World

__all__ = ["Evaluator", "Reading"]

_MINUTE = 60_000


class Item:
    """An object, or a board of a group. `sources`: by signal, None where it is not its own or nothing has come."""

    __slots__ = ("device", "gate", "heard", "name", "sources", "state")

    def __init__(self, name: str, device: str, plan: Plan, gate: Gate) -> None:
        self.name = name
        self.device = device
        self.sources: list[Source | None] = [None] * len(plan.specs)
        self.state = State(plan)
        self.gate = gate
        self.heard: int | None = None


class _Use(NamedTuple):
    """A signal that a property's readings go into. `own`: the object's; `device`: this board's alone."""

    place: int
    spec: Spec
    own: bool
    device: str | None


class Evaluator:
    """A rule's state for all its objects."""

    def __init__(self, sheet: Sheet, world: World) -> None:
        self.sheet = sheet
        self._world = world
        self._plan = Plan(sheet)
        self._machine = Machine(self._plan)
        objects = sheet.objects
        self._devices = frozenset(objects.devices)
        self._of_groups = frozenset(objects.groups)
        self._by_series = objects.each == "series"
        self._uses: dict[str, list[_Use]] = {}
        for place, spec in enumerate(self._plan.specs):
            if spec.take != "silence":
                use = _Use(place, spec, self._is_own(spec), spec.signal.device)
                self._uses.setdefault(spec.property, []).append(use)
        self._items: dict[str, Item] = {}
        self._of_device: dict[str, list[Item]] = {}
        self._foreign = Foreign(self._plan, world)
        self._gates: dict[Any, Gate] = {}
        windows = (*sheet.condition.times, *sheet.condition.not_times)
        self._needs_sun = any(sun in text for text in windows for sun in MOMENTS)
        self._heap: list[tuple[int, str]] = []
        self._changed: set[str] = set()
        self._all_devices = self._plan.silence == 0
        self._meet = 0 if self._all_devices else None
        self._by_group = objects.each == "group"
        self._groups = Groups(objects, world, self._plan.cooldown, self._plan.first_max_age)

    # --- readings -------------------------------------------------------------------------------------------------

    def feed(self, reading: Reading) -> list[Verdict]:
        """What a reading decides."""
        verdicts: list[Verdict] = []
        heard = self._hear(reading) if self._plan.silence is not None else []
        touched: dict[str, Item] = {}
        unproved: list[Source] = []
        for use in self._uses.get(reading.property, ()):
            if not use.spec.takes(reading) or (use.device is not None and use.device != reading.device):
                continue
            if not use.own:
                self._keep_foreign(use, reading, touched)
                continue
            item = self._item_of(reading)
            if item is None:
                continue
            source = item.sources[use.place] or Source()
            if use.spec.keep(source, reading):
                item.sources[use.place] = source
                if self._started(source, item):
                    unproved.append(source)
                touched[item.name] = item
        for item in touched.values():
            self._judge(item, reading, unproved, verdicts)
        for item in heard:
            if item.name not in touched:
                self._judge_heard(item, verdicts)
        return verdicts

    def _is_own(self, spec: Spec) -> bool:
        """Whether an object itself keeps this signal's readings; of a board with several objects, what is not theirs is
        kept once."""
        signal = spec.signal
        return (
            signal.device is None
            and not signal.nearest
            and (not self._by_series or spec.property == self._plan.specs[0].property)
        )

    def _watched(self, device: str) -> bool:
        if self._world.gone(device):
            return False
        if not self._devices and not self._of_groups:
            return True
        of_groups = self._of_groups
        return device in self._devices or (bool(of_groups) and not of_groups.isdisjoint(self._world.groups(device)))

    def _item_of(self, reading: Reading) -> Item | None:
        device = reading.device
        if not self._watched(device):
            return None
        name = f"{device}/{reading.series}" if self._by_series else device
        item = self._items.get(name)
        if item is None:
            item = self._make(name, device)
            if self._plan.silence is not None:
                item.heard = reading.received
        return item

    def _make(self, name: str, device: str) -> Item:
        item = Item(name, device, self._plan, self._gate(device))
        if self._plan.silence is not None:
            item.heard = self._world.heard(device)
        self._items[name] = item
        self._changed.add(name)
        if self._by_series or self._plan.silence is not None:
            self._of_device.setdefault(device, []).append(item)
        return item

    def _gate(self, device: str) -> Gate:
        """One for all boards that have the same sun."""
        place = self._world.position(device) if self._needs_sun else None
        key = (round(place[0] * 8), round(place[1] * 8)) if place else None
        gate = self._gates.get(key)
        if gate is None:
            town: Town = self._world.town
            where = (key[0] / 8, key[1] / 8) if key else None
            gate = self._gates[key] = Gate(self.sheet.condition, town, where)
        return gate

    def _keep_foreign(self, use: _Use, reading: Reading, touched: dict[str, Item]) -> None:
        """Only the board's own objects are looked at for it."""
        name = self._foreign.keep(use.place, reading)
        if name is None:
            return
        self._changed.add(name)
        if use.device is None and not use.spec.signal.nearest:
            touched.update((item.name, item) for item in self._of_device.get(reading.device, ()))

    def _started(self, source: Source, item: Item) -> bool:
        """Whether the board has started and not yet said the same twice."""
        boot = self._world.boot(item.device)
        if boot is not None and boot.number != source.boot:
            source.boot, source.unproved = boot.number, boot.newest
            item.state.said = None
        return source.unproved is not None

    def _hear(self, reading: Reading) -> list[Item]:
        """Any reading is a sign of life; the objects of which it is a new one."""
        when = reading.received
        items = self._of_device.get(reading.device)
        if items is None:
            if not self._all_devices or not self._watched(reading.device):
                return []
            item = self._make(reading.device, reading.device)
            item.heard = max(when, item.heard or when)  # the gateway may have heard of it since
            return [item]
        found = [item for item in items if item.heard is None or when > item.heard]
        for item in found:
            item.heard = when
            self._changed.add(item.name)
        return found

    def _judge_heard(self, item: Item, verdicts: list[Verdict]) -> None:
        """Of a board that was heard, and nothing else; only for what a silence has begun this makes a difference."""
        if not self._is_object(item):
            return
        state, heard = item.state, item.heard
        assert heard is not None  # noqa: S101  # _hear() has set it
        if state.reached >= 0 or any(of.since is not None for of in state.levels):
            at, newest = max(state.at, state.edge, heard), state.at
            self._look(item, Look(at, self._values(item, at, at)), verdicts)
            state.at = newest  # a reading that was on its way is judged at its own time all the same
        else:
            self._wake(item, None, heard)

    def _is_object(self, item: Item) -> bool:
        """Whether the board has the first signal's property; all are ever heard."""
        return self._all_devices or item.sources[0] is not None

    def _judge(self, item: Item, reading: Reading, unproved: list[Source], verdicts: list[Verdict]) -> None:
        if not self._is_object(item):
            self._changed.add(item.name)
            return
        at = max(item.state.at, item.state.edge, reading.time)
        age = self._world.max_age
        late = age is not None and reading.received - reading.time > age
        is_first = reading.property == self._plan.specs[0].property
        self._look(item, Look(at, self._values(item, at, at), True, bool(unproved), late, is_first), verdicts)
        for source in unproved:
            if not item.state.weak and source.unproved is not None and reading.id > source.unproved:
                source.unproved = None

    # --- time -----------------------------------------------------------------------------------------------------

    def tick(self, now: int) -> list[Verdict]:
        """What the time up to `now` decides: a silence, the end of `for`, a window that opens. It only ever fires."""
        verdicts: list[Verdict] = []
        if self._meet is not None and now >= self._meet:
            self._meet = now + _MINUTE
            for device in self._world.devices():
                if device not in self._of_device and self._watched(device):
                    self._wake(self._make(device, device), None, now)
        while self._heap and self._heap[0][0] <= now:
            when, name = heapq.heappop(self._heap)
            item = self._items.get(name)
            if item is None or item.state.wake != when:
                continue
            item.state.wake = None
            if not self._is_object(item) or not self._watched(item.device):
                continue
            at = max(item.state.at, item.state.edge, now)
            self._look(item, Look(at, self._values(item, item.state.at, at), reading=False), verdicts)
        return verdicts

    def next_tick(self) -> int | None:
        """When time alone may decide something next (ms UTC); it may turn out that it does not."""
        while self._heap:
            when, name = self._heap[0]
            item = self._items.get(name)
            if item is not None and item.state.wake == when:
                break
            heapq.heappop(self._heap)
        times = [when for when in (self._heap[0][0] if self._heap else None, self._meet) if when is not None]
        return min(times, default=None)

    def _wake(self, item: Item, wake: int | None, now: int) -> None:
        """An earlier look does no harm, so that one which is due anyway is left as it is."""
        silent = self._silence_wake(item, now)
        wake = min((when for when in (wake, silent) if when is not None), default=None)
        if wake is not None and (item.state.wake is None or wake < item.state.wake):
            item.state.wake = wake
            heapq.heappush(self._heap, (wake, item.name))

    def _silence_wake(self, item: Item, now: int) -> int | None:
        if self._plan.silence is None or item.heard is None:
            return None
        steps = self._plan.silence_steps
        if steps is None:
            return now + _MINUTE
        return next((item.heard + step + 1 for step in steps if item.heard + step + 1 > now), None)

    # --- judging --------------------------------------------------------------------------------------------------

    def _values(self, item: Item, at: int, now: int) -> tuple[float | bool | None, ...]:
        """The signals: as of `at`, fresh enough at `now`."""
        return tuple(
            (None if item.heard is None else max(0, now - item.heard) / HOUR)
            if spec.take == "silence"
            else spec.value(item.sources[place] or self._foreign.source(item.device, place, spec, at), at, now)
            for place, spec in enumerate(self._plan.specs)
        )

    def _look(self, item: Item, look: Look, verdicts: list[Verdict]) -> None:
        change = self._machine.look(item.state, item.gate, look)
        if look.reading:
            item.state.at = look.at
        if change.edge:
            item.state.edge = look.at
        self._changed.add(item.name)
        self._wake(item, change.wake, look.at)
        if not self._by_group:
            if change.edge:
                verdicts.append(self._verdict(item.name, item, look, change, ()))
            return
        for name, of_group, firing in self._groups.count(item.device, _member(item), look.at, late=look.late):
            self._changed.add(name)
            stage = self._plan.levels[of_group.stage].stage
            change = Change(of_group.edge, of_group.since, stage, None)
            verdicts.append(self._verdict(name, item, look, change, firing))

    def _verdict(self, name: str, item: Item, look: Look, change: Change, firing: Iterable[str]) -> Verdict:
        devices = tuple(sorted(firing))
        stands_for = self.sheet.objects.stands_for
        return Verdict(
            rule=self.sheet.name,
            object=name,
            edge=change.edge or "fires",
            time=look.at,
            since=change.since,
            stage=change.stage,
            signals=dict(zip(self._plan.keys, look.values, strict=True)),
            devices=devices,
            stands_for=sum(stands_for.get(device, 1) for device in devices or (item.device,)),
        )

    # --- keeping --------------------------------------------------------------------------------------------------

    def ended(self, object: str, time: int) -> None:
        """A person has ended the object's case at `time` (ms UTC): `cooldown` counts from then, and what still is so
        fires again after it. Without a cooldown only what has cleared fires again."""
        if not self._plan.cooldown:
            return
        if object in self._items:
            item = self._items[object]
            item.state.ended = time
            if item.state.reached >= 0:
                item.state.reached = -1
                for of in item.state.levels:
                    of.on, of.over = False, None
                self._wake(item, time + self._plan.cooldown, time)
            self._changed.add(object)
        elif self._groups.ended(object, time):
            self._changed.add(object)

    def assume(self, object: str, stage: str, since: int) -> bool:
        """It fires since then (ms UTC): there is a case of it, though nothing else is known any more. False: it is none
        of this rule's objects, or a group, whose boards say how it is."""
        device, series, _ = object.partition("/")
        if self._by_group or bool(series) != self._by_series or not self._watched(device):
            return False
        item = self._items.get(object) or self._make(object, device)
        state = item.state
        if state.reached < 0:
            names = [level.stage for level in self._plan.levels]
            state.reached, state.begun = names.index(stage) if stage in names else 0, since
            for of in state.levels[: state.reached + 1]:
                of.on, of.over, of.since = True, None, since
            self._changed.add(object)
        return True

    def changed(self) -> set[str]:
        """Whose state is another than when this was last asked."""
        changed, self._changed = self._changed, set()
        return changed

    def firing(self) -> Mapping[str, int]:
        """The objects that fire now, and since when (ms UTC)."""
        if self._by_group:
            return self._groups.firing()
        return {name: item.state.begun for name, item in self._items.items() if item.state.reached >= 0}

    def __len__(self) -> int:
        """How many objects it knows, boards of groups counted."""
        return len(self._items)

    def dump(self, object: str) -> dict[str, Any] | None:
        """An object's state as JSON; None: it has none."""
        if object.startswith(foreign.PREFIX):
            return self._foreign.dump(object)
        if object.startswith(group.PREFIX):
            return self._groups.dump(object)
        item = self._items.get(object)
        if item is None:
            return None
        kept = dumped(item.state)
        kept["sources"] = [source.dump() if source else None for source in item.sources]
        if item.heard is not None:
            kept["heard"] = item.heard
        if (name := self._groups.of(item.device)) is not None:
            kept["group"] = name
        return kept

    def load(self, object: str, kept: dict[str, Any]) -> None:
        """What dump() gave, of a sheet with the same signals."""
        if object.startswith(foreign.PREFIX):
            self._foreign.load(object, kept)
            return
        if object.startswith(group.PREFIX):
            self._groups.load(object, kept)
            return
        item = self._items.get(object) or self._make(object, object.partition("/")[0])
        item.state = loaded(kept, self._plan)
        item.heard = kept.get("heard", item.heard)
        for place, values in enumerate(kept["sources"][: len(self._plan.specs)]):
            if values:
                source = item.sources[place] = Source()
                source.load(values)
        if item.state.wake is not None:
            heapq.heappush(self._heap, (item.state.wake, object))
        if "group" in kept:
            self._groups.enter(item.device, kept["group"], _member(item))


def _member(item: Item) -> Member:
    source = item.sources[0]
    return Member(item.state.reached, item.state.begun, source.time if source else item.state.at)
