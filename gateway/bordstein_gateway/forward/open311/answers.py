"""What an Open311 server answers, in JSON or XML, as plain rows: a list of name -> text.

Source: Open311 GeoReport v2. A row's members that hold others (Klarschiff's `extended_attributes`, a service's
`attributes`) are flattened into it, so that both formats read alike; empty and null are left out.
"""

import json
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

from ...safe_xml import refuse_doctype

Row = dict[str, str]


class Unreadable(ValueError):
    """An answer that is none; the message says why."""


def rows(content: bytes) -> list[Row]:
    """The entries of an answer, whichever of the formats it is in; Unreadable."""
    text = content.lstrip(b"\xef\xbb\xbf \t\r\n")
    return _of_xml(text) if text.startswith(b"<") else _of_json(text)


def required(content: bytes) -> list[str]:
    """The codes of the attributes that a service definition asks for; none where it can't be read."""
    text = content.strip()
    try:
        if text.startswith(b"<"):
            found = [_row(part) for part in _tree(text).iter("attribute")]
        else:
            definition = json.loads(text)
            definition = definition[0] if isinstance(definition, list) and definition else definition
            listed = definition.get("attributes") if isinstance(definition, dict) else None
            found = [_flat(part) for part in listed or () if isinstance(part, dict)]
    except (ValueError, RecursionError):
        return []
    return [row["code"] for row in found if row.get("required", "").lower() == "true" and "code" in row]


def _of_json(text: bytes) -> list[Row]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable("no JSON and no XML") from None
    if isinstance(found, dict):
        # Some servers answer with what the XML has round the list, some with the one entry itself.
        inner = next((value for value in found.values() if isinstance(value, list)), None)
        found = inner if inner is not None and len(found) == 1 else [found]
    if not isinstance(found, list):
        raise Unreadable("no list of entries")
    return [_flat(entry) for entry in found if isinstance(entry, dict)]


def _flat(entry: dict[str, Any]) -> Row:
    row: Row = {}
    for name, value in entry.items():
        if isinstance(value, dict):
            row.update(_flat(value))
        elif isinstance(value, bool):
            row[name] = str(value).lower()
        elif isinstance(value, str | int | float) and value != "":
            row[name] = str(value)
    return row


def _of_xml(text: bytes) -> list[Row]:
    return [_row(entry) for entry in _tree(text)]


def _tree(text: bytes) -> ElementTree.Element:
    try:
        refuse_doctype(text)
        return ElementTree.fromstring(text)  # noqa: S314  (it declares no entities, see above)
    except (expat.ExpatError, ElementTree.ParseError, ValueError, LookupError) as error:
        raise Unreadable(str(error)) from None


def _row(entry: ElementTree.Element) -> Row:
    row: Row = {}
    for part in entry:
        if len(part):
            row.update(_row(part))
        elif part.text and part.text.strip():
            row[_local(part.tag)] = part.text.strip()
    return row


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
