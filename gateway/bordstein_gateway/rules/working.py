"""The sheets at work: batches of the log to verdicts, these and the rules' states into the store. See live.py.

One thread at a time; everything may raise StoreError, and goes on where it was when it is called again.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Protocol

import msgspec
import structlog

from ..boards.stations import Stations
from ..cases.types import Case
from ..config.config import Config
from ..config.durations import seconds
from ..store import Store, StoreError
from ..store.cases import open_of_rule
from ..store.connection import Connection
from ..store.sheets import (
    begun_rules,
    drop_rule_states,
    ended_cases,
    forget_others,
    move_place,
    put_rule_states,
    rule_states,
)
from .evaluate import Reading
from .known import Known
from .past import by_time, span, wanted
from .running import Rule, Running, Said, listens, put_aside, resting
from .sheet import Sheet
from .shelf import InForce
from .verdict import Verdict

PLACE = "rules"
"""The name of the place in the log, among those of the forwarders."""
BATCH = 1000
CHECKPOINT_S = 300.0
CHECKPOINT_READINGS = 100_000
"""After so long, or so many readings, all states are on disk and the place moves."""
PIECE = 1000
"""States that one commit takes."""
AWAY_MS = 900_000
PATIENCE_MS = 3_600_000
"""After the gateway itself heard nobody for AWAY_MS, nobody is silent before this is over."""
_OVERLAP_MS = 600_000
"""A case's end may be in the store so long after the time that it has: while the database was away."""
_JUMP_MS = 60_000
_NO_RULE, _PATIENCE = "", "patient until"
_MARK = ""
"""The object under which a rule keeps with which version it has begun."""

_Key = tuple[str, str]

_log = structlog.get_logger(__name__)


class Cases(Protocol):
    """What becomes of a verdict, in the commit that is under way."""

    def apply(self, connection: Connection, verdict: Verdict, in_force: Any, now: int) -> Any: ...


class State(msgspec.Struct, omit_defaults=True):
    """What is kept of an object. `waits`: what was said of it becomes a case with its next reading, if it is still so:
    what is known is old, or the case could not begin."""

    state: dict[str, Any] | None = None
    waits: Verdict | None = None


class Mark(msgspec.Struct):
    """With which version a rule has begun, and on what its states depend."""

    version: int
    shape: str


