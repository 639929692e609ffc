"""How long what is kept: raw readings, hours, days, by property; and the thread that goes by it.

    plan = Plan(config.retention, store, forwarders)
    plan.aggregate()        take what is new in the log into the hours and days; where nothing is deleted, into days
    plan.sweep()            delete what is older than wanted; what it would delete with dry_run=True

Both work in pieces of some milliseconds through the store's writer and begin again where they were stopped.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import structlog

from .boards.ledger import DAY_MS
from .config.store import Retention
from .store import Store, StoreError
from .store.retention import Hour
from .store.sums import HOUR_MS

DEFAULT = "default"
_log = structlog.get_logger(__name__)
_READINGS = 2000  # that one piece adds up
_DAY_READINGS = 10_000  # the same where only days are made: the same day in one piece is written once
_HOURS = 100
_WAIT_S = 60.0
_AGGREGATE_S = 60.0
_SWEEP_S = 600.0
_DAYS_S = 600.0
"""How often days are made where nothing is deleted: pages add up the rest themselves."""
# A piece that took so long is followed by a pause three times as long: the rest is for readings that come in.
_PAUSE = 3.0


class Deleted(NamedTuple):
    """What was deleted (or would be) of one property."""

    property: str
    readings: int
    hours: int
    days: int


class Plan:
    """The rules, applied to a store. `forwarders`: the names of those that readings wait for."""

    def __init__(self, rules: Mapping[str, Retention], store: Store, forwarders: Sequence[str]) -> None:
        self._rules = rules
        self._store = store
        self._forwarders = list(forwarders)
        self.stopped = threading.Event()

    @property
    def wanted(self) -> bool:
        """Whether anything is ever deleted."""
        return any(rule.raw_days or rule.hourly_days or rule.daily_days for rule in self._rules.values())

    def rule(self, property: str) -> Retention:
        """What holds for a property."""
        return self._rules.get(property) or self._rules.get(DEFAULT) or Retention()

    def aggregate(self, progress: Callable[[int], None] = lambda _: None) -> int:
        """All that is new in the log; how many readings."""
        count = 0
        while not self.stopped.is_set():
            begun = time.monotonic()
            future = self._store.aggregate(_READINGS if self.wanted else _DAY_READINGS, days_only=not self.wanted)
            if future is None:
                break
            count += future.result(_WAIT_S)
            progress(count)
            self._pause(begun)
        return count

    def sweep(self, now_ms: int | None = None, *, dry_run: bool = False) -> list[Deleted]:
        """Delete what is too old; by property, those of which there was something."""
        now = int(time.time() * 1000) if now_ms is None else now_ms
        by_property: dict[str, list[int]] = {}
        for id, (_, _, property, _) in self._store.series_names().items():
            by_property.setdefault(property, []).append(id)
        found = []
        for property, ids in sorted(by_property.items()):
            rule = self.rule(property)
            readings = self._readings(ids, now, rule.raw_days, dry_run) if rule.raw_days else 0
            hours = self._aggregates(HOUR_MS, ids, now, rule.hourly_days, dry_run)
            days = self._aggregates(DAY_MS, ids, now, rule.daily_days, dry_run)
            if readings or hours or days:
                found.append(Deleted(property, readings, hours, days))
        return found

    def _readings(self, ids: Sequence[int], now: int, days: int, dry_run: bool) -> int:
        count = 0
        before = min(now - days * DAY_MS, self._store.holding(self._forwarders).before)
        for id in ids:
            after: int | None = None
            while not self.stopped.is_set():
                hours = self._store.old_hours(id, before, after, _HOURS)
                if not hours:
                    break
                after = hours[-1].start
                if dry_run:
                    count += self._store.deletable(hours, self._forwarders)
                else:
                    count += self._delete(hours)
        return count

    def _delete(self, hours: list[Hour]) -> int:
        count = 0
        while hours and not self.stopped.is_set():
            begun = time.monotonic()
            deleted, done = self._store.delete_readings(hours, self._forwarders).result(_WAIT_S)
            count += deleted
            hours = hours[done:]
            self._pause(begun)
        return count

    def _aggregates(self, step: int, ids: Sequence[int], now: int, days: int, dry_run: bool) -> int:
        count = 0
        for first in range(0, len(ids) if days else 0, _HOURS):
            if self.stopped.is_set():
                break
            before = dict.fromkeys(ids[first : first + _HOURS], now - days * DAY_MS)
            if dry_run:
                count += self._store.old_aggregates(step, before)
            else:
                begun = time.monotonic()
                count += self._store.delete_aggregates(step, before).result(_WAIT_S)
                self._pause(begun)
        return count

    def _pause(self, begun: float) -> None:
        self.stopped.wait(min(1.0, _PAUSE * (time.monotonic() - begun)))


class Upkeep:
    """The thread of a running gateway that does it, now and then."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """End after the piece at hand."""
        self._plan.stopped.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        swept = 0.0
        deletes = self._plan.wanted
        pause = _AGGREGATE_S if deletes else _DAYS_S
        if not deletes:
            self._plan.stopped.wait(pause)
        while not self._plan.stopped.is_set():
            try:
                self._plan.aggregate()
                if deletes and (not swept or time.monotonic() - swept >= _SWEEP_S):
                    swept = time.monotonic()
                    for deleted in self._plan.sweep():
                        _log.info("deleted what was too old", **deleted._asdict())
            except (StoreError, TimeoutError) as error:
                _log.warning("what is too old could not be deleted", reason=str(error))
            except Exception:  # noqa: BLE001 - it is said, and tried again
                _log.exception("what is too old was not deleted")
            self._plan.stopped.wait(pause)
