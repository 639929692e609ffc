"""The types of the Smart Data Models that are sent: what each must have, and what its attributes may be. Pure.

Sources: the schemas of smart-data-models (dataModel.Parking, .Environment, .Weather, .WasteManagement,
.Transportation, .Streetlighting). Unit codes: UN/CEFACT Recommendation 20.
"""

import re
from datetime import datetime
from typing import Any, Literal, NamedTuple

from ...texts import both

Kind = Literal["number", "integer", "text", "list", "flag", "date", "link", "place", "table"]
TypeName = Literal[
    "ParkingSpot",
    "OnStreetParking",
    "OffStreetParking",
    "AirQualityObserved",
    "WeatherObserved",
    "NoiseLevelObserved",
    "WasteContainer",
    "FloodMonitoring",
    "WaterObserved",
    "CrowdFlowObserved",
    "Streetlight",
]
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
"""RFC 3986, absolute."""


class Attribute(NamedTuple):
    """What an attribute may be. Numbers are in `unit` (SenML's name; "1" is a ratio), which UN/CEFACT calls `code`.

    `values`: the only words, of a list the only members.
    """

    kind: Kind
    unit: str = ""
    code: str = ""
    least: float | None = None
    most: float | None = None
    values: tuple[str, ...] = ()


class Model(NamedTuple):
    """A type. `subject`: the data model it is from, and so the context. `instant`: the attribute that has the time of
    the observation, `span`: those two that have its begin and end."""

    subject: str
    required: tuple[str, ...]
    attributes: dict[str, Attribute]
    instant: str = ""
    span: tuple[str, str] | None = None


_TEXT, _DATE, _LINK, _FLAG = Attribute("text"), Attribute("date"), Attribute("link"), Attribute("flag")
_SHARE = Attribute("number", "1", "C62", 0, 1)
_SPOTS = Attribute("integer", "count", "C62", 0)
_DENSITY = Attribute("number", "ug/m3", "GQ", 0)
_SOUND = Attribute("number", "dB", "2N")
_WARMTH = Attribute("number", "Cel", "CEL")
_METRES = Attribute("number", "m", "MTR")
_HEIGHT = Attribute("number", "m", "MTR", 0)
_RAIN = Attribute("number", "mm", "MMT", 0)
_SPEED = Attribute("number", "m/s", "MTS", 0)
_DETECTION = ("balancing", "manual", "modelBased", "none", "singleSpaceDetection")

_COMMON: dict[str, Attribute] = {
    "location": Attribute("place"),
    "address": Attribute("table"),
    "name": _TEXT,
    "alternateName": _TEXT,
    "description": _TEXT,
    "areaServed": _TEXT,
    "dataProvider": _TEXT,
    "source": _TEXT,
    "owner": Attribute("list"),
    "refDevice": _LINK,
}
_SITE: dict[str, Attribute] = {
    "availableSpotNumber": _SPOTS,
    "occupiedSpotNumber": _SPOTS,
    "totalSpotNumber": _SPOTS,
    "extraSpotNumber": _SPOTS,
    "occupancyDetectionType": Attribute("list", values=_DETECTION),
    "requiredPermit": Attribute("list"),
    "chargeType": Attribute("list"),
    "refParkingGroup": _LINK,
    "maximumParkingDuration": _TEXT,
}

