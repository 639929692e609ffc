"""[forward.…] with kind = "ngsi-ld"."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from msgspec import Meta

from ...config_types import DeviceId, HttpForward, Name, Section, Text, Url, like
from ...config_words import Rule, missing, nearest, no_json, shown, table
from ...texts import both, pick, said
from .models import MODELS, SITES, URI, TypeName, attribute, attributes, mistake

Tenant = Annotated[
    str,
    like(
        r"[!-~]{1,200}",
        "der Name eines Mandanten, ohne Leerzeichen und Umlaute",
        "a tenant's name, without spaces and in ASCII",
    ),
]
EntityId = Annotated[
    str,
    like(
        rf"{URI.pattern}|[A-Za-z0-9._~-]+",
        "eine URI oder deren letzter Teil, wie marktplatz",
        "a URI or its last part, as in marktplatz",
    ),
]


class Entity(Section, kw_only=True):
    """[[forward.….entity]]: what is said of some boards' entities beside their readings.

    `devices`, `groups`: whose; of a parking site, its bays. `sensor`: of these boards only what this sensor measures,
    as an entity of its own. `id`: a URI, or what it ends with. WGS 84 degrees. `attributes`: what never changes.
    `period`: seconds a noise level is measured for. `on_above`: lux from which a Streetlight is on.
    """

    type: TypeName
    devices: list[DeviceId] = []
    groups: list[Name] = []
    sensor: Text | None = None
    id: EntityId | None = None
    latitude: Annotated[float, Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Meta(ge=-180, le=180)] | None = None
    attributes: dict[str, Any] = {}
    period: Annotated[int, Meta(ge=1, le=86_400)] = 60
    on_above: Annotated[float, Meta(ge=0, le=200_000)] = 10.0


class NgsiLd(HttpForward, kw_only=True, tag_field="kind", tag="ngsi-ld"):
    """`url` without /ngsi-ld/v1. `tenant`: none is the broker's default one. `town`: stands in the entities' ids; the
    gateway's name when not given. `context_url`: where the broker reaches this gateway's /contexts; `contexts` in its
    place: these for all entities.
    `unknown_after`: hours after which a bay that was not heard of is counted neither as free nor as occupied; 0: never.
    """

    tenant: Tenant | None = None
    town: Name | None = None
    context_url: Url | None = None
    contexts: list[Url] = []
    unknown_after: Annotated[int, Meta(ge=0, le=8760)] = 24
    entity: list[Entity] = []


def rules(forward: dict[str, Any]) -> Rule:
    """What is wrong beside what all HTTP targets have."""
    if forward.get("context_url") and forward.get("contexts"):
        yield ("contexts",), pick("entweder context_url oder contexts", "either context_url or contexts")
    elif not forward.get("context_url") and not forward.get("contexts"):
        yield (
            (),
            missing(
                "context_url",
                pick(
                    "wo der Broker /contexts dieses Gateways erreicht, wie http://gateway.example.org:8080/contexts",
                    "where the broker reaches this gateway's /contexts, as in http://gateway.example.org:8080/contexts",
                ),
            ),
        )
    for key, urls in (("context_url", [forward.get("context_url")]), ("contexts", forward.get("contexts"))):
        for url in urls if isinstance(urls, list) else []:
            if isinstance(url, str) and any(part in ("master", "main", "latest") for part in url.split("/")):
                yield (
                    (key,),
                    pick(
                        f"{shown(url)} kann morgen etwas anderes bedeuten; eine feste Fassung nennen",
                        f"{shown(url)} may mean something else tomorrow; name a version that stays",
                    ),
                )
    if "Content-Type".lower() in {name.lower() for name in table(forward, "headers")}:
        yield ("headers",), pick("content-type setzt das Gateway selbst", "the gateway sets content-type itself")
    entities = forward.get("entity")
    listed = [entity for entity in entities if isinstance(entity, dict)] if isinstance(entities, list) else []
    for place, entity in enumerate(entities if isinstance(entities, list) else []):
        if isinstance(entity, dict) and entity.get("type") in MODELS:
            for path, problem in _entity(entity, listed):
                yield ("entity", place, *path), problem


def _entity(entity: Mapping[str, Any], listed: list[dict[str, Any]]) -> Rule:
    type, site = entity["type"], entity["type"] in SITES
    if not entity.get("devices") and not entity.get("groups"):
        yield (), missing("devices", pick("zu welchen Geräten das gehört, oder groups", "whose it is, or groups"))
    if site and not entity.get("id"):
        yield (), missing("id", pick("wie die Parkfläche heißt, wie marktplatz", "the site's name, as in marktplatz"))
    if site and "sensor" in entity:
        yield ("sensor",), pick("nützt nichts bei einer Parkfläche", "has no use with a parking site")
    if not site and "id" in entity and (len(_strings(entity, "devices")) != 1 or entity.get("groups")):
        yield (
            ("id",),
            pick("eine id gehört zu genau einem Gerät in devices", "an id belongs to exactly one device in devices"),
        )
    if ("latitude" in entity) != ("longitude" in entity):
        yield (
            (),
            missing(
                "longitude" if "latitude" in entity else "latitude",
                pick("die beiden gehören zusammen", "the two belong together"),
            ),
        )
    attributes = table(dict(entity), "attributes")
    yield from _attributes(type, attributes)
    yield from _lacking(entity, attributes, listed)


def _lacking(entity: Mapping[str, Any], attributes: Mapping[str, Any], listed: list[dict[str, Any]]) -> Rule:
    """Required attributes that no reading can give."""
    if entity["type"] == "Streetlight" and "status" not in attributes:
        yield ("attributes",), missing("status", pick('wie status = "ok"', 'as in status = "ok"'))
    if entity["type"] == "ParkingSpot" and "refParkingSite" not in attributes and not entity.get("groups"):
        within = {device for site in listed if site.get("type") in SITES for device in _strings(site, "devices")}
        if not any(site.get("type") in SITES and site.get("groups") for site in listed):
            for device in _strings(entity, "devices"):
                if device not in within:
                    yield (
                        ("attributes",),
                        missing(
                            "refParkingSite",
                            pick(
                                f"{device} gehört zu keinem entity vom Typ OnStreetParking oder OffStreetParking",
                                f"{device} is in no entity of type OnStreetParking or OffStreetParking",
                            ),
                        ),
                    )


def _attributes(type: str, given: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    for name, value in given.items():
        path = ("attributes", name)
        kind = attribute(type, name)
        if problem := no_json(value):
            yield path, problem
        elif isinstance(value, dict) and "type" in value:
            if problem := raw(value):
                yield path, said(problem)
        elif kind is None:
            known = attributes(type)
            yield (
                path,
                pick(f"{type} kennt das nicht", f"{type} has none of this name")
                + (nearest(name, known) or pick(f"; es gibt {', '.join(known)}", f"; known are {', '.join(known)}")),
            )
        elif problem := mistake(kind, value):
            yield path, said(problem)


def raw(value: Mapping[str, Any]) -> str:
    """What is wrong with an attribute that is given as NGSI-LD has it; empty: nothing."""
    member = {"Property": "value", "GeoProperty": "value", "Relationship": "object"}.get(str(value.get("type")))
    if member is None:
        return both("type: Property, GeoProperty oder Relationship", "type: Property, GeoProperty or Relationship")
    if value.get(member) is None:
        return both(f"{member} fehlt", f"{member} is missing")
    return ""


def _strings(entity: Mapping[str, Any], key: str) -> list[str]:
    found = entity.get(key)
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []
