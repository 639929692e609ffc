"""The query options of a request, and of each $expand in it, read; and written again for the link to the next page.

Source: OGC 18-088 section 9.3; `$skiptoken` is OData's (part 1 section 11.2.5.7), `resultFormat`
section 10 and FROST's.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from .kinds import KINDS, Kind
from .syntax import Mistake, mistake, parse, source

PAGE = 100
"""Entities of a page when nobody says how many."""
LONGEST_PAGE = 1000
DEEPEST_EXPAND = 10
"""Relations that $expand follows one after the other."""
FORMATS = ("dataArray", "CSV", "GeoJSON")
_COUNT = {"true": True, "false": False}
_ONCE = ("$filter", "$orderby", "$select", "$expand", "$top", "$skip", "$count", "$skiptoken", "$resultFormat")


@dataclass
class Options:
    """Of a set of entities, or of one. `texts`: how filter, orderby and select were written."""

    filter: Any = None
    orderby: Any = None
    select: list[list[str]] | None = None
    expand: dict[str, "Options"] = field(default_factory=dict)
    top: int | None = None
    skip: int = 0
    count: bool = False
    token: str | None = None
    format: str | None = None
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def page(self) -> int:
        """Entities of a page."""
        return min(PAGE if self.top is None else self.top, LONGEST_PAGE)

    def pairs(self) -> list[tuple[str, str]]:
        """All of it as query options. Those that say which page come first: clients search for the first of them."""
        found = [("$top", str(self.top))] if self.top is not None else []
        found += [("$skip", str(self.skip))] if self.skip else []
        found += [("$skiptoken", self.token)] if self.token else []
        found += [("$count", "true")] if self.count else []
        found += [(name, text) for name, text in self.texts.items()]
        found += [("$expand", ",".join(_item(*one) for one in self.expand.items()))] if self.expand else []
        found += [("$resultFormat", self.format)] if self.format else []
        return found


def _item(relation: str, options: Options) -> str:
    inside = ";".join(f"{name}={text}" for name, text in options.pairs())
    return f"{relation}({inside})" if inside else relation


def query(pairs: Iterable[tuple[str, str]]) -> str:
    """The part of an address behind the question mark."""
    return "&".join(f"{name}={quote(text, safe='')}" for name, text in pairs)


def read(pairs: Iterable[tuple[str, str]], kind: Kind) -> Options:
    """The options of a request for entities of a kind. Mistake."""
    options = Options()
    seen: set[str] = set()
    for name, text in pairs:
        name = {"resultFormat": "$resultFormat"}.get(name, name)
        if not name.startswith("$"):
            continue  # somebody else's, as a client's own cache breaker
        if name not in _ONCE:
            known = ", ".join(_ONCE)
            raise Mistake(
                f"{name} gibt es hier nicht; es gibt {known}.", f"{name} is not known here; there are {known}."
            )
        if name in seen:
            raise Mistake(f"{name} steht zweimal da; einmal ist erlaubt.", f"{name} is there twice; once is allowed.")
        seen.add(name)
        _one(options, name, text, kind)
    return options


def _one(options: Options, name: str, text: str, kind: Kind) -> None:
    if name == "$filter":
        options.filter, options.texts[name] = parse("filter", name, text), text
    elif name == "$orderby":
        options.orderby, options.texts[name] = parse("orderby", name, text), text
    elif name == "$select":
        options.select, options.texts[name] = _select(parse("select", name, text), kind, name), text
    elif name == "$expand":
        _expand(parse("expand", name, text), text, kind, options.expand)
    elif name == "$skiptoken":
        options.token = text
    elif name == "$count":
        if text.strip() not in _COUNT:
            raise mistake(name, 0, f"{text!r} ist weder true noch false", f"{text!r} is neither true nor false")
        options.count = _COUNT[text.strip()]
    elif name == "$resultFormat":
        options.format = next((known for known in FORMATS if known.lower() == text.lower()), None)
        if options.format is None:
            known = ", ".join(FORMATS)
            raise mistake(
                name, 0, f"{text!r} gibt es nicht; es gibt {known}", f"{text!r} is not known; there are {known}"
            )
    else:
        setattr(options, name[1:], _number(name, text))


def _number(name: str, text: str, position: int = 0) -> int:
    if not (text.strip().isascii() and text.strip().isdecimal()) or len(text) > 15:
        some = repr(text[:40])
        raise mistake(name, position, f"{some} ist keine ganze Zahl ab 0", f"{some} is no whole number from 0 on")
    return int(text)


def _select(tree: Any, kind: Kind, option: str) -> list[list[str]]:
    found = []
    for path in tree.children:
        names = [str(token) for token in path.children]
        first = names[0]
        if first not in ("id", "@iot.id", "@iot.selfLink", *kind.properties, *kind.relations) or (
            len(names) > 1 and kind.properties.get(first) != "json"
        ):
            known = ", ".join(["id", *kind.properties, *kind.relations])
            raise mistake(
                option,
                path.meta.start_pos,
                f"{'/'.join(names)} lässt sich nicht wählen; es gibt {known}",
                f"{'/'.join(names)} can't be selected; there are {known}",
            )
        found.append(names)
    return found


def _expand(tree: Any, text: str, kind: Kind, into: dict[str, Options], depth: int = 0) -> None:
    for item in tree.children:
        path, options = item.children[0], item.children[2:-1:2]
        at, target = kind, into
        last = Options()
        below = depth + len(path.children)
        if below > DEEPEST_EXPAND:
            raise mistake(
                "$expand",
                path.meta.start_pos,
                f"mehr als {DEEPEST_EXPAND} Beziehungen hintereinander",
                f"more than {DEEPEST_EXPAND} relations one after the other",
            )
        for token in path.children:
            name = str(token)
            if name not in at.relations:
                known = ", ".join(at.relations)
                raise mistake(
                    "$expand",
                    token.start_pos,
                    f"{at.name}: eine Beziehung {name} gibt es nicht; es gibt {known}",
                    f"a {at.singular} has no relation {name}; it has {known}",
                )
            last = target.setdefault(name, Options())
            at, target = KINDS[{**at.one, **at.many}[name]], last.expand
        for option in options:
            _nested(last, option, text, at, below)


def _nested(options: Options, option: Any, text: str, kind: Kind, depth: int) -> None:
    token, tree = option.children
    name = str(token).rstrip(" \t\r\n=")
    if name == "$expand":
        _expand(tree, text, kind, options.expand, depth)
        return
    if name in ("$top", "$skip"):
        setattr(options, name[1:], _number(name, str(tree), tree.start_pos))
        return
    if name == "$count":
        options.count = str(tree) == "true"
        return
    options.texts[name] = source(tree, text)
    if name == "$select":
        options.select = _select(tree, kind, "$expand")
    else:
        setattr(options, name[1:], tree)
