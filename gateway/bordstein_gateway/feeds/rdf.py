"""The little of RDF that a catalogue needs: nodes with their statements, written as Turtle and as JSON-LD."""

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

PREFIXES = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dcatde": "http://dcat-ap.de/def/dcatde/",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "geo": "http://www.opengis.net/ont/geosparql#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_NO_IRI = re.compile(r"[\x00-\x20<>\"{}|^`\\]")


class Ref(NamedTuple):
    """Another resource, by its URI."""

    uri: str


class Text(NamedTuple):
    """Text in a language, or of a type (as in xsd:date)."""

    text: str
    language: str | None = None
    type: str | None = None


class Node(NamedTuple):
    """A resource: `statements` are (predicate, what), a predicate as in dct:title. `uri` None: it has no name."""

    uri: str | None
    type: str
    statements: "list[tuple[str, Ref | Text | Node]]"


def turtle(nodes: Iterable[Node]) -> str:
    """RDF 1.1 Turtle."""
    head = "".join(f"@prefix {name}: <{uri}> .\n" for name, uri in PREFIXES.items())
    return head + "".join(f"\n{_iri(node.uri or '')} {_turtle_body(node, '    ')} .\n" for node in nodes)


def json_ld(nodes: Iterable[Node]) -> str:
    """JSON-LD 1.1 with its context in it: who reads it fetches nothing."""
    graph = [_object(node) for node in nodes]
    return json.dumps({"@context": PREFIXES, "@graph": graph}, ensure_ascii=False, indent=1)


def _turtle_body(node: Node, indent: str) -> str:
    lines = [f"a {node.type}", *(f"{name} {_turtle_term(what, indent)}" for name, what in node.statements)]
    return f" ;\n{indent}".join(lines)


def _turtle_term(what: "Ref | Text | Node", indent: str) -> str:
    if isinstance(what, Ref):
        return _iri(what.uri)
    if isinstance(what, Node):
        return f"[ {_turtle_body(what, indent + '    ')} ]"
    # A JSON string is a Turtle string: the escapes are the same (section 6.4), \\/ is never written.
    text = json.dumps(what.text, ensure_ascii=False).replace("\x7f", "\\u007F")
    if what.language:
        return f"{text}@{what.language}"
    return f"{text}^^{what.type}" if what.type else text


def _iri(uri: str) -> str:
    return f"<{_clean(uri)}>"


def _clean(uri: str) -> str:
    """Without what no IRI has in it (RFC 3987), escaped."""
    return _NO_IRI.sub(lambda found: f"%{ord(found[0]):02X}", uri)


def _object(node: Node) -> dict[str, Any]:
    found: dict[str, Any] = {"@id": _clean(node.uri)} if node.uri else {}
    found["@type"] = node.type
    for name, what in node.statements:
        found.setdefault(name, []).append(_term(what))
    return found


def _term(what: "Ref | Text | Node") -> Any:
    if isinstance(what, Ref):
        return {"@id": _clean(what.uri)}
    if isinstance(what, Node):
        return _object(what)
    extra = {"@language": what.language} if what.language else {"@type": what.type} if what.type else {}
    return {"@value": what.text, **extra}
