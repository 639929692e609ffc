"""[forward.…] with kind = "ngsi-ld"."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from msgspec import Meta

from ...config.types import DeviceId, HttpForward, Name, Section, Text, Url, like
from ...config.words import Rule, is_here, missing, nearest, no_json, shown, table
from ...properties import TABLE
from ...texts import both, pick, said
from .models import MODELS, SITES, URI, TypeName, attribute, attributes, mistake, site_type

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

    `devices`, `groups`: whose. `sensor`: of these boards only what this sensor measures, as an entity of its own. `id`:
    a URI, or what it ends with; of an OnStreetParking or OffStreetParking, the uid of its [[parking.site]]. WGS 84
    degrees. `attributes`: what never changes. `period`: seconds a noise level is measured for. `on_above`: lux from
    which a Streetlight is on.
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
    """

    newest_first: bool = True
    tenant: Tenant | None = None
    town: Name | None = None
    context_url: Url | None = None
    contexts: list[Url] = []
    entity: list[Entity] = []

    def wants(self, device: str, series: str, property: str) -> bool:
        """Only what some type has an attribute for."""
        row = TABLE.get(property)
        return row is not None and bool(row.ngsi_ld) and super().wants(device, series, property)


def rules(forward: dict[str, Any]) -> Rule:
    """What is wrong beside what all HTTP targets have."""
    yield from _contexts(forward)
    if "content-type" in {name.lower() for name in table(forward, "headers")}:
        yield ("headers",), pick("content-type setzt das Gateway selbst", "the gateway sets content-type itself")
    first: dict[tuple[str, str], int] = {}
    for place, entity in enumerate(_tables(forward, "entity")):
        same = first.setdefault((str(entity.get("type")), str(entity.get("id"))), place)
        if "id" in entity and same != place:
            yield ("entity", place, "id"), pick(f"so heißt schon entity {same + 1}", f"is entity {same + 1} already")
        if entity.get("type") in MODELS:
            for path, problem in _entity(entity):
                yield ("entity", place, *path), problem


def _contexts(forward: dict[str, Any]) -> Rule:
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
    here, there = _host(forward.get("context_url")), _host(forward.get("url"))
    if is_here(here) and there and not is_here(there):
        yield ("context_url",), pick(f"{there} erreicht {here} nicht", f"{there} can't reach {here}")


def whole_rules(forward: dict[str, Any], values: dict[str, Any]) -> Rule:
    """What is wrong between this target and [parking]."""
    sites = _tables(table(values, "parking"), "site")
    types = {site.get("uid"): site_type(site.get("type", "ON_STREET")) for site in sites}
    bays = {bay.get("device") for site in sites for bay in _tables(site, "bay")}
    for place, entity in enumerate(_tables(forward, "entity")):
        type, id = entity.get("type"), entity.get("id")
        if type in SITES and isinstance(id, str) and types.get(id) != type:
            known = [uid for uid, of in types.items() if of == type and isinstance(uid, str)]
            yield (
                ("entity", place, "id"),
                pick(f"keine [[parking.site]] dieser Art hat die uid {id}", f"no [[parking.site]] of this kind is {id}")
                + nearest(id, known),
            )
        if type == "ParkingSpot" and "refParkingSite" not in table(entity, "attributes"):
            for device in _strings(entity, "devices"):
                if device not in bays:
                    yield (
                        ("entity", place, "devices"),
                        pick(
                            f"{device} ist bay keiner [[parking.site]], und ein ParkingSpot verlangt seine Parkfläche",
                            f"{device} is bay of no [[parking.site]], and a ParkingSpot requires its parking site",
                        ),
                    )


def _entity(entity: Mapping[str, Any]) -> Rule:
    type = entity["type"]
    attributes = table(dict(entity), "attributes")
    if type in SITES:
        if not entity.get("id"):
            yield (), missing("id", pick("die uid der [[parking.site]]", "the uid of the [[parking.site]]"))
        for key in ("devices", "groups", "sensor", "latitude", "longitude"):
            if key in entity:
                yield (key,), pick("das sagt die [[parking.site]]", "the [[parking.site]] says this")
    elif not entity.get("devices") and not entity.get("groups"):
        yield (), missing("devices", pick("zu welchen Geräten das gehört, oder groups", "whose it is, or groups"))
    elif "id" in entity and (len(_strings(entity, "devices")) != 1 or entity.get("groups")):
        yield (
            ("id",),
            pick("eine id gehört zu genau einem Gerät in devices", "an id belongs to exactly one device in devices"),
        )
    if type not in SITES and ("latitude" in entity) != ("longitude" in entity):
        other = "longitude" if "latitude" in entity else "latitude"
        yield (), missing(other, pick("die beiden gehören zusammen", "the two belong together"))
    if type == "Streetlight" and "status" not in attributes:
        yield ("attributes",), missing("status", pick('wie status = "ok"', 'as in status = "ok"'))
    yield from _attributes(type, attributes)


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


def _host(url: Any) -> str:
    """Empty of what is no address."""
    try:
        return urlsplit(url).hostname or "" if isinstance(url, str) else ""
    except ValueError:
        return ""


def _tables(values: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """A list of tables; what is none stands there as an empty one."""
    found = values.get(key)
    return [one if isinstance(one, dict) else {} for one in found] if isinstance(found, list) else []


def _strings(entity: Mapping[str, Any], key: str) -> list[str]:
    found = entity.get(key)
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []
