"""The entities of the SensorThings stand-in: what is mandatory, how they hang together, deep insert. In memory.

Source: OGC 18-088 section 8 (tables of properties and relations). Strict: unknown members, wrong types, missing
members and times without an offset are refused, as a real server does.
"""

from collections import Counter
from datetime import UTC, datetime
from typing import Any, NamedTuple


class Refusal(Exception):
    """400 with a message."""


class Kind(NamedTuple):
    """Mandatory and optional members by type; relations to one entity (mandatory or not) and to many."""

    mandatory: dict[str, type | tuple[type, ...]]
    optional: dict[str, type | tuple[type, ...]]
    one: dict[str, tuple[str, bool]]
    many: dict[str, str]


_NAMED: dict[str, type | tuple[type, ...]] = {"name": str, "description": str}
_FREE: dict[str, type | tuple[type, ...]] = {"properties": dict}
KINDS = {
    "Things": Kind(_NAMED, _FREE, {}, {"Locations": "Locations", "Datastreams": "Datastreams"}),
    "Locations": Kind({**_NAMED, "encodingType": str, "location": dict}, _FREE, {}, {"Things": "Things"}),
    "Sensors": Kind(
        {**_NAMED, "encodingType": str, "metadata": (str, dict)}, _FREE, {}, {"Datastreams": "Datastreams"}
    ),
    "ObservedProperties": Kind({**_NAMED, "definition": str}, _FREE, {}, {"Datastreams": "Datastreams"}),
    "Datastreams": Kind(
        {**_NAMED, "observationType": str, "unitOfMeasurement": dict},
        _FREE,
        {
            "Thing": ("Things", True),
            "Sensor": ("Sensors", True),
            "ObservedProperty": ("ObservedProperties", True),
        },
        {"Observations": "Observations"},
    ),
    "Observations": Kind(
        {"result": (str, int, float, bool, dict, list)},
        {"phenomenonTime": str, "resultTime": (str, type(None)), "parameters": dict, "resultQuality": (str, dict)},
        {"Datastream": ("Datastreams", True)},
        {},
    ),
}
_RESULTS = {"OM_Measurement": (int, float), "OM_CountObservation": (int,), "OM_TruthObservation": (bool,)}


def moment(text: Any, member: str) -> datetime:
    """A time with an offset."""
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise Refusal(f"{member}: {text!r} is no ISO 8601 time") from None
    if time.tzinfo is None:
        raise Refusal(f"{member}: {text!r} has no time zone")
    return time


