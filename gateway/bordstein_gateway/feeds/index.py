"""The page /open/: what there is, in words, for people. German, or English with ?lang=en."""

from typing import Any, NamedTuple

from ..properties import TABLE
from ..store.types import Latest
from .view import View


class Feed(NamedTuple):
    """A line of the page: address below /open/, name and what it is for, German and English."""

    path: str
    names: tuple[str, str]
    texts: tuple[str, str]


FEEDS = (
    Feed(
        "latest.geojson",
        ("Neueste Werte (GeoJSON)", "Newest values (GeoJSON)"),
        (
            "Für Karten: QGIS, Masterportal. Auswahl mit property=pm10, device=…, bbox=West,Süd,Ost,Nord.",
            "For maps: QGIS, Masterportal. Choose with property=pm10, device=…, bbox=west,south,east,north.",
        ),
    ),
    Feed(
        "readings.csv",
        ("Messwerte (CSV)", "Readings (CSV)"),
        (
            "Der letzte Tag, oder ein Zeitraum: from=2026-07-01&to=2026-07-31. Auswahl mit property, device, series.",
            "The last day, or a period: from=2026-07-01&to=2026-07-31. Choose with property, device, series.",
        ),
    ),
    Feed(
        "readings.parquet",
        ("Messwerte (Parquet)", "Readings (Parquet)"),
        ("Dasselbe für Notebooks und Datenbanken.", "The same for notebooks and databases."),
    ),
    Feed(
        "series.csv",
        ("Reihen und Stationen (CSV)", "Series and stations (CSV)"),
        ("Was gemessen wird, wo und unter welcher Lizenz.", "What is measured, where, and under which licence."),
    ),
    Feed(
        "parkapi/sites.json",
        ("Parkflächen (ParkAPI)", "Parking sites (ParkAPI)"),
        ("Größe und freie Plätze, für MobiData BW.", "Size and free places, for MobiData BW."),
    ),
    Feed(
        "parkapi/spots.json",
        ("Stellplätze (ParkAPI)", "Parking spots (ParkAPI)"),
        ("Frei, belegt oder unbekannt.", "Available, taken or unknown."),
    ),
    Feed(
        "datex2/sites-table.xml",
        ("Parkflächen, Bestand (DATEX II)", "Parking sites, what there is (DATEX II)"),
        ("Für Mobilithek.", "For Mobilithek."),
    ),
    Feed(
        "datex2/sites-status.xml",
        ("Parkflächen, Belegung (DATEX II)", "Parking sites, how they are (DATEX II)"),
        ("Für Mobilithek.", "For Mobilithek."),
    ),
    Feed(
        "datex2/spots-table.xml",
        ("Stellplätze, Bestand (DATEX II)", "Parking spots, what there is (DATEX II)"),
        ("Für Mobilithek.", "For Mobilithek."),
    ),
    Feed(
        "datex2/spots-status.xml",
        ("Stellplätze, Belegung (DATEX II)", "Parking spots, how they are (DATEX II)"),
        ("Für Mobilithek.", "For Mobilithek."),
    ),
    Feed(
        "catalog.ttl",
        ("Katalog (DCAT-AP.de, Turtle)", "Catalogue (DCAT-AP.de, Turtle)"),
        ("Für das Open-Data-Portal des Landes.", "For the open data portal of the Land."),
    ),
    Feed(
        "catalog.jsonld",
        ("Katalog (DCAT-AP.de, JSON-LD)", "Catalogue (DCAT-AP.de, JSON-LD)"),
        ("Dasselbe.", "The same."),
    ),
    Feed(
        "metrics",
        ("Neueste Werte (Prometheus)", "Newest values (Prometheus)"),
        ("Für Grafana und andere.", "For Grafana and others."),
    ),
)

TEXTS: dict[str, dict[str, str]] = {
    "de": {
        "title": "Offene Daten",
        "other": "English",
        "other_lang": "en",
        "intro": "Messwerte von Sensoren im Straßenraum. Zeiten sind in UTC, mit Z am Ende.",
        "full": "Angemeldet: hier ist auch zu sehen, was nicht öffentlich ist.",
        "feeds": "Adressen",
        "what": "Was",
        "address": "Adresse",
        "measured": "Was gemessen wird",
        "property": "Größe",
        "stations": "Stationen",
        "licence": "Lizenz",
        "private": "nicht öffentlich",
        "none": "Gerade gibt es nichts.",
        "sensorthings": "Für Karten und Programme, mit Filtern und Zeitreihen.",
        "contact": "Kontakt",
    },
    "en": {
        "title": "Open data",
        "other": "Deutsch",
        "other_lang": "de",
        "intro": "Readings of sensors in the streets. Times are in UTC, with Z at the end.",
        "full": "Logged in: what is not public is shown here, too.",
        "feeds": "Addresses",
        "what": "What",
        "address": "Address",
        "measured": "What is measured",
        "property": "Property",
        "stations": "Stations",
        "licence": "Licence",
        "private": "not public",
        "none": "There is nothing just now.",
        "sensorthings": "For maps and programs, with filters and series in time.",
        "contact": "Contact",
    },
}


def content(view: View, lang: str, *, sensorthings: bool, parquet: bool, parking: bool) -> dict[str, Any]:
    """What the template open.html shows."""
    number = ("de", "en").index(lang)
    feeds = [
        (feed.path, feed.names[number], feed.texts[number])
        for feed in FEEDS
        if (parquet or feed.path != "readings.parquet") and (parking or not feed.path.startswith(("parkapi", "datex2")))
    ]
    if sensorthings:
        feeds.insert(0, ("/v1.1/", "OGC SensorThings API 1.1", TEXTS[lang]["sensorthings"]))
    publish = view.config.publish
    return {
        "lang": lang,
        "text": TEXTS[lang],
        "heading": (publish and publish.title) or TEXTS[lang]["title"],
        "publisher": publish and publish.publisher,
        "contact": publish and publish.contact,
        "full": view.full,
        "feeds": feeds,
        "measured": _measured(list(view.latest()), view, lang),
    }


def _measured(latest: list[Latest], view: View, lang: str) -> list[dict[str, Any]]:
    """A row a property and licence, by name."""
    groups: dict[tuple[str, Any], set[str]] = {}
    for value in latest:
        licence = view.licence(value.device, value.series)
        groups.setdefault((value.property, licence), set()).add(value.device)
    rows = []
    for (name, licence), devices in groups.items():
        row = TABLE.get(name)
        label = name if row is None else row.de if lang == "de" else row.en
        rows.append({"property": name, "label": label, "stations": len(devices), "licence": licence})
    return sorted(rows, key=lambda row: (row["label"].casefold(), str(row["licence"])))
