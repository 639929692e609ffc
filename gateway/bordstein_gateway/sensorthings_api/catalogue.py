"""The entities that are not Observations, in memory: made from the store's series and what is known of the boards.

Ids are the store's, whole numbers that stay: a Thing, its Location, HistoricalLocation and FeatureOfInterest have the
board's, a Datastream the series'; a Sensor and an ObservedProperty, which many Datastreams share, have that of their
first Datastream, whether or not it is published.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ..boards.stations import Station, Stations
from ..forward.sensorthings.bodies import Bodies
from ..forward.sensorthings.settings import SensorThings
from ..forward.times import zulu
from ..properties import property_of
from ..store import Store
from ..store.observing import SeriesRow
from ..store.types import StoredReading
from ..web.publishing import Publishing
from .kinds import KINDS

_GEOJSON = "application/geo+json"


class Entity:
    """One entity. `body`: its properties as JSON has them, without what changes with each reading."""

    __slots__ = ("body", "id", "kind")

    def __init__(self, kind: str, id: int, body: dict[str, Any]) -> None:
        self.kind = KINDS[kind]
        self.id = id
        self.body = body


class Stream(NamedTuple):
    """A series as a Datastream, and the ids at the end of its relations."""

    row: SeriesRow
    entity: Entity
    thing: int
    sensor: int
    observed: int


class Part(NamedTuple):
    """What somebody may see: series, and the ids of each set that hang on them."""

    series: frozenset[int]
    ids: dict[str, frozenset[int]]


class Catalogue(NamedTuple):
    """All entities of the store, by set and id. `streams`: by series id; `streams_of`: by board id. `whole`, `public`:
    what is seen with a login and without."""

    sets: dict[str, dict[int, Entity]]
    streams: dict[int, Stream]
    streams_of: dict[int, list[int]]
    whole: Part
    public: Part


class Catalogues:
    """The catalogue of the present moment; made anew when boards, series or the register have changed."""

    def __init__(self, store: Store, stations: Stations, language: str, publishing: Publishing) -> None:
        self._store = store
        self._stations = stations
        self._settings = SensorThings(language="en" if language == "en" else "de")
        self._publishing = publishing
        self._lock = threading.Lock()
        self._known: tuple[tuple[int, int], Mapping[str, Station], Catalogue] | None = None

    def now(self) -> Catalogue:
        """From any thread. StoreError."""
        with self._lock:
            mark, stations = self._store.series_mark(), self._stations.all()
            known = self._known
            if known is None or known[0] != mark or known[1] is not stations:
                made = _make(self._store.all_series(), Bodies(self._settings, stations), stations, self._publishing)
                known = self._known = mark, stations, made
            return known[2]


def _make(
    rows: Iterable[SeriesRow], bodies: Bodies, stations: Mapping[str, Station], publishing: Publishing
) -> Catalogue:
    sets: dict[str, dict[int, Entity]] = {name: {} for name in KINDS if name != "Observations"}
    streams: dict[int, Stream] = {}
    streams_of: dict[int, list[int]] = {}
    shared: dict[tuple[str, str], int] = {}

    def put(kind: str, id: int, body: dict[str, Any]) -> Entity:
        entity = sets[kind].get(id)
        if entity is None:
            entity = sets[kind][id] = Entity(kind, id, body)
        return entity

    def share(kind: str, key: str, id: int, body: dict[str, Any]) -> int:
        first = shared.setdefault((kind, key), id)
        put(kind, first, body)
        return first

    for row in rows:
        if row.device_id not in streams_of:
            streams_of[row.device_id] = []
            _board(put, row, bodies, stations.get(row.device) or Station(row.device))
        reading = StoredReading(0, row.device, row.series, property_of(row.series), row.unit, 0, 0, 0, 0)
        sensor, observed = bodies.sensor(reading), bodies.observed_property(reading)
        body = bodies.datastream(reading)
        licence = publishing.licence(row.device, row.series)
        if licence is not None and publishing.public(row.device, row.series):
            body["properties"] = {**body["properties"], "licence": licence.uri}
            if licence.attribution:
                body["properties"]["attribution"] = licence.attribution
        location = sets["Locations"].get(row.device_id)
        if location is not None:
            body["observedArea"] = location.body["location"]
        streams[row.id] = Stream(
            row,
            put("Datastreams", row.id, body),
            row.device_id,
            share("Sensors", sensor["name"], row.id, {**sensor, "properties": {}}),
            share("ObservedProperties", observed["definition"], row.id, observed),
        )
        streams_of[row.device_id].append(row.id)
    public = [stream for stream in streams.values() if publishing.public(stream.row.device, stream.row.series)]
    return Catalogue(sets, streams, streams_of, _part(streams.values()), _part(public))


def _part(streams: Iterable[Stream]) -> Part:
    some = list(streams)
    series = frozenset(stream.row.id for stream in some)
    boards = frozenset(stream.thing for stream in some)
    return Part(
        series,
        {
            "Datastreams": series,
            "Sensors": frozenset(stream.sensor for stream in some),
            "ObservedProperties": frozenset(stream.observed for stream in some),
            **dict.fromkeys(("Things", "Locations", "HistoricalLocations", "FeaturesOfInterest"), boards),
        },
    )


def _board(put: Callable[[str, int, dict[str, Any]], Entity], row: SeriesRow, bodies: Bodies, place: Station) -> None:
    """A board's Thing, what says where it is, and the FeatureOfInterest: the place that it measures at."""
    thing = bodies.thing(row.device)
    locations = thing.pop("Locations", [])
    put("Things", row.device_id, thing)
    for location in locations:
        put("Locations", row.device_id, {**location, "properties": {}})
        put("HistoricalLocations", row.device_id, {"time": zulu(row.first_seen // 1000 * 1000)})
    # A geometry, as clients want one, that is nowhere (RFC 7946 section 3.1.8).
    nowhere: dict[str, Any] = {"type": "GeometryCollection", "geometries": []}
    put(
        "FeaturesOfInterest",
        row.device_id,
        {
            "name": thing["name"],
            "description": thing["description"],
            "encodingType": _GEOJSON,
            "feature": locations[0]["location"] if locations else nowhere,
            "properties": {},
        },
    )
