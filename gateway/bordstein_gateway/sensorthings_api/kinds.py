"""The eight kinds of entities, their properties and relations. Source: OGC 18-088 section 8.2."""

from typing import NamedTuple


class Kind(NamedTuple):
    """`properties` to what they hold: text, time, period or json. `one`, `many`: relation to the other set's name."""

    name: str
    singular: str
    properties: dict[str, str]
    one: dict[str, str]
    many: dict[str, str]

    @property
    def relations(self) -> list[str]:
        """All navigation properties."""
        return [*self.one, *self.many]


_NAMED = {"name": "text", "description": "text"}
_FREE = {"properties": "json"}

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "Things",
            "Thing",
            {**_NAMED, **_FREE},
            {},
            {name: name for name in ("Locations", "HistoricalLocations", "Datastreams")},
        ),
        Kind(
            "Locations",
            "Location",
            {**_NAMED, "encodingType": "text", "location": "json", **_FREE},
            {},
            {name: name for name in ("Things", "HistoricalLocations")},
        ),
        Kind(
            "HistoricalLocations",
            "HistoricalLocation",
            {"time": "time"},
            {"Thing": "Things"},
            {"Locations": "Locations"},
        ),
        Kind(
            "Datastreams",
            "Datastream",
            {
                **_NAMED,
                "observationType": "text",
                "unitOfMeasurement": "json",
                "observedArea": "json",
                "phenomenonTime": "period",
                "resultTime": "period",
                **_FREE,
            },
            {"Thing": "Things", "Sensor": "Sensors", "ObservedProperty": "ObservedProperties"},
            {"Observations": "Observations"},
        ),
        Kind(
            "Sensors",
            "Sensor",
            {**_NAMED, "encodingType": "text", "metadata": "json", **_FREE},
            {},
            {"Datastreams": "Datastreams"},
        ),
        Kind(
            "ObservedProperties",
            "ObservedProperty",
            {"name": "text", "definition": "text", "description": "text", **_FREE},
            {},
            {"Datastreams": "Datastreams"},
        ),
        Kind(
            "Observations",
            "Observation",
            {
                "phenomenonTime": "time",
                "result": "json",
                "resultTime": "time",
                "resultQuality": "json",
                "validTime": "period",
                "parameters": "json",
            },
            {"Datastream": "Datastreams", "FeatureOfInterest": "FeaturesOfInterest"},
            {},
        ),
        Kind(
            "FeaturesOfInterest",
            "FeatureOfInterest",
            {**_NAMED, "encodingType": "text", "feature": "json", **_FREE},
            {},
            {"Observations": "Observations"},
        ),
    )
}
