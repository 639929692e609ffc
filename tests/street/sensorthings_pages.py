"""What the SensorThings stand-in shows on a GET: paths along the entities, pages, the query options it knows.

Source: OGC 18-088 sections 9.2 and 9.3. An option, a property or a path that is not known is refused.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from starlette.requests import Request

from bordstein_gateway.sensorthings_api.evaluate import Compiler
from bordstein_gateway.sensorthings_api.kinds import KINDS as STANDARD
from bordstein_gateway.sensorthings_api.syntax import parse
from tests.street.sensorthings_model import KINDS, Model, Refusal

ROOT = "/FROST-Server/v1.1"
OPTIONS = {"$filter", "$select", "$top", "$skip", "$count", "$orderby", "$expand"}
_SEGMENT = re.compile(r"(\w+)(?:\((\d+)\))?")


class Row(NamedTuple):
    """An entity as a filter sees it."""

    kind: str
    id: int


class Pages:
    """The reading half of a server. KeyError: 404; Refusal, Mistake, ValueError: 400."""

    def __init__(self, keep: bool = True) -> None:
        self.model = Model(keep)

    def walk(self, path: str) -> tuple[str, list[int], bool]:
        """(kind, ids, whether one entity is meant) of Things, Things(1), Things(1)/Datastreams, …"""
        kind, ids, single = "", list[int](), False
        for number, part in enumerate(path.split("/")):
            match = _SEGMENT.fullmatch(part)
            if match is None:
                raise KeyError(path)
            name, key = match.groups()
            if number == 0:
                if name not in KINDS:
                    raise KeyError(name)
                kind, ids, single = name, list(self.model.entities[name]), False
            elif single:
                one = name in KINDS[kind].one
                kind, ids = self.model.related(kind, ids[0], name)
                single = one
            else:
                raise KeyError(path)
            if key is not None:
                if int(key) not in ids:
                    raise KeyError(part)
                ids, single = [int(key)], True
        return kind, ids, single

    def collection(self, path: str) -> tuple[str, dict[str, int]]:
        """Where to create: the kind, and the relation that the path gives."""
        head, _, last = path.rpartition("/")
        if not head:
            if last not in KINDS:
                raise KeyError(last)
            return last, {}
        kind, ids, single = self.walk(head)
        if not single or last not in KINDS[kind].many:
            raise KeyError(path)
        other = KINDS[kind].many[last]
        back = next((name for name, (target, _) in KINDS[other].one.items() if target == kind), None)
        return other, {back: ids[0]} if back else {}

    def page(self, kind: str, ids: list[int], request: Request) -> dict[str, Any]:
        options = request.query_params
        if "$filter" in options:
            holds = Compiler(STANDARD[kind], self, "$filter").condition(parse("filter", "$filter", options["$filter"]))
            ids = [id for id in ids if holds(Row(kind, id))]
        for part in reversed(options.get("$orderby", "").split(",") if "$orderby" in options else []):
            path, _, direction = part.strip().partition(" ")
            ids.sort(key=lambda id, path=path: self.at(kind, id, path.split("/")), reverse=direction == "desc")
        top, skip = min(int(options.get("$top", 100)), 1000), int(options.get("$skip", 0))
        if top < 0 or skip < 0:
            raise Refusal("$top and $skip can't be negative")
        page: dict[str, Any] = {}
        if options.get("$count") == "true":
            page["@iot.count"] = len(ids)
        if skip + top < len(ids) and top:
            page["@iot.nextLink"] = str(request.url.include_query_params(**{"$skip": skip + top}))
        page["value"] = [self.show(kind, id, request) for id in ids[skip : skip + top]]
        return page

    # What a filter reads

    def value(self, entity: Row, name: str) -> Any:
        value = self.at(entity.kind, entity.id, [name])
        if name == "resultTime" and entity.kind == "Observations" and value is not None:
            return datetime.fromisoformat(value)
        return value

    def follow(self, entity: Row, relation: str) -> Row | None:
        kind, ids = self.model.related(*entity, relation)
        return Row(kind, ids[0]) if ids else None

    def each(self, entity: Row, relation: str) -> Iterable[Row]:
        kind, ids = self.model.related(*entity, relation)
        return [Row(kind, id) for id in ids]

    def at(self, kind: str, id: int, path: list[str]) -> Any:
        entity = self.model.entities[kind][id]
        head = path[0]
        if head in ("@iot.id", "id"):
            return id
        if head in KINDS[kind].one and len(path) > 1:
            other, (target,) = self.model.related(kind, id, head)
            return self.at(other, target, path[1:])
        if head not in KINDS[kind].mandatory and head not in KINDS[kind].optional:
            raise Refusal(f"{kind} have no property {head}")
        if head == "phenomenonTime":
            return entity["_at"]
        value: Any = entity
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def show(self, kind: str, id: int, request: Request, select: tuple[str, ...] | None = None) -> dict[str, Any]:
        base = f"{request.base_url}{ROOT[1:]}"
        entity = {name: value for name, value in self.model.entities[kind][id].items() if name[0] != "_"}
        link = f"{base}/{kind}({id})"
        relations = {f"{name}@iot.navigationLink": f"{link}/{name}" for name in (*KINDS[kind].one, *KINDS[kind].many)}
        whole = {"@iot.id": id, "@iot.selfLink": link, **entity, **relations}
        if select is not None:
            return whole
        for name in filter(None, request.query_params.get("$expand", "").split(",")):
            if f"{name}@iot.navigationLink" not in relations:
                raise Refusal(f"$expand: {kind} have no {name}")
            other, ids = self.model.related(kind, id, name)
            shown = [self.show(other, target, request, ()) for target in ids]
            whole[name] = shown[0] if name in KINDS[kind].one else shown
        if "$select" in request.query_params:
            names = request.query_params["$select"].split(",")
            if unknown := [name for name in names if name not in (*whole, *KINDS[kind].optional)]:
                raise Refusal(f"$select: {kind} have no {unknown[0]}")
            return {name: whole[name] for name in names if name in whole}
        return whole
