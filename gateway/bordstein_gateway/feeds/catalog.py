"""The catalogue of what is public, in DCAT-AP.de: a dataset a property and licence, and one of the parking sites.

A portal of the Land, and with it GovData and the European one, reads it as it is. What belongs to it and can't be made
up (contributorID, the municipality's key, publisher, contact) is said in [publish].
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote, urlencode

from ..boards.stations import Station
from ..config.open_data import Publish
from ..properties import TABLE
from ..store.types import Latest
from ..web.publishing import Licence, licence_of
from . import parking
from .rdf import Node, Ref, Text
from .view import View

_EU = "http://publications.europa.eu/resource/authority"
_MEDIA = "https://www.iana.org/assignments/media-types"
_POLITICAL = "http://dcat-ap.de/def/politicalGeocoding"
_TRAFFIC = ("parking_bay_occupied", "pedestrian_count", "road_surface_temperature", "presence")
"""Properties whose theme is transport; of the others it is the environment."""
_Statements = list[tuple[str, Ref | Text | Node]]


class Way(NamedTuple):
    """A distribution. `path`: below the public address; `format`: of the EU's list of file types, where it has it."""

    key: str
    title: str
    path: str
    media: str
    format: str | None


class Dataset(NamedTuple):
    """What is listed. `names`: German and English; `stations`: where; `since`: Unix ms, `newest`: Unix seconds."""

    key: str
    names: tuple[str, str]
    texts: tuple[str, str]
    theme: str
    keywords: tuple[str, ...]
    licence: Licence
    ways: list[Way]
    stations: list[Station]
    since: int
    newest: int


class Served(NamedTuple):
    """What there is besides: the SensorThings API, Parquet, public parking sites."""

    sensorthings: bool
    parquet: bool
    parking: bool


def nodes(view: View, base: str, served: Served) -> list[Node]:
    """The catalogue, its datasets and distributions. `base`: the public address, without a / at its end."""
    publish = view.config.publish
    if publish is None:
        return []
    sets = list(_properties(view, served))
    if served.parking:
        sets.append(_parking(view, publish))
    publisher = _agent(publish, base)
    catalog = f"{base}/open/catalog"
    newest = max((one.newest for one in sets), default=0)
    title = publish.title or f"Sensordaten {publish.publisher or view.config.gateway.name}"
    about: _Statements = [
        ("dct:title", Text(title, "de")),
        ("dct:description", Text(f"{title}: Messwerte von Sensoren im Straßenraum", "de")),
        ("dct:publisher", Ref(publisher.uri or "")),
        ("dct:language", Ref(f"{_EU}/language/DEU")),
        ("dct:license", Ref(licence_of(publish.licence).uri)),
        ("dcat:themeTaxonomy", Ref(f"{_EU}/data-theme")),
        ("foaf:homepage", Ref(publish.homepage or f"{base}/open/")),
        *([("dct:modified", _time(newest))] if newest else []),
        *(("dcat:dataset", Ref(f"{catalog}#{one.key}")) for one in sets),
    ]
    found = [Node(catalog, "dcat:Catalog", about), publisher]
    for one in sets:
        found.append(_dataset(one, publish, base, publisher))
        found += [_distribution(one, way, base) for way in one.ways]
    return found