class Model:
    """All entities. Nothing is checked for being there already: what is posted twice is there twice.

    `keep` False: Observations are checked and counted, and none is kept, so that a million need no memory.
    """

    def __init__(self, keep: bool = True) -> None:
        self._keep = keep
        self._counted = 0
        self.entities: dict[str, dict[int, dict[str, Any]]] = {kind: {} for kind in KINDS}
        self.links: dict[tuple[str, int], dict[str, Any]] = {}  # (kind, id) -> relation -> id or list of ids
        self._ids: Counter[str] = Counter()  # kind -> the last id
        self._observations: dict[int, list[int]] = {}  # Datastream -> Observations
        self._distinct: set[tuple[int, datetime]] = set()  # (Datastream, phenomenonTime)
        self._devices: Counter[str] = Counter()  # deviceId -> distinct Observations

    def create(self, kind: str, body: Any, given: dict[str, int] | None = None) -> int:
        """Insert one entity with what is nested in it; Refusal before anything is stored."""
        self._check(kind, body, given or {})
        return self._insert(kind, body, given or {})

    def update(self, kind: str, id: int, body: Any) -> None:
        """Change members of an entity; Refusal."""
        if not isinstance(body, dict):
            raise Refusal(f"{kind}: a JSON object is expected")
        types = {**KINDS[kind].mandatory, **KINDS[kind].optional}
        for name, value in body.items():
            if name not in types:
                raise Refusal(f"{kind}: '{name}' can't be changed")
            self._typed(kind, name, value, types[name])
        self.entities[kind][id].update(body)

    def delete(self, kind: str, id: int) -> None:
        """Remove an entity with what can't be without it."""
        for name, other in KINDS[kind].many.items():
            if any(mandatory and target == kind for target, mandatory in KINDS[other].one.values()):
                for one in self.related(kind, id, name)[1]:
                    self.delete(other, one)
        if kind == "Observations":
            stream = self.links[kind, id]["Datastream"]
            self._observations[stream].remove(id)
            self._distinct.discard((stream, self.entities[kind][id]["_at"]))
            self._devices[self._device(stream)] -= 1
        for name, (other, _) in KINDS[kind].one.items():
            for relation, target in KINDS[other].many.items():
                if target == kind and relation != "Observations":
                    self.links[other, self.links[kind, id][name]].get(relation, []).remove(id)
        del self.entities[kind][id]

    def locate(self, thing: int, location: int) -> None:
        """A Thing's new Location takes the old one's place (section 8.2.2)."""
        self.links["Things", thing]["Locations"] = [location]
        self.links["Locations", location]["Things"] = [thing]

    def related(self, kind: str, id: int, relation: str) -> tuple[str, list[int]]:
        """The kind and ids at the end of a navigation link."""
        spec = KINDS[kind]
        if relation in spec.one:
            return spec.one[relation][0], [self.links[kind, id][relation]]
        if relation not in spec.many:
            raise KeyError(relation)
        if relation == "Observations":
            return "Observations", list(self._observations.get(id, []))
        return spec.many[relation], list(self.links[kind, id].get(relation, []))

    def statistics(self) -> dict[str, Any]:
        """Entities by kind; `distinct` Observations, also by deviceId; `doubled`: how many are there once too often."""
        counts = {kind: len(entities) for kind, entities in self.entities.items()}
        doubled = counts["Observations"] - len(self._distinct)
        counts["Observations"] += self._counted
        return {**counts, "distinct": len(self._distinct), "doubled": doubled, "devices": self._devices}

    def dump(self) -> list[list[Any]]:
        """[deviceId, series, milliseconds UTC, result] of each Observation, in the order of arrival."""
        rows = []
        for id, entity in self.entities["Observations"].items():
            stream = self.links["Observations", id]["Datastream"]
            series = self.entities["Datastreams"][stream].get("properties", {}).get("series")
            rows.append([self._device(stream), series, round(entity["_at"].timestamp() * 1000), entity["result"]])
        return rows

    def _device(self, stream: int) -> str:
        thing = self.entities["Things"][self.links["Datastreams", stream]["Thing"]]
        return str(thing.get("properties", {}).get("deviceId"))

    def _check(self, kind: str, body: Any, given: dict[str, int]) -> None:
        spec = KINDS[kind]
        if not isinstance(body, dict):
            raise Refusal(f"{kind}: a JSON object is expected")
        for name, types in spec.mandatory.items():
            if name not in body:
                raise Refusal(f"{kind}: missing required property '{name}'")
            self._typed(kind, name, body[name], types)
        for name, value in body.items():
            if name in spec.optional:
                self._typed(kind, name, value, spec.optional[name])
            elif name not in spec.mandatory and name not in spec.one and name not in spec.many:
                raise Refusal(f"{kind}: unknown property '{name}'")
        for name, (other, mandatory) in spec.one.items():
            if name in given:
                continue
            if name not in body:
                if mandatory:
                    raise Refusal(f"{kind}: missing required relation '{name}'")
                continue
            self._nested(other, body[name], f"{kind}/{name}")
        for name, other in spec.many.items():
            for item in body.get(name, []) if isinstance(body.get(name, []), list) else [None]:
                back = {relation: 0 for relation, (target, _) in KINDS[other].one.items() if target == kind}
                self._nested(other, item, f"{kind}/{name}", back)
        self._particular(kind, body, given)

    def _nested(self, kind: str, item: Any, where: str, back: dict[str, int] | None = None) -> None:
        if isinstance(item, dict) and set(item) == {"@iot.id"}:
            if item["@iot.id"] not in self.entities[kind]:
                raise Refusal(f"{where}: there is no {kind}({item['@iot.id']})")
            return
        self._check(kind, item, back or {})

    def _particular(self, kind: str, body: dict[str, Any], given: dict[str, int]) -> None:
        if kind == "Datastreams":
            unit = body["unitOfMeasurement"]
            if set(unit) != {"name", "symbol", "definition"} or not all(isinstance(v, str) for v in unit.values()):
                raise Refusal("Datastreams: unitOfMeasurement needs name, symbol and definition, all strings")
        if kind == "Locations" and body["encodingType"] in ("application/geo+json", "application/vnd.geo+json"):
            location = body["location"]
            if not ({"type", "coordinates"} <= set(location) or "geometry" in location):
                raise Refusal("Locations: location is no GeoJSON")
        if kind == "Observations":
            for member in ("phenomenonTime", "resultTime"):
                if body.get(member) is not None:
                    moment(body[member], f"Observations: {member}")
            stream = given.get("Datastream") or (body.get("Datastream") or {}).get("@iot.id")
            if stream in self.entities["Datastreams"]:
                self._result(self.entities["Datastreams"][stream]["observationType"], body["result"])

    def _result(self, kind: str, result: Any) -> None:
        types = _RESULTS.get(kind.rpartition("/")[2])
        if types and (not isinstance(result, types) or (isinstance(result, bool) and bool not in types)):
            raise Refusal(f"Observations: result {result!r} does not fit {kind}")

    def _typed(self, kind: str, name: str, value: Any, types: type | tuple[type, ...]) -> None:
        if not isinstance(value, types) or (value == "" and name in ("name", "definition")):
            raise Refusal(f"{kind}: '{name}' has a wrong type or is empty")

    def _insert(self, kind: str, body: dict[str, Any], given: dict[str, int]) -> int:
        spec = KINDS[kind]
        self._ids[kind] += 1  # an id is not given twice, also when its entity was removed
        id = self._ids[kind]
        entity = {name: body[name] for name in (*spec.mandatory, *spec.optional) if name in body}
        if kind == "Observations":  # table 12: without a time of its own it is of now
            entity.setdefault("phenomenonTime", entity.get("resultTime") or f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
            entity["_at"] = moment(entity["phenomenonTime"], "phenomenonTime")
            if not self._keep:
                self._counted += 1
                return id
        self.entities[kind][id] = entity
        links = self.links[kind, id] = dict[str, Any](given)
        for name, (other, _) in spec.one.items():
            if name not in links and name in body:
                links[name] = self._of(other, body[name])
        if kind == "Observations":
            stream = links["Datastream"]
            self._observations.setdefault(stream, []).append(id)
            if (stream, entity["_at"]) not in self._distinct:
                self._distinct.add((stream, entity["_at"]))
                self._devices[self._device(stream)] += 1
            return id
        for name, other in spec.many.items():
            back = next((relation for relation, (target, _) in KINDS[other].one.items() if target == kind), None)
            for item in body.get(name, []):
                one = self._of(other, item, {back: id} if back else {})
                if one not in links.setdefault(name, []):  # it may have found the way back itself
                    links[name].append(one)
        for name, (other, _) in spec.one.items():  # the way back
            reverse = next((relation for relation, target in KINDS[other].many.items() if target == kind), None)
            if reverse and name in links and id not in self.links[other, links[name]].get(reverse, []):
                self.links[other, links[name]].setdefault(reverse, []).append(id)
        return id

    def _of(self, kind: str, item: dict[str, Any], given: dict[str, int] | None = None) -> int:
        if set(item) == {"@iot.id"}:
            return int(item["@iot.id"])
        return self._insert(kind, item, given or {})