class Working:
    """`next_id`: the first reading that was not looked at. `verdicts`: how many there were."""

    def __init__(
        self,
        config: Config,
        store: Store,
        cases: Cases,
        stations: Stations,
        *,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        hears: Callable[[], bool] = lambda: True,
        checkpoint_s: float = CHECKPOINT_S,
    ) -> None:
        self._store = store
        self._cases = cases
        self._clock = clock
        self._checkpoint_s = checkpoint_s
        self._world = Known(config, store, stations)
        self.running = Running()
        self.verdicts = 0
        self._ended = 0  # evaluations of rules that are gone
        self._failed: dict[str, tuple[InForce, str]] = {}  # sheets with which no rule could begin
        self._unsaid: list[Said] = []
        self._waiting: dict[_Key, Verdict] = {}
        self._stale: dict[str, set[_Key]] = {}
        self._touched: set[_Key] = set()  # what waits, or waits no more, since the last commit
        self._saving: list[tuple[Rule, str]] = []
        self._saving_place = 0
        self._force = False
        self._cases_seen = self._now() - _OVERLAP_MS
        place = store.place_get(PLACE)
        there = any(one.forwarder == PLACE for one in store.places())
        newest = store.newest_id()
        self.next_id = min(place.next_id, newest + 1) if there else newest + 1
        self._saved_id = place.next_id if there else 0
        self._saved_at = clock()
        last = store.observed(newest) if newest else None
        now = self._now()
        self._steady, self._hears = steady, hears
        self._heard_at = self._turned_at = steady()
        self._turned = now
        self._patient_until = min(_patience(store), now + PATIENCE_MS)
        if last is not None and now - last.received * 1000 > AWAY_MS:
            self._be_patient(now)

    # What live.py asks

    def turn(self) -> bool:
        """One batch; whether there may be more at once."""
        self._look_at_clock()
        self._commit()
        if not self.running.rules:
            return False
        rows = self._store.readings_after(self.next_id - 1, BATCH)
        now = self._now()
        self._world.refresh({row.device for row in rows})
        running, unsaid = self.running, self._unsaid
        for row in rows:
            received = row.received * 1000
            reading = Reading(row.device, row.series, row.property, row.time, row.value, row.flags, received, row.id)
            if said := running.feed(reading, received if received < now else now):
                unsaid += self._sifted(said)
            if self._stale and reading.device in self._stale and not reading.flags:
                unsaid += self._released(reading)
        if rows:
            self.next_id = rows[-1].id + 1
        caught_up = len(rows) < BATCH
        if caught_up:
            unsaid += self._sifted(running.tick(now))
        self._commit()
        self._save_some()
        return not caught_up or bool(self._saving)

    def renew(self, sheets: Mapping[str, InForce], unread: Collection[str] = ()) -> None:
        """These are in force and switched on, no others; what rules remember of sheets that can't be read stays."""
        self._commit()
        for name in [name for name in self.running.rules if name not in sheets]:
            self._forget(self.running.rules[name], save=False)
            _log.info("a rule ends", rule=name)
        begun = begun_rules(self._store) - forget_others(self._store, {*sheets, *unread})
        if sheets and not self.running.rules and begun.isdisjoint(sheets):
            self.next_id, self._saved_id = self._store.newest_id() + 1, 0  # nobody was there to look at the rest
        self._failed = {name: found for name, found in self._failed.items() if found[0] == sheets.get(name)}
        for name, one in sheets.items():
            rule = self.running.rules.get(name)
            if name in self._failed:
                continue
            if rule is not None and rule.in_force.version == one.version and rule.sheet == one.sheet:
                rule.in_force = one
                continue
            try:
                self._begin(one, rule)
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001  (whatever a sheet is made of, the others begin)
                self._failed[name] = one, resting(name, error)

    def look_at_cases(self) -> None:
        """Cases that people have ended: a rule with a cool-down counts it from then."""
        now = self._now()
        self._ended_by_people(ended_cases(self._store, self._cases_seen))
        self._cases_seen = now - _OVERLAP_MS

    def _ended_by_people(self, ended: Iterable[tuple[str, str, int]]) -> None:
        """Each may be told again: what no longer fires is left as it is."""
        for name, object, at in ended:
            rule = self.running.rules.get(name)
            if rule is None or rule.trouble or rule.sheet.condition.cooldown is None:
                continue
            since = rule.evaluator.firing().get(object)
            if since is not None and since <= at:
                rule.evaluator.ended(object, at)

    def save(self) -> None:
        """Everything on disk: the states and the place."""
        self._commit()
        self._force = True
        self._save_some()
        while self._saving:
            self._save_some()

    # When the gateway itself could not hear

    def _look_at_clock(self) -> None:
        """While the broker is away everybody seems silent; and where the clock was put on, since long."""
        now, at = self._now(), self._steady()
        jump = now - self._turned - (at - self._turned_at) * 1000
        self._turned, self._turned_at = now, at
        if self._hears():
            self._heard_at = at
        if jump < -_JUMP_MS:
            self.running.put_back(now)
            self._patient_until = min(self._patient_until, now + PATIENCE_MS)
        if jump > AWAY_MS or (at - self._heard_at) * 1000 > AWAY_MS:
            self._be_patient(now)

    def _be_patient(self, now: int) -> None:
        """Kept, so that a start soon after does not forget it."""
        until = now + PATIENCE_MS
        if self._patient_until < until - _JUMP_MS or self._patient_until > until:
            row = (_NO_RULE, _PATIENCE, str(until))
            self._store.submit(lambda connection: put_rule_states(connection, [row])).result()
            self._patient_until = until
        for rule in self.running.rules.values():
            if listens(rule.sheet):
                rule.not_before = max(rule.not_before, self._patient_until)

    def due(self) -> int | None:
        """When to turn again even if nothing comes in (ms)."""
        return self.running.next_tick()

    def at_work(self) -> int:
        """How many rules."""
        return len(self.running.working())

    def evaluations(self) -> int:
        """How often a rule looked at a reading."""
        return self._ended + sum(rule.evaluations for rule in self.running.rules.values())

    def troubles(self) -> dict[str, str]:
        """Rules that were put aside."""
        failed = {name: said for name, (_, said) in self._failed.items()}
        return failed | {rule.name: rule.trouble for rule in list(self.running.rules.values()) if rule.trouble}

    # Rules begin and end

    def _begin(self, one: InForce, before: Rule | None) -> None:
        sheet = one.sheet
        if sheet is None:
            return
        if before is not None:
            self._forget(before, save=True)
        self._world.learn()
        rule = Rule(one, sheet, self._world)
        if listens(sheet):
            rule.not_before = self._patient_until
        states = rule_states(self._store, one.name)
        mark = _mark_of(states.pop(_MARK, ""))
        new = Mark(one.version, _shape(sheet))
        if mark is not None and mark.shape == new.shape:
            for object, text in states.items():
                self._restore(rule, object, text)
            self.running.put(rule)
            self._ended_by_people(ended_cases(self._store, 0, rule.name))
            if mark.version != one.version:
                self._store.submit(lambda connection: put_rule_states(connection, [_mark(rule, new)])).result()
        else:
            self._begin_anew(rule, new)
        _log.info("a rule begins", rule=rule.name, version=one.version, objects=len(states))

    def _restore(self, rule: Rule, object: str, text: str) -> None:
        state = State()
        try:
            state = msgspec.json.decode(text, type=State)
            if state.state is not None:
                rule.evaluator.load(object, state.state)
        except (KeyError, TypeError, ValueError, msgspec.MsgspecError):  # it no longer fits: the object begins anew
            _log.warning("a state is given up", rule=rule.name, object=object)
        if state.waits is not None:
            self._wait(rule, state.waits)

    def _begin_anew(self, rule: Rule, mark: Mark) -> None:
        """As if it had always been there: what is so now has its case, what is over has none, or one that ends."""
        now = self._now()
        series = wanted(self._store, [rule.sheet])
        self._world.refresh({row.device for row in series.values()})
        running = Running()
        running.put(rule)
        so: dict[str, Said] = {}
        over: dict[str, Said] = {}
        newest: dict[str, int] = {}
        with self._store.database.reading() as connection:
            cases = [case for case in open_of_rule(connection, rule.name) if case.recovered is None]
        cases.sort(key=_begun_at, reverse=True)
        past = by_time(self._store, series, now - span(rule.sheet), now + 1, self.next_id)
        for reading in past:
            while cases and _begun_at(cases[-1]) < reading.time:
                _assume(rule, cases.pop())
            newest[reading.device] = reading.time
            _follow(so, over, running.feed(reading, reading.time))
        while cases:
            _assume(rule, cases.pop())
        _follow(so, over, running.tick(now))
        fresh = now - max(seconds(signal.max_age) for signal in rule.sheet.signal.values()) * 1000
        said = list(over.values())
        for one in so.values():
            if listens(rule.sheet) or any(newest.get(name, 0) >= fresh for name in _devices(one.verdict)):
                said += self._sifted([one])
            else:
                self._wait(rule, one.verdict)
        some = [(rule, object) for object in rule.evaluator.changed()]
        place = self.next_id

        def job(connection: Connection) -> list[tuple[Said, Exception]]:
            failed = self._apply(connection, said, now)
            drop_rule_states(connection, rule.name)
            put_rule_states(connection, [_mark(rule, mark), *self._rows(some, _kept(failed))])
            if not self._saved_id:
                move_place(connection, PLACE, place)
            return failed

        try:
            self._done(self._store.submit(job).result(), said)
        except BaseException:
            self._forget(rule, save=False)
            raise
        self._saved_id = self._saved_id or place
        self.running.put(rule)

    def _forget(self, rule: Rule, *, save: bool) -> None:
        """It is no more at work; its open cases stay."""
        if save and not rule.trouble:
            self._saving_place = self._saving_place if self._saving else self._saved_id
            self._saving += [(rule, object) for object in rule.evaluator.changed()]
            rows = self._rows(some for some in self._saving if some[0] is rule)
            self._store.submit(lambda connection: put_rule_states(connection, rows)).result()
        self._ended += rule.evaluations
        self.running.drop(rule.name)
        self._saving = [some for some in self._saving if some[0] is not rule]
        for key in [key for key in self._waiting if key[0] == rule.name]:
            self._waits_no_more(key)
        self._touched = {key for key in self._touched if key[0] != rule.name}

    # Verdicts that have to wait

    def _sifted(self, said: Iterable[Said]) -> list[Said]:
        """Those that become something now."""
        return [one for one in said if not self._held(one)]

    def _held(self, one: Said) -> bool:
        rule, verdict = one
        key = (rule.name, verdict.object)
        if key not in self._waiting:
            return False
        if verdict.edge == "recovers":
            self._waits_no_more(key)
        else:
            self._wait(rule, verdict._replace(edge="fires"))
        return True

    def _wait(self, rule: Rule, verdict: Verdict) -> None:
        key = (rule.name, verdict.object)
        self._waits_no_more(key)
        self._waiting[key] = verdict
        for device in _devices(verdict):
            self._stale.setdefault(device, set()).add(key)

    def _waits_no_more(self, key: _Key) -> Verdict | None:
        self._touched.add(key)
        verdict = self._waiting.pop(key, None)
        if verdict is None:
            return None
        for device in _devices(verdict):
            if (keys := self._stale.get(device)) is not None:
                keys.discard(key)
                if not keys:
                    del self._stale[device]
        return verdict

    def _released(self, reading: Reading) -> list[Said]:
        """What this reading has not ended is so now."""
        found = []
        for key in list(self._stale.get(reading.device, ())):
            rule = self.running.rules.get(key[0])
            if rule is None or rule.trouble:
                continue
            properties = rule.properties()
            if properties is None or reading.property in properties:
                verdict = self._waits_no_more(key)
                if verdict is not None:
                    found += self._sifted([Said(rule, verdict._replace(time=reading.time))])
        return found

    # Into the store

    def _commit(self) -> None:
        """What was said, with the states it was said from. Again, as it is, after a failure."""
        if not self._unsaid and not self._touched:
            return
        said, rules, now = self._unsaid, self.running.rules, self._now()
        keys = {(rule.name, verdict.object) for rule, verdict in said} | self._touched
        some = [(rules[name], object) for name, object in keys if name in rules]

        def job(connection: Connection) -> list[tuple[Said, Exception]]:
            failed = self._apply(connection, said, now)
            put_rule_states(connection, self._rows(some, _kept(failed)))
            return failed

        failed = self._store.submit(job).result()
        self._unsaid = []
        self._touched = set()
        self._done(failed, said)

    def _apply(self, connection: Connection, said: Iterable[Said], now: int) -> list[tuple[Said, Exception]]:
        """Each to the cases; what fails there is its rule's trouble, and is undone."""
        failed: list[tuple[Said, Exception]] = []
        for one in said:
            connection.execute("SAVEPOINT verdict")
            try:
                self._cases.apply(connection, one.verdict, one.rule.in_force, now)
            except Exception as error:
                if self._store.database.concerns_all(error):
                    raise
                connection.execute("ROLLBACK TO verdict")
                failed.append((one, error))
            connection.execute("RELEASE verdict")
        return failed

    def _done(self, failed: Iterable[tuple[Said, Exception]], said: Iterable[Said]) -> None:
        self.verdicts += sum(1 for _ in said)
        for one, error in failed:
            put_aside(one.rule, error)
        for rule, verdict in _kept(failed).values():
            self._wait(rule, verdict)
        if failed:
            self.running.sort()

    def _rows(
        self, some: Iterable[tuple[Rule, str]], failed: Mapping[_Key, Said] | None = None
    ) -> list[tuple[str, str, str]]:
        rows = []
        for rule, object in some:
            key = (rule.name, object)
            waits = failed[key].verdict if failed and key in failed else self._waiting.get(key)
            state = State(rule.evaluator.dump(object), waits)
            rows.append((rule.name, object, msgspec.json.encode(state).decode()))
        return rows

    def _save_some(self) -> None:
        """A piece of a checkpoint, when it is time for one."""
        if not self._saving:
            waited = self._clock() - self._saved_at
            ahead = self.next_id - self._saved_id
            soon = self._force or waited >= self._checkpoint_s or ahead >= CHECKPOINT_READINGS
            if not ahead or not soon:
                return
            self._saving = [(rule, object) for rule in self.running.working() for object in rule.evaluator.changed()]
            self._saving_place = self.next_id
        some = self._saving[:PIECE]
        rows, last, place = self._rows(some), len(some) == len(self._saving), self._saving_place

        def job(connection: Connection) -> None:
            put_rule_states(connection, rows)
            if last:
                move_place(connection, PLACE, place)

        self._store.submit(job).result()
        del self._saving[: len(some)]
        if last:
            self._saved_id, self._saved_at, self._force = place, self._clock(), False

    def _now(self) -> int:
        return int(self._clock() * 1000)