def _properties(view: View, served: Served) -> Iterable[Dataset]:
    """The public series, those of a property under one licence together."""
    groups: dict[tuple[str, Licence], list[Latest]] = {}
    for value in view.latest():
        licence = view.licence(value.device, value.series)
        if licence is not None and value.property in TABLE:
            groups.setdefault((value.property, licence), []).append(value)
    first_seen = {device.device: device.first_seen for device in view.store.devices()}
    names = [name for name, _ in groups]
    for (name, licence), values in sorted(groups.items()):
        row = TABLE[name]
        devices = sorted({value.device for value in values})
        alone = names.count(name) == 1
        choice = {"property": name} if alone else {"property": name, "licence": licence.name}
        symbol = f" [{row.symbol}]" if row.symbol else ""
        count = len(devices)
        yield Dataset(
            key=name if alone else f"{name}-{quote(licence.name, safe='').replace('%', '-')}",
            names=(row.de, row.en),
            texts=(
                f"{row.de}{symbol}, gemessen von {count} Station{'en' if count > 1 else ''}; Zeiten in UTC.",
                f"{row.en}{symbol}, measured by {count} station{'s' if count > 1 else ''}; times in UTC.",
            ),
            theme="TRAN" if name in _TRAFFIC else "ENVI",
            keywords=(row.de, "Sensordaten", "Echtzeit"),
            licence=licence,
            ways=_ways(choice, row.definition if served.sensorthings else None, parquet=served.parquet),
            stations=[view.station(device) for device in devices],
            since=min(first_seen.get(device, values[0].received * 1000) for device in devices),
            newest=max(value.received for value in values),
        )


def _ways(choice: dict[str, str], definition: str | None, *, parquet: bool) -> list[Way]:
    query = urlencode(choice)
    ways = [
        Way("csv", "Messwerte als CSV (letzter Tag; Zeitraum mit from und to)", f"/open/readings.csv?{query}",
            "text/csv", "CSV"),
        Way("geojson", "Neueste Werte als GeoJSON", f"/open/latest.geojson?{query}",
            "application/geo+json", "GEOJSON"),
    ]  # fmt: skip
    if parquet:
        ways.append(
            Way("parquet", "Messwerte als Parquet (letzter Tag; Zeitraum mit from und to)",
                f"/open/readings.parquet?{query}", "application/vnd.apache.parquet", "PARQUET")
        )  # fmt: skip
    if definition is not None:
        chosen = urlencode({"$filter": f"ObservedProperty/definition eq '{definition}'"}, quote_via=quote)
        ways.append(
            Way("sensorthings", "OGC SensorThings API 1.1", f"/v1.1/Datastreams?{chosen}", "application/json", "JSON")
        )
    return ways


def _parking(view: View, publish: Publish) -> Dataset:
    lots, spots = parking.lots(view), parking.spots(view)
    sites = {site.uid: site for site in (*(lot.site for lot in lots), *(spot.site for spot in spots))}
    devices = {bay.device for site in sites.values() for bay in site.bays}
    seen = [device for device in view.store.devices() if device.device in devices]
    newest = [*(lot.received for lot in lots), *(spot.received for spot in spots)]
    return Dataset(
        key="parking",
        names=("Parkplätze, freie Plätze", "Parking, free places"),
        texts=(
            "Parkflächen mit ihrer Größe und den gerade freien Plätzen, gezählt von Sensoren.",
            "Parking sites with their size and the places that are free just now, counted by sensors.",
        ),
        theme="TRAN",
        keywords=("Parken", "Parkplätze", "Echtzeit"),
        licence=licence_of(publish.licence, publish.attribution),
        ways=[
            Way("parkapi", "Parkflächen (ParkAPI)", "/open/parkapi/sites.json", "application/json", "JSON"),
            Way("parkapi-spots", "Einzelne Stellplätze (ParkAPI)", "/open/parkapi/spots.json", "application/json",
                "JSON"),
            *(Way(f"datex2-{what}-{kind}", f"{title} (DATEX II)", f"/open/datex2/{what}-{kind}.xml",
                  "application/xml", "XML")
              for what, kind, title in (("sites", "table", "Parkflächen, Bestand"),
                                        ("sites", "status", "Parkflächen, Belegung"),
                                        ("spots", "table", "Stellplätze, Bestand"),
                                        ("spots", "status", "Stellplätze, Belegung"))),
        ],
        stations=[],
        since=min((device.first_seen for device in seen), default=0),
        newest=max(newest, default=0),
    )  # fmt: skip


