"""From a path to what it names: a set, an entity, a property. Source: OGC 18-088 section 9.2."""

from typing import Any, NamedTuple

from ..texts import said
from .answer import Answer, Listed
from .evaluate import below
from .kinds import KINDS
from .syntax import Mistake, parse
from .view import Observation, Some, View


class Resource(NamedTuple):
    """A set `listed`, or an `entity`, alone or with the `names` of a property. `special`: $value, $ref or $count."""

    listed: Listed | None = None
    entity: Some | None = None
    names: tuple[str, ...] = ()
    special: str = ""


def resolve(path: str, view: View, answer: Answer) -> Resource:
    """Mistake: 404 for what is not there."""
    try:
        tree = parse("resource", "path", path)
    except Mistake as wrong:
        raise Mistake(said(wrong, "de"), said(wrong, "en"), 404) from None
    at = Resource()
    for segment in tree.children:
        if segment.data != "segment":
            continue
        name, key = _parts(segment)
        at = _step(at, name, key, view, answer, path)
    return at


def value_of(entity: Some, names: tuple[str, ...], view: View) -> Any:
    """A property's value; None: it has none."""
    first, *rest = names
    return entity.id if first in ("id", "@iot.id") else below(view.json(entity, first), rest)


def _parts(segment: Any) -> tuple[str, int | str | None]:
    head = segment.children[0]
    name = str(head.children[0]) if hasattr(head, "children") else str(head)
    key: int | str | None = None
    for child in segment.children[1:]:
        if getattr(child, "data", None) == "key":
            text = "".join(str(token) for token in child.children)
            key = text if text.startswith("'") else int(text)
    return name, key


def _step(at: Resource, name: str, key: int | str | None, view: View, answer: Answer, path: str) -> Resource:
    if at.special:
        raise missing(path)
    if name in ("$value", "$ref", "$count"):
        fits = {"$value": bool(at.names), "$ref": not at.names, "$count": at.listed is not None}[name]
        if not fits or (at.listed is None and at.entity is None):
            raise missing(path)
        return at._replace(special=name)
    if at.listed is None and at.entity is None:
        if name not in KINDS:
            known = ", ".join(KINDS)
            raise Mistake(
                f"{name} gibt es hier nicht; es gibt {known}.", f"There is no {name} here; there are {known}.", 404
            )
        url = f"{answer.base}/{name}"
        if name == "Observations":
            return _chosen(Listed(KINDS[name], url, series=view.series), key, view, path)
        return _chosen(Listed(KINDS[name], url, view.all(name)), key, view, path)
    if at.entity is None:
        raise missing(path)
    kind = at.entity.kind
    if at.names:
        if kind.properties.get(at.names[0]) != "json" or key is not None:
            raise missing(path)
        return at._replace(names=(*at.names, name))
    if name in kind.many:
        return _chosen(answer.listed(at.entity, name), key, view, path)
    if name in kind.one and key is None:
        other = view.follow(at.entity, name)
        if other is None:
            raise missing(path)
        return Resource(entity=other)
    if key is None and (name in kind.properties or name in ("id", "@iot.id")):
        return at._replace(names=(name,))
    known = ", ".join([*kind.properties, *kind.relations])
    raise Mistake(
        f"{kind.name}: {name} gibt es nicht; es gibt {known}.",
        f"A {kind.singular} has no {name}; it has {known}.",
        404,
    )


def _chosen(listed: Listed, key: int | str | None, view: View, path: str) -> Resource:
    """The set, or the entity of it that a key names."""
    if key is None:
        return Resource(listed=listed)
    if isinstance(key, int) and 0 <= key < 2**62:
        if listed.kind.name == "Observations":
            row = view.store.observed(key)
            if row is not None and row.series in listed.series and row.time < view.latest_ms:
                return Resource(entity=Observation(row))
        else:
            for entity in listed.entities:
                if entity.id == key:
                    return Resource(entity=entity)
    what = f"{listed.kind.name}({key})"
    raise Mistake(f"{what} gibt es hier nicht.", f"There is no {what} here.", 404)


def missing(path: str) -> Mistake:
    """Nothing has this path."""
    return Mistake(f"Unter {path[:200]} gibt es nichts.", f"There is nothing at {path[:200]}.", 404)
