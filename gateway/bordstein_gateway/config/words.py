"""The words in which mistakes of a configuration are said: what is allowed, what stands there, what may be meant."""

import datetime
import difflib
import ipaddress
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import inspect

from ..texts import pick
from .toml_lines import Path as KeyPath

Rule = Iterator[tuple[KeyPath, str]]
"""Places below a section, and what is wrong there; empty: nothing."""

_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_USER = re.compile(r"//[^/@\s]*@")
_QUERY = re.compile(r"\?.*", re.DOTALL)
_BARE = re.compile(r"[\w.@:-]+")
_LONGEST = 60
_DEEPEST = 20


def marks_of(info: Any) -> tuple[Any, dict[str, Any]]:
    """A type without what Meta says of it, and what Meta says."""
    marks: dict[str, Any] = {}
    while isinstance(info, inspect.Metadata):
        marks = {**(info.extra or {}), **marks}
        info = info.type
    return info, marks


def allowed(info: Any, marks: dict[str, Any] | None = None) -> str:
    """What a type takes."""
    info, own = marks_of(info)
    marks = {**own, **(marks or {})}
    if isinstance(info, inspect.UnionType):
        return allowed(info.types[0])
    if "de" in marks:
        return pick(marks["de"], marks["en"])
    if isinstance(info, inspect.LiteralType):
        return one_of(info.values)
    if isinstance(info, inspect.BoolType):
        return pick("true oder false", "true or false")
    if isinstance(info, inspect.IntType | inspect.FloatType):
        kind = pick("eine ganze Zahl", "an integer") if isinstance(info, inspect.IntType) else pick("Zahl", "a number")
        return f"{kind} {_number(info.ge)}..{_number(info.le)}"
    if isinstance(info, inspect.DateType):
        return pick("ein Datum, wie 2027-06-30, ohne Anführungszeichen", "a date, as in 2027-06-30, without quotes")
    if isinstance(info, inspect.StrType):
        return pick("Text in Anführungszeichen", "text in quotes")
    return pick("eine Tabelle", "a table")


def _number(value: Any) -> str:
    return str(int(value)) if value == int(value) else str(value)


def one_of(values: Iterable[Any]) -> str:
    """One of these."""
    listed = ", ".join(f'"{value}"' if isinstance(value, str) else str(value) for value in values)
    return pick(f"eines von {listed}", f"one of {listed}")


def expected(what: str, value: Any) -> str:
    """The commonest sentence."""
    return pick(f"erwartet: {what}; da steht {shown(value)}", f"expected {what}, got {shown(value)}")


def missing(key: str, what: str) -> str:
    """A key that has to be there."""
    return pick(f"{key} fehlt: {what}", f"{key} is missing: {what}")


def nearest(name: Any, known: Sequence[str]) -> str:
    """The known name that may be meant, as an end of a sentence; empty: none is near."""
    near = difflib.get_close_matches(str(name), known, 1, 0.6)
    return pick(f"; ist {near[0]} gemeint?", f"; is {near[0]} meant?") if near else ""


def shown(value: Any) -> str:
    """A value in a sentence: on one line, not long, and without what may be secret in an address."""
    if isinstance(value, dict):
        return pick("eine Tabelle", "a table")
    if isinstance(value, list):
        return pick("eine Liste", "a list")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and value.bit_length() > 64:
        return pick("eine riesige Zahl", "a huge number")
    if not isinstance(value, str):
        return _short(str(value))
    text = _USER.sub("//…@", value)
    return '"' + _short(_QUERY.sub("?…", text) if "://" in text else text) + '"'


def dotted(path: Sequence[str | int]) -> str:
    """A key's place in the file, as in device[2].id."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            name = _short(part) if _BARE.fullmatch(part) else f'"{_short(part)}"'
            text += f".{name}" if text else name
    return text


def unquoted(key: str, item: Any) -> str:
    """That a path with dots was written without quotes, so that TOML made tables of it; empty: it was not."""
    path = key
    while isinstance(item, dict) and len(item) == 1 and "to" not in item:
        ((name, item),) = item.items()
        path += f".{name}"
    if path == key:
        return ""
    return pick(
        f'ein Weg mit Punkt gehört in Anführungszeichen: "{path}"', f'a path with a dot has to be in quotes: "{path}"'
    )


def visible(text: str) -> str:
    """On one line: what can't be printed is written as its number."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def is_host(text: str) -> bool:
    """Whether this is a host's name or IP address, and nothing else."""
    try:
        ipaddress.ip_address(text)
        return True
    except ValueError:
        pass
    try:
        labels = text.removesuffix(".").encode("idna").decode().split(".")
    except UnicodeError:
        return False
    return len(text) <= 253 and all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdigit()


def is_here(host: Any) -> bool:
    """Whether this is the machine itself: what goes there is on no wire."""
    return host in ("localhost", "127.0.0.1", "::1")


def table(values: dict[str, Any], key: str) -> dict[str, Any]:
    """The table of this name; an empty one where there is none."""
    found = values.get(key)
    return found if isinstance(found, dict) else {}


def no_json(value: Any, depth: int = 0) -> str:
    """Why this can't be sent as JSON."""
    if depth > _DEEPEST:
        return pick("ist zu tief geschachtelt", "is nested too deep")
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return next(filter(None, (no_json(item, depth + 1) for item in inner)), "")
    if isinstance(value, datetime.date | datetime.time):
        return pick(
            f'JSON kennt keine Zeitangaben: "{value}" in Anführungszeichen',
            f'JSON has no dates and times: write "{value}" in quotes',
        )
    if isinstance(value, float) and not math.isfinite(value):
        return pick(f"JSON kennt kein {value}", f"JSON has no {value}")
    if isinstance(value, int) and value.bit_length() > 63:
        return pick("eine ganze Zahl ist zu groß für JSON", "an integer is too large for JSON")
    return ""
