"""What the Smart Data Models require of an entity, as a strict broker's owner would check it.

Written from the tables of municipal facts and the schemas themselves, not from what the gateway sends: type ->
(required attributes, attribute -> check). An attribute that is not listed may be anything.
"""

import re
from collections.abc import Callable
from typing import Any

Check = Callable[[Any], bool]


def words(*known: str) -> Check:
    return lambda value: value in known


def lists(*known: str) -> Check:
    return lambda value: isinstance(value, list) and bool(value) and set(value) <= set(known)


def between(least: float, most: float) -> Check:
    return lambda value: not isinstance(value, bool) and isinstance(value, int | float) and least <= value <= most


def whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def moment(value: Any) -> bool:
    """A DateTime property's value."""
    return (
        isinstance(value, dict)
        and set(value) == {"@type", "@value"}
        and value["@type"] == "DateTime"
        and bool(ZULU.fullmatch(value["@value"]))
    )


ZULU = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
PLENTY = 1e9
POSITIVE = between(0, PLENTY)
ANY = between(-PLENTY, PLENTY)
SHARE = between(0, 1)

REQUIRED: dict[str, set[str]] = {
    "ParkingSpot": {"location", "status", "category", "refParkingSite"},
    "OnStreetParking": {"location"},
    "OffStreetParking": {"location"},
    "AirQualityObserved": {"dateObserved", "location"},
    "WeatherObserved": {"dateObserved", "location"},
    "NoiseLevelObserved": {"dateObservedFrom", "dateObservedTo", "location"},
    "WasteContainer": {"location"},
    "FloodMonitoring": set(),
    "WaterObserved": {"location", "dateObserved"},
    "CrowdFlowObserved": {"dateObserved"},
    "Streetlight": {"location", "status"},
}

CHECKS: dict[str, dict[str, Check]] = {
    "ParkingSpot": {
        "status": words("closed", "free", "occupied", "unknown"),
        "category": lists("onStreet", "offStreet"),
    },
    "OnStreetParking": {
        "availableSpotNumber": whole,
        "occupiedSpotNumber": whole,
        "totalSpotNumber": whole,
        "occupancyDetectionType": lists("balancing", "manual", "modelBased", "none", "singleSpaceDetection"),
    },
    "OffStreetParking": {
        "availableSpotNumber": whole,
        "occupiedSpotNumber": whole,
        "totalSpotNumber": whole,
        "occupancy": SHARE,
        "status": lists(
            *("open", "closed", "closedAbnormal", "openingTimesInForce", "full", "fullAtEntrance"),
            *("spacesAvailable", "almostFull"),
        ),
    },
    "AirQualityObserved": {
        "dateObserved": moment,
        **dict.fromkeys(("pm1", "pm25", "pm4", "pm10", "no2", "o3"), POSITIVE),
        "co2": POSITIVE,
        "relativeHumidity": SHARE,
        "temperature": ANY,
        "reliability": SHARE,
        "typeofLocation": words("indoor", "outdoor"),
    },
    "WeatherObserved": {
        "dateObserved": moment,
        "temperature": ANY,
        "relativeHumidity": SHARE,
        "atmosphericPressure": POSITIVE,
        "dewPoint": ANY,
        "precipitation": POSITIVE,
        "windSpeed": POSITIVE,
        "illuminance": POSITIVE,
        "streamGauge": POSITIVE,
    },
    "NoiseLevelObserved": {
        "dateObservedFrom": moment,
        "dateObservedTo": moment,
        "LAeq": ANY,
        "LAmax": ANY,
        "sonometerClass": words("0", "1", "2"),
    },
    "WasteContainer": {
        "fillingLevel": SHARE,
        "binFullnessThreshold": SHARE,
        "temperature": ANY,
        "status": words("ok", "lidOpen", "dropped", "moved", "vandalized", "burning", "unknown"),
    },
    "FloodMonitoring": {
        "currentLevel": ANY,
        "alertLevel": ANY,
        "dangerLevel": ANY,
        "observationDateTime": moment,
        "floodLevelStatus": lambda value: isinstance(value, str),
        "stationID": lambda value: isinstance(value, str),
    },
    "WaterObserved": {"dateObserved": moment, "waterLevel": ANY, "height": POSITIVE, "flow": POSITIVE},
    "CrowdFlowObserved": {
        "dateObserved": moment,
        "peopleCount": whole,
        "occupancy": SHARE,
        "direction": words("inbound", "outbound"),
    },
    "Streetlight": {
        "status": words("ok", "defectiveLamp", "columnIssue", "brokenLantern"),
        "powerState": words("on", "off", "low", "bootingUp"),
    },
}

UNITS = {
    "temperature": "CEL",
    "dewPoint": "CEL",
    "pm1": "GQ",
    "pm25": "GQ",
    "pm4": "GQ",
    "pm10": "GQ",
    "co2": "59",
    "atmosphericPressure": "A97",
    "windSpeed": "MTS",
    "precipitation": "MMT",
    "illuminance": "LUX",
    "LAeq": "2N",
    "LAmax": "2N",
    "currentLevel": "MTR",
    "waterLevel": "MTR",
    "streamGauge": "CMT",
}
"""UN/CEFACT Recommendation 20, for what has a unit."""


def problem(entity: dict[str, Any]) -> str:
    """Why its owner would not want an entity that is complete; empty: it is as its type asks for."""
    type = entity["type"]
    if type not in REQUIRED:
        return f"{type} is no type of this catalogue"
    lacking = sorted(REQUIRED[type] - entity.keys())
    if lacking:
        return f"{type} lacks {', '.join(lacking)}"
    for name, check in CHECKS[type].items():
        if name in entity and not check(entity[name].get("value")):
            return f"{type}.{name} can't be {entity[name].get('value')!r}"
    for name, code in UNITS.items():
        if name in entity and entity[name].get("unitCode") != code:
            return f"{type}.{name} is not in {code}"
    if "refParkingSite" in entity and entity["refParkingSite"]["type"] != "Relationship":
        return "refParkingSite is no Relationship"
    if "location" in entity:
        return _no_place(entity["location"])
    if {"availableSpotNumber", "totalSpotNumber"} <= entity.keys() and (
        entity["availableSpotNumber"]["value"] > entity["totalSpotNumber"]["value"]
    ):
        return "more spots are available than there are"
    return ""


def _no_place(location: dict[str, Any]) -> str:
    if location["type"] != "GeoProperty":
        return "location is no GeoProperty"
    shape, coordinates = location["value"]["type"], location["value"]["coordinates"]
    points = [coordinates] if shape == "Point" else coordinates if shape == "MultiPoint" else []
    right = [len(one) == 2 and abs(one[0]) <= 180 and abs(one[1]) <= 90 for one in points]
    return "" if right and all(right) else f"location is no {shape}"
