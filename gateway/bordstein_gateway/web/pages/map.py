"""/app/map: where the stations are and how they stand. The table has it all; map and filters add to it."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ...config.office import Tiles
from ...properties import TABLE
from ...store import Store
from ...store import cases as case_rows
from ...texts import Sentence, said
from ..overview import value_row
from ..pagetexts import TEXTS, measured
from .moments import age, iso, now_ms
from .rights import User
from .site import Site
from .sketch import Point, shape, sketch
from .stands import KINDS, ORDERS, Choice, Stand, ordered, stands

PATH = "/app/map"
TONES = {"case": "info", "silent": "bad", "warning": "warn", "ok": "good", "off": ""}
"""A state's badge."""
_MOST_VALUES = 4


def routes(site: Site) -> list[Route]:
    async def show(request: Request, user: User) -> Response:
        everyone = await asyncio.to_thread(all_stands, site)
        choice, order = chosen(request), request.query_params.get("sort", "state")
        lang, now = site.language(request), now_ms()
        some = ordered((one for one in everyone if choice.fits(one)), order)
        return site.page(
            request,
            user,
            "map/map.html",
            rows=[row(one, lang, now) for one in some],
            **overview(everyone, some, choice, lang),
            order=order,
            sorting=sorting(PATH, choice, order),
            tiles=tiles(site.config.pages.tiles),
            points=f"{PATH}.json?{urlencode(asked(choice))}",
        )

    async def points(request: Request, user: User) -> Response:
        everyone = await asyncio.to_thread(all_stands, site)
        choice = chosen(request)
        found = features((one for one in everyone if choice.fits(one)), site.language(request), now_ms())
        return JSONResponse(found, media_type="application/geo+json")

    return [site.get(PATH, show), site.get(f"{PATH}.json", points)]


def all_stands(site: Site) -> list[Stand]:
    """Every station with its open cases."""
    return stands(site.state, open_cases(site.store))


def open_cases(store: Store) -> dict[str, int]:
    """How many open cases each object has."""
    with store.database.reading() as connection:
        return case_rows.open_by_object(connection)


def chosen(request: Request) -> Choice:
    """What the filters above the table say."""
    asked = request.query_params
    kind = asked.get("state", "")
    return Choice(kind if kind in KINDS else "", asked.get("group", ""), asked.get("property", ""), asked.get("q", ""))


def asked(choice: Choice) -> dict[str, str]:
    """The same as an address has it."""
    names = {"state": choice.kind, "group": choice.group, "property": choice.property, "q": choice.text}
    return {name: value for name, value in names.items() if value}


def overview(everyone: Sequence[Stand], some: Sequence[Stand], choice: Choice, lang: str) -> dict[str, Any]:
    """What a page with map and filters needs."""
    counts = {kind: sum(one.kind == kind for one in everyone) for kind in KINDS}
    names = {value.property for one in everyone for value in one.values}
    known = [(name, getattr(TABLE[name], lang) if name in TABLE else name) for name in names]
    placed = [point for one in some if (point := _point(one)) is not None]
    label = (
        f"{len(placed)} Stationen; die Tabelle nennt sie alle"
        if lang == "de"
        else (f"{len(placed)} stations; the table names them all")
    )
    return {
        "choice": choice,
        "counts": counts,
        "kinds": KINDS,
        "tones": TONES,
        "shape": shape,
        "groups": sorted({group for one in everyone for group in one.station.groups}),
        "properties": sorted(known, key=lambda pair: pair[1].casefold()),
        "total": len(everyone),
        "unplaced": len(some) - len(placed),
        "sketch": sketch(placed, label),
    }


def _point(one: Stand) -> Point | None:
    place = one.station
    if place.latitude is None or place.longitude is None:
        return None
    return Point(one.name, one.kind, place.latitude, place.longitude)


def row(one: Stand, lang: str, now: int) -> dict[str, Any]:
    """A line of the table."""
    values = [value_row(value) for value in one.values]
    return {
        "device": one.device,
        "name": one.name,
        "kind": one.kind,
        "reasons": [said(reason, lang) for reason in one.reasons],
        "groups": one.station.groups,
        "asset": one.station.asset,
        "cases": one.cases,
        "seen": one.seen,
        "age": age(now - one.seen, lang) if one.seen else None,
        "iso": iso(one.seen) if one.seen else None,
        "values": [(value["label"][lang], _marked(value, lang)) for value in values[:_MOST_VALUES]],
        "more": max(0, len(values) - _MOST_VALUES),
    }


def _marked(value: Mapping[str, Any], lang: str) -> str:
    """A value with its marks: nobody may take one that can't be for one that is."""
    marks = ", ".join(TEXTS[lang].get(name, name) for name in value["flags"])
    return measured(dict(value), lang) + (f" ({marks})" if marks else "")


def features(
    some: Iterable[Stand],
    lang: str,
    now: int,
    base: str = "/app/stations/",
    kinds: Mapping[Any, Sentence] = KINDS,
) -> dict[str, Any]:
    """GeoJSON (RFC 7946) for the script."""
    found = []
    for one in some:
        if (place := _point(one)) is None:
            continue
        line = row(one, lang, now)
        about = {
            "name": one.name,
            "kind": one.kind,
            "state": said(kinds[one.kind], lang),
            "reasons": line["reasons"],
            "values": [f"{label}: {value}" for label, value in line["values"]],
            "url": f"{base}{one.device}",
        }
        where = {"type": "Point", "coordinates": [round(place.longitude, 6), round(place.latitude, 6)]}
        found.append({"type": "Feature", "geometry": where, "properties": about})
    return {"type": "FeatureCollection", "features": found}


def sorting(path: str, choice: Choice, order: str) -> Mapping[str, str]:
    """Where each column's head leads: by this column, the other way round where it is by this one already."""
    found = {}
    for name in ORDERS:
        wanted = f"-{name}" if order == name else name
        found[name] = f"{path}?{urlencode({**asked(choice), 'sort': wanted})}"
    return found


def tiles(settings: Tiles | None) -> dict[str, Any] | None:
    """For the script."""
    if settings is None:
        return None
    return {"url": settings.url, "attribution": settings.attribution, "max_zoom": settings.max_zoom}