MODELS: dict[str, Model] = {
    "ParkingSpot": Model(
        "Parking",
        ("location", "status", "category", "refParkingSite"),
        {
            "status": Attribute("text", values=("closed", "free", "occupied", "unknown")),
            "category": Attribute("list", values=("onStreet", "offStreet")),
            "refParkingSite": _LINK,
            "refParkingGroup": _LINK,
            "width": _HEIGHT,
            "length": _HEIGHT,
            "color": _TEXT,
        },
    ),
    "OnStreetParking": Model(
        "Parking",
        ("location",),
        {
            **_SITE,
            "category": Attribute(
                "list",
                values=(
                    *("blueZone", "feeCharged", "forDisabled", "forElectricalCharging", "forLoadUnload"),
                    *("forResidents", "free", "greenZone", "mediumTerm", "onlyWithPermit", "shortTerm", "taxiStop"),
                ),
            ),
            "areBordersMarked": _FLAG,
            "averageSpotWidth": _HEIGHT,
            "averageSpotLength": _HEIGHT,
        },
    ),
    "OffStreetParking": Model(
        "Parking",
        ("location",),
        {
            **_SITE,
            "category": Attribute(
                "list",
                values=(
                    *("barrierAccess", "feeCharged", "forCustomers", "forDisabled", "forElectricalCharging"),
                    *("forEmployees", "forMembers", "forResidents", "forStudents", "forVisitors", "free", "freeAccess"),
                    *("gateAccess", "guarded", "ground", "longTerm", "mediumTerm", "onlyResidents", "onlyWithPermit"),
                    *("parkingGarage", "parkingLot", "private", "public", "publicPrivate", "shortTerm", "staffed"),
                    *("underground", "urbanDeterrentParking", "other"),
                ),
            ),
            "status": Attribute(
                "list",
                values=(
                    *("almostFull", "closed", "closedAbnormal", "full", "fullAtEntrance", "open"),
                    *("openingTimesInForce", "spacesAvailable"),
                ),
            ),
            "occupancy": _SHARE,
            "openingHours": _TEXT,
            "maximumAllowedHeight": _HEIGHT,
        },
    ),
    "AirQualityObserved": Model(
        "Environment",
        ("dateObserved", "location"),
        {
            "dateObserved": _DATE,
            **dict.fromkeys(("pm1", "pm25", "pm4", "pm10", "no2", "o3"), _DENSITY),
            "co2": Attribute("number", "ppm", "59", 0),
            "relativeHumidity": _SHARE,
            "temperature": _WARMTH,
            "windSpeed": _SPEED,
            "precipitation": _RAIN,
            "reliability": _SHARE,
            "typeofLocation": Attribute("text", values=("indoor", "outdoor")),
            "refWeatherObserved": _LINK,
            "refPointOfInterest": _LINK,
        },
        instant="dateObserved",
    ),
    "WeatherObserved": Model(
        "Weather",
        ("dateObserved", "location"),
        {
            "dateObserved": _DATE,
            "temperature": _WARMTH,
            "relativeHumidity": _SHARE,
            "atmosphericPressure": Attribute("number", "hPa", "A97", 0),
            "dewPoint": _WARMTH,
            "windSpeed": _SPEED,
            "gustSpeed": _SPEED,
            "precipitation": _RAIN,
            "illuminance": Attribute("number", "lx", "LUX", 0),
            "streamGauge": Attribute("number", "cm", "CMT", 0),
            "snowHeight": Attribute("number", "cm", "CMT", 0),
            "refPointOfInterest": _LINK,
        },
        instant="dateObserved",
    ),
    "NoiseLevelObserved": Model(
        "Environment",
        ("dateObservedFrom", "dateObservedTo", "location"),
        {
            "dateObservedFrom": _DATE,
            "dateObservedTo": _DATE,
            **dict.fromkeys(("LAeq", "LAmax", "LAS", "LAeq_d"), _SOUND),
            "sonometerClass": Attribute("text", values=("0", "1", "2")),
            "refPointOfInterest": _LINK,
            "refWeatherObserved": _LINK,
        },
        span=("dateObservedFrom", "dateObservedTo"),
    ),
    "WasteContainer": Model(
        "WasteManagement",
        ("location",),
        {
            "fillingLevel": _SHARE,
            "binFullnessThreshold": _SHARE,
            "temperature": _WARMTH,
            "status": Attribute(
                "text", values=("ok", "lidOpen", "dropped", "moved", "vandalized", "burning", "unknown")
            ),
            "category": Attribute("list", values=("fixed", "ground", "other", "portable", "underground")),
            "storedWasteKind": Attribute(
                "text",
                values=(
                    *("organic", "inorganic", "glass", "oil", "plastic", "metal", "paper", "batteries"),
                    *("electronics", "hazardous", "other"),
                ),
            ),
            "binCapacity": Attribute("number", least=0),
            "serialNumber": _TEXT,
            "responsible": _TEXT,
            "dateLastEmptying": _DATE,
            "nextActuationDeadline": _DATE,
            "refWasteContainerModel": _LINK,
            "refWasteContainerIsle": _LINK,
        },
    ),
    "FloodMonitoring": Model(
        "Environment",
        (),
        {
            "observationDateTime": _DATE,
            **dict.fromkeys(("currentLevel", "alertLevel", "dangerLevel", "referenceLevel"), _METRES),
            "measuredDistance": _HEIGHT,
            "floodLevelStatus": _TEXT,
            "stationID": _TEXT,
        },
        instant="observationDateTime",
    ),
    "WaterObserved": Model(
        "Environment",
        ("dateObserved", "location"),
        {
            "dateObserved": _DATE,
            "waterLevel": _METRES,
            "height": _HEIGHT,
            "flow": Attribute("number", "m3/s", "MQS", 0),
        },
        instant="dateObserved",
    ),
    "CrowdFlowObserved": Model(
        "Transportation",
        ("dateObserved",),
        {
            "dateObserved": _DATE,
            "peopleCount": Attribute("integer", "count", "C62", 0),
            "occupancy": _SHARE,
            "direction": Attribute("text", values=("inbound", "outbound")),
            "averageHeadwayTime": Attribute("number", "s", "SEC", 0),
            "congested": _FLAG,
            "refRoadSegment": _LINK,
        },
        instant="dateObserved",
    ),
    "Streetlight": Model(
        "Streetlighting",
        ("location", "status"),
        {
            "status": Attribute("text", values=("ok", "defectiveLamp", "columnIssue", "brokenLantern")),
            "powerState": Attribute("text", values=("on", "off", "low", "bootingUp")),
            "illuminanceLevel": _SHARE,
            "circuit": _TEXT,
            "refStreetlightGroup": _LINK,
            "refStreetlightModel": _LINK,
            "refStreetlightControlCabinet": _LINK,
        },
    ),
}
SITES = {"OnStreetParking": "onStreet", "OffStreetParking": "offStreet"}
"""Types that are made of parking spots, and the category of these spots."""