def _begun_at(case: Case) -> int:
    """When what it begins with was measured."""
    return int(case.event.get("time", case.opened))


def _assume(rule: Rule, case: Case) -> None:
    """Who only knows the readings of late may not see that it fires, but has to see when it is over."""
    rule.evaluator.assume(case.object, case.stage, int(case.event.get("since", case.opened)))


def _follow(so: dict[str, Said], over: dict[str, Said], said: Iterable[Said]) -> None:
    """What is so, and what is over, by object, after this was said."""
    for one in said:
        before = so.pop(one.verdict.object, None)
        over.pop(one.verdict.object, None)
        if one.verdict.edge == "recovers":
            over[one.verdict.object] = one
        if one.verdict.edge == "fires" or (one.verdict.edge == "rises" and before is not None):
            so[one.verdict.object] = Said(one.rule, one.verdict._replace(edge="fires"))


def _kept(failed: Iterable[tuple[Said, Exception]]) -> dict[_Key, Said]:
    """What could not begin, to begin once the mistake is cured."""
    return {(one.rule.name, one.verdict.object): one for one, _ in failed if one.verdict.edge != "recovers"}


def _devices(verdict: Verdict) -> tuple[str, ...]:
    return verdict.devices or (verdict.object.partition("/")[0],)


def _mark(rule: Rule, mark: Mark) -> tuple[str, str, str]:
    return rule.name, _MARK, msgspec.json.encode(mark).decode()


def _patience(store: Store) -> int:
    """Until when nobody is silent, ms."""
    text = rule_states(store, _NO_RULE).get(_PATIENCE, "")
    return int(text) if text.isdecimal() else 0


def _mark_of(text: str) -> Mark | None:
    try:
        return msgspec.json.decode(text, type=Mark)
    except msgspec.MsgspecError:
        return None


def _shape(sheet: Sheet) -> str:
    """What a state depends on: where this is another, states don't fit."""
    condition = sheet.condition
    parts = (
        sheet.objects,
        sheet.signal,
        [stage.name for stage in sheet.stages],
        condition.samples,
        condition.times,
        condition.in_a_row,
    )
    return msgspec.json.encode(parts, order="deterministic").decode()