def _dataset(one: Dataset, publish: Publish, base: str, publisher: Node) -> Node:
    uri = f"{base}/open/catalog#{one.key}"
    about: _Statements = [
        ("dct:title", Text(one.names[0], "de")),
        ("dct:title", Text(one.names[1], "en")),
        ("dct:description", Text(one.texts[0], "de")),
        ("dct:description", Text(one.texts[1], "en")),
        ("dct:identifier", Text(uri)),
        ("dct:publisher", Ref(publisher.uri or "")),
        ("dcat:theme", Ref(f"{_EU}/data-theme/{one.theme}")),
        *(("dcat:keyword", Text(word, "de")) for word in one.keywords),
        ("dct:language", Ref(f"{_EU}/language/DEU")),
        ("dct:accessRights", Ref(f"{_EU}/access-right/PUBLIC")),
        ("dct:accrualPeriodicity", Ref(f"{_EU}/frequency/UPDATE_CONT")),
        ("dcat:landingPage", Ref(f"{base}/open/")),
    ]
    if publish.contributor_id:
        about.append(("dcatde:contributorID", Ref(publish.contributor_id)))
    if publish.municipality_key:
        about.append(("dcatde:politicalGeocodingLevelURI", Ref(f"{_POLITICAL}/Level/municipality")))
        about.append(("dcatde:politicalGeocodingURI", Ref(f"{_POLITICAL}/municipalityKey/{publish.municipality_key}")))
    if publish.contact:
        name = publish.publisher or publish.contact
        card: _Statements = [("vcard:fn", Text(name)), ("vcard:hasEmail", Ref(f"mailto:{publish.contact}"))]
        about.append(("dcat:contactPoint", Node(None, "vcard:Kind", card)))
    if one.newest:
        about.append(("dct:modified", _time(one.newest)))
    if one.since:
        day = datetime.fromtimestamp(one.since / 1000, UTC).date().isoformat()
        about.append(("dct:temporal", Node(None, "dct:PeriodOfTime", [("dcat:startDate", Text(day, type="xsd:date"))])))
    if (box := _box(one.stations)) is not None:
        about.append(("dct:spatial", Node(None, "dct:Location", [("dcat:bbox", Text(box, type="geo:wktLiteral"))])))
    about += [("dcat:distribution", Ref(f"{uri}-{way.key}")) for way in one.ways]
    return Node(uri, "dcat:Dataset", about)


def _distribution(one: Dataset, way: Way, base: str) -> Node:
    about: _Statements = [
        ("dct:title", Text(f"{one.names[0]}: {way.title}", "de")),
        ("dcat:accessURL", Ref(f"{base}{way.path}")),
        ("dcat:downloadURL", Ref(f"{base}{way.path}")),
        ("dcat:mediaType", Ref(f"{_MEDIA}/{way.media}")),
        *([("dct:format", Ref(f"{_EU}/file-type/{way.format}"))] if way.format else []),
        ("dct:license", Ref(one.licence.uri)),
        ("dcatap:availability", Ref(f"{_EU}/planned-availability/AVAILABLE")),
    ]
    if one.licence.attribution:
        about.append(("dcatde:licenseAttributionByText", Text(one.licence.attribution, "de")))
    if one.newest:
        about.append(("dct:modified", _time(one.newest)))
    return Node(f"{base}/open/catalog#{one.key}-{way.key}", "dcat:Distribution", about)


def _agent(publish: Publish, base: str) -> Node:
    about: _Statements = [("foaf:name", Text(publish.publisher or publish.title or base))]
    if publish.homepage:
        about.append(("foaf:homepage", Ref(publish.homepage)))
    if publish.contact:
        about.append(("foaf:mbox", Ref(f"mailto:{publish.contact}")))
    return Node(f"{base}/open/catalog#publisher", "foaf:Agent", about)


def _time(seconds: int) -> Text:
    return Text(datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), type="xsd:dateTime")


def _box(stations: Iterable[Station]) -> str | None:
    """The stations' box as WKT, longitude first (CRS 84)."""
    places = [(s.longitude, s.latitude) for s in stations if s.longitude is not None and s.latitude is not None]
    if not places:
        return None
    (west, east), (south, north) = ((min(side), max(side)) for side in zip(*places, strict=True))
    corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
    return f"POLYGON (({', '.join(f'{x} {y}' for x, y in corners)}))"