def site_type(parking: str) -> str:
    """The type for [[parking.site]]'s type."""
    return "OnStreetParking" if parking == "ON_STREET" else "OffStreetParking"


def attribute(type: str, name: str) -> Attribute | None:
    """What an attribute of a type may be; None: it has none of that name."""
    return MODELS[type].attributes.get(name) or _COMMON.get(name)


def kind_of(type: str, name: str) -> Attribute:
    """The same, of one that there must be. LookupError."""
    kind = attribute(type, name)
    if kind is None:
        raise LookupError(f"{type}.{name} is not in models.py")
    return kind


def attributes(type: str) -> list[str]:
    """All attributes' names."""
    return [*MODELS[type].attributes, *_COMMON]


def mistake(kind: Attribute, value: Any) -> str:
    """Why an attribute can't have this value, as a Sentence; empty: it can."""
    if kind.kind in ("number", "integer"):
        return _no_number(kind, value)
    if kind.kind == "list":
        if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
            return both("eine Liste von Texten gehört hierher", "a list of texts belongs here")
        wrong = [item for item in value if kind.values and item not in kind.values]
        return _one_of(kind, wrong[0]) if wrong else ""
    if kind.kind == "flag":
        return "" if isinstance(value, bool) else both("true oder false gehört hierher", "true or false belongs here")
    if kind.kind in ("place", "table"):
        return "" if isinstance(value, dict) and value else both("eine Tabelle gehört hierher", "a table belongs here")
    if not isinstance(value, str) or not value:
        return both("ein Text gehört hierher", "a text belongs here")
    if kind.values and value not in kind.values:
        return _one_of(kind, value)
    if kind.kind == "link" and not URI.fullmatch(value):
        return both(
            "eine URI gehört hierher, wie urn:ngsi-ld:OnStreetParking:musterstadt:marktplatz",
            "a URI belongs here, as in urn:ngsi-ld:OnStreetParking:musterstadt:marktplatz",
        )
    if kind.kind == "date" and not _is_moment(value):
        return both(
            "eine Zeit mit Zone gehört hierher, wie 2026-11-24T12:00:00Z",
            "a time with its zone belongs here, as in 2026-11-24T12:00:00Z",
        )
    return ""


def _no_number(kind: Attribute, value: Any) -> str:
    whole = kind.kind == "integer"
    if isinstance(value, bool) or not isinstance(value, int | float) or (whole and value != int(value)):
        what = ("eine ganze Zahl", "a whole number") if whole else ("eine Zahl", "a number")
        return both(f"{what[0]} gehört hierher", f"{what[1]} belongs here")
    if (kind.least is not None and value < kind.least) or (kind.most is not None and value > kind.most):
        least = "" if kind.least is None else f"{kind.least:g}"
        most = "" if kind.most is None else f"{kind.most:g}"
        return both(f"{value:g} liegt nicht in {least}..{most}", f"{value:g} is not within {least}..{most}")
    return ""


def _one_of(kind: Attribute, value: str) -> str:
    listed = ", ".join(kind.values)
    return both(f"{value} gibt es nicht; es gibt {listed}", f"{value} does not exist; there are {listed}")


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
