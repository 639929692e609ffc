"""Other forms of a page: dataArray (OGC 18-088 section 15.3), CSV and GeoJSON (as FROST-Server has them)."""

import csv
import io
from collections.abc import Iterable
from typing import Any

import msgspec

from ..web.spreadsheets import no_formula
from .answer import Answer, Found, Listed
from .options import Options, query
from .syntax import Mistake
from .view import View

_OBSERVATION = ["id", "phenomenonTime", "result", "resultTime", "parameters"]


def data_array(answer: Answer, view: View, listed: Listed, options: Options) -> dict[str, Any]:
    """Observations as rows, one array for each Datastream of the page. Mistake: they are no Observations."""
    if listed.kind.name != "Observations":
        raise Mistake(
            "$resultFormat: dataArray gibt es für Observations.", "$resultFormat: dataArray is for Observations."
        )
    found = answer.page(listed, options)
    components = _components(options)
    arrays: dict[int, list[list[Any]]] = {}
    for entity in found.entities:
        row = [_cell(view, entity, name) for name in components]
        arrays.setdefault(entity.row.series, []).append(row)
    content: dict[str, Any] = {}
    if found.count is not None:
        content["@iot.count"] = found.count
    if found.following is not None:
        content["@iot.nextLink"] = f"{listed.url}?{query(found.following.pairs())}"
    content["value"] = [
        {
            "Datastream@iot.navigationLink": f"{answer.base}/Datastreams({series})",
            "components": components,
            "dataArray@iot.count": len(rows),
            "dataArray": rows,
        }
        for series, rows in arrays.items()
    ]
    return content


def table(answer: Answer, view: View, listed: Listed, options: Options) -> tuple[str, Found]:
    """CSV (RFC 4180), one line an entity, members below a member as a/b; and the page, for the link to the next."""
    found = answer.page(listed, options)
    rows = [dict(_flat(_plain(answer.entity(entity, options), options), "")) for entity in found.entities]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if not columns:
        columns = ["id", *(_names(options) or listed.kind.properties)]
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: no_formula(value) for name, value in row.items()} for row in rows)
    return out.getvalue(), found


def geojson(answer: Answer, view: View, listed: Listed, options: Options) -> dict[str, Any]:
    """A FeatureCollection (RFC 7946); entities without a place of their own have that of their Thing."""
    found = answer.page(listed, options)
    features = []
    for entity in found.entities:
        content = answer.entity(entity, options)
        features.append(
            {
                "type": "Feature",
                "id": entity.id,
                "geometry": _geometry(view, entity),
                "properties": dict(_flat(_plain(content, options), "")),
            }
        )
    collection: dict[str, Any] = {"type": "FeatureCollection", "features": features}
    if found.count is not None:
        collection["@iot.count"] = found.count
    if found.following is not None:
        collection["@iot.nextLink"] = f"{listed.url}?{query(found.following.pairs())}"
    return collection


def _names(options: Options) -> list[str] | None:
    return [names[0] for names in options.select] if options.select is not None else None


def _components(options: Options) -> list[str]:
    names = _names(options) or _OBSERVATION
    return ["id" if name == "@iot.id" else name for name in names if name in (*_OBSERVATION, "@iot.id")]


def _cell(view: View, entity: Any, name: str) -> Any:
    return entity.id if name == "id" else view.json(entity, name)


def _plain(content: dict[str, Any], options: Options) -> dict[str, Any]:
    """Without links; the id by its short name."""
    plain = {}
    for name, value in content.items():
        if name == "@iot.id":
            plain["id"] = value
        elif "@iot." not in name:
            nested = options.expand.get(name)
            if nested is not None and isinstance(value, dict):
                value = _plain(value, nested)
            elif nested is not None:
                value = [_plain(one, nested) for one in value]
            plain[name] = value
    return plain


def _flat(value: Any, name: str) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from _flat(below, f"{name}/{key}" if name else key)
    elif isinstance(value, list):
        yield name, msgspec.json.encode(value).decode()
    elif not isinstance(value, dict):
        yield name, value


def _geometry(view: View, entity: Any) -> Any:
    relations = {"Datastreams": ["Thing"], "Observations": ["FeatureOfInterest"], "HistoricalLocations": ["Thing"]}
    for relation in relations.get(entity.kind.name, []):
        entity = view.follow(entity, relation)
    if entity.kind.name == "Things":
        places = view.related(entity, "Locations")
        entity = places[0] if places else entity
    place = entity.body.get("location") or entity.body.get("feature")
    return place if place and "coordinates" in place else None
