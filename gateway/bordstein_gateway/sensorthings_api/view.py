"""What one request may see of the catalogue, and the way from entity to entity. Readings are asked for elsewhere."""

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from ..decode.normalise import FAR_AHEAD_MS, flag_names
from ..forward.times import zulu
from ..store import Store
from ..store.observing import Observed
from . import functions
from .catalogue import Catalogue, Entity, Stream
from .functions import Period
from .kinds import KINDS
from .syntax import Mistake
from .tally import Account, Tally

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_S = 30.0
"""Seconds that one request may take."""
STEPS = 1_000_000
"""Relations to many that the filters of one request follow."""
_MOMENTS = ("phenomenonTime", "resultTime")


def moment(ms: int) -> datetime:
    """A time of the store."""
    return _EPOCH + timedelta(milliseconds=ms)


class Observation:
    """A reading as an entity."""

    __slots__ = ("id", "row")
    kind = KINDS["Observations"]

    def __init__(self, row: Observed) -> None:
        self.id = row.id
        self.row = row

    def get(self, name: str) -> Any:
        """A property as JSON has it; None: it has none."""
        if name in _MOMENTS:
            return zulu(self.row.time)
        if name == "result":
            return self.result
        return {"flags": flag_names(self.row.flags)} if name == "parameters" and self.row.flags else None

    @property
    def result(self) -> Any:
        """The value; bytes as hex digits."""
        value = self.row.value
        return value.hex() if isinstance(value, bytes) else value


Some = Entity | Observation


class View:
    """`series`: what may be seen; `whole`: that is all there is. `left`: entities the answer may still grow by;
    `looks`: readings that may still be looked at one by one; `steps`: relations to many that filters may still follow.
    """

    def __init__(self, catalogue: Catalogue, store: Store, tally: Tally, *, everything: bool) -> None:
        self.catalogue = catalogue
        self.store = store
        self.tally = tally
        part = catalogue.whole if everything else catalogue.public
        self.series = part.series
        self._ids = part.ids
        self.whole = len(self.series) == len(catalogue.streams)
        self.latest_ms = int(time.time() * 1000) + FAR_AHEAD_MS
        self.left = 5_000
        self.looks = 100_000
        self.steps = STEPS
        self._until = time.monotonic() + LONGEST_S
        self.observations: Callable[[frozenset[int]], Iterable[Observation]] = lambda _: ()
        """All Observations of some series, newest first; set by who can read them."""

    def in_time(self) -> bool:
        """False. Mistake: this request has taken so long that others would have to wait for it."""
        if time.monotonic() > self._until:
            raise Mistake(
                f"Das dauert mehr als {LONGEST_S:.0f} s; weniger auf einmal fragen, weniger $expand, kürzere Zeit.",
                f"This takes more than {LONGEST_S:.0f} s; ask for less at once, fewer $expand or a shorter time.",
            )
        return False

    @cached_property
    def accounts(self) -> dict[int, Account]:
        """What is known of the series without waiting for it."""
        return self.tally.known()

    def all(self, kind: str) -> list[Entity]:
        """A set's entities by id; not for Observations."""
        ids = self._ids[kind]
        return [entity for id, entity in sorted(self.catalogue.sets[kind].items()) if id in ids]

    def get(self, kind: str, id: int) -> Entity | None:
        """One entity; None: there is none for this request."""
        return self.catalogue.sets[kind].get(id) if id in self._ids[kind] else None

    def series_of(self, entity: Some) -> frozenset[int]:
        """Whose readings are the Observations of a Datastream or FeatureOfInterest."""
        if entity.kind.name == "Datastreams":
            return frozenset({entity.id})
        return self.series.intersection(self.catalogue.streams_of.get(entity.id, ()))

    def related(self, entity: Some, relation: str) -> list[Entity]:
        """The entities at the end of a relation that does not lead to Observations."""
        if isinstance(entity, Observation):
            stream = self.catalogue.streams[entity.row.series]
            return self._some(entity.kind.one[relation], self._end(stream, relation))
        kind = entity.kind.name
        if kind == "Datastreams":
            stream = self.catalogue.streams[entity.id]
            return self._some(entity.kind.one[relation], self._end(stream, relation))
        if relation == "Datastreams":
            if kind == "Things":
                ids: Iterable[int] = self.series.intersection(self.catalogue.streams_of.get(entity.id, ()))
            else:
                role = "Sensor" if kind == "Sensors" else "ObservedProperty"
                streams = self.catalogue.streams
                ids = [id for id in self.series if self._end(streams[id], role) == entity.id]
            return [self.catalogue.streams[id].entity for id in sorted(ids)]
        # Thing, Location and HistoricalLocation share the board's id.
        return self._some({**entity.kind.one, **entity.kind.many}[relation], entity.id)

    @staticmethod
    def _end(stream: Stream, relation: str) -> int:
        ends = {
            "Datastream": stream.row.id,
            "Thing": stream.thing,
            "FeatureOfInterest": stream.thing,
            "Sensor": stream.sensor,
            "ObservedProperty": stream.observed,
        }
        return ends[relation]

    def _some(self, kind: str, id: int) -> list[Entity]:
        entity = self.catalogue.sets[kind].get(id)
        return [entity] if entity is not None else []

    # What a filter reads

    def value(self, entity: Some, name: str) -> Any:
        """A property, times as datetime or Period."""
        if isinstance(entity, Observation):
            if name == "result":
                return entity.result
            return moment(entity.row.time) if name in _MOMENTS else entity.get(name)
        if entity.kind.properties[name] == "period":
            return self.period(entity.id)
        value = entity.body.get(name)
        return functions.as_time(value) if value and entity.kind.properties[name] == "time" else value

    def follow(self, entity: Some, relation: str) -> Entity | None:
        """The end of a relation to one."""
        some = self.related(entity, relation)
        return some[0] if some else None

    def each(self, entity: Some, relation: str) -> Iterable[Some]:
        """The ends of a relation to many."""
        if relation == "Observations":
            return self.observations(self.series_of(entity))
        # A path there and back again multiplies with every step.
        self.steps -= 1
        if self.steps < 0 or self.in_time():
            raise Mistake(
                "Zu viele Wege von Objekt zu Objekt; kürzere Pfade nennen.",
                "Too many ways from entity to entity; name shorter paths.",
            )
        return self.related(entity, relation)

    # What an answer shows

    def period(self, series: int) -> Period | None:
        """From a Datastream's first to its last reading; None while that is not known."""
        account = self.accounts.get(series)
        newest = self.store.newest.get(series)
        if account is None or newest is None:
            return None
        return Period(moment(account.first), moment(max(account.first, min(newest[0], self.latest_ms))))

    def json(self, entity: Some, name: str) -> Any:
        """A property as JSON has it; None: it has none."""
        if isinstance(entity, Observation):
            return entity.get(name)
        if entity.kind.properties[name] == "period":
            account, newest = self.accounts.get(entity.id), self.store.newest.get(entity.id)
            if account is None or newest is None:
                return None
            return f"{zulu(account.first)}/{zulu(max(account.first, min(newest[0], self.latest_ms)))}"
        return entity.body.get(name)
