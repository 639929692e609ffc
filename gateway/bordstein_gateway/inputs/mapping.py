"""From a message's fields to readings, as the maps of the configuration say. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from fractions import Fraction
from itertools import islice
from math import isfinite
from typing import Any, NamedTuple

from ..decode.normalise import DecodeError, Reading, Value, reading
from ..decode.units import convert
from ..properties import Property, row_of
from ..texts import both
from .settings import LoraMatch, Map, Mapped, NamedMatch

_NUMBER = re.compile(r"\s*([+-]?)([0-9]{1,30})(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?\s*")
_SWITCH = {"on": True, "off": False, "true": True, "false": False, "1": True, "0": False}
_NOTHING = ("", "nan", "null", "none", "unknown", "unavailable")
_DEEPEST = 16
_MOST = 1000
_LONGEST = 500
"""Leaves and signs of a path that are looked at: a message of 1 MB may have 100,000 of 1 MB each."""


class Facts(NamedTuple):
    """What a message says of its device, for `match`: names by kind (application, profile, device, …), and tags."""

    names: Mapping[str, Sequence[str]]
    tags: Mapping[str, str] = {}

    def fit(self, match: LoraMatch | NamedMatch) -> bool:
        """Whether all that is wanted is so."""
        for key in match.__struct_fields__:
            wanted = getattr(match, key)
            if key == "tags":
                if not all(tag in self.tags and fnmatchcase(self.tags[tag], value) for tag, value in wanted.items()):
                    return False
            elif wanted is not None and not any(fnmatchcase(name, str(wanted)) for name in self.names.get(key, ())):
                return False
        return True


class Rule:
    """One map, ready to use."""

    def __init__(self, settings: Map, root: str) -> None:
        """`root`: what may stand before a path, as in object.temperature."""
        self._fields = [
            (path.removeprefix(root) if root else path, where if isinstance(where, Mapped) else Mapped(to=where))
            for path, where in settings.values.items()
        ]

    def readings(
        self, fields: Mapping[str, Any], time: int, flags: int, units: Mapping[str, str] | None = None
    ) -> list[Reading]:
        """The readings at `time` (ms). `units`: the table's unit to what the message measures in, where no unit is
        given. DecodeError: a path names no value but a table of them."""
        found = []
        for path, where in self._fields:
            value = at(fields, path)
            if value is None:
                value = where.absent
            row = row_of(where.to)
            if value is None or row is None:
                continue
            if isinstance(value, dict | list):
                raise DecodeError(
                    both(
                        f"{path} ist eine Tabelle, kein Wert; den Wert darin nennen, wie {path}.value",
                        f"{path} is a table, no value; name the value in it, as in {path}.value",
                    )
                )
            said = _meant(value, where, row)
            if said is not None:
                unit = where.unit or (units or {}).get(row.unit)
                found.append(reading(where.to, time, said, unit, flags))
        return found

    def unmapped(self, fields: Mapping[str, Any]) -> list[str]:
        """The paths of values that are not named."""
        paths = {path for path, _ in self._fields}
        return [path for path in islice(leaves(fields), _MOST) if path not in paths]


def at(fields: Any, path: str) -> Any:
    """The value at a path, or None: a.b is b in a, or the key itself has the dot; of a list, 0 is the first."""
    if isinstance(fields, Mapping):
        if path in fields:
            return fields[path]
        head, dot, rest = path.partition(".")
        while dot:
            if head in fields and (value := at(fields[head], rest)) is not None:
                return value
            more, dot, rest = rest.partition(".")
            head = f"{head}.{more}"
    elif isinstance(fields, list):
        head, dot, rest = path.partition(".")
        if head.isascii() and head.isdigit() and len(head) < 6 and int(head) < len(fields):
            return at(fields[int(head)], rest) if dot else fields[int(head)]
    return None


def leaves(fields: Any, path: str = "", depth: int = 0) -> Iterator[str]:
    """The paths of all values."""
    inner = fields.items() if isinstance(fields, Mapping) else enumerate(fields) if isinstance(fields, list) else None
    if inner is None or depth > _DEEPEST or len(path) > _LONGEST:
        yield path[:_LONGEST]
        return
    for key, value in inner:
        yield from leaves(value, f"{path}.{key}" if path else str(key), depth + 1)


def _meant(value: Value, where: Mapped, row: Property) -> Value | None:
    """The value as the property is measured, before any change of unit; None: it says that there is none."""
    if where.words and (word := _word(value)) in (words := _folded(where.words)):
        value = words[word]
    elif isinstance(value, str):
        text = value.strip().casefold()
        if text in _NOTHING:
            return None
        value = _SWITCH.get(text, value) if row.kind == "boolean" else _number(value)
    if isinstance(value, float) and not isfinite(value):
        raise DecodeError(both(f"{where.to}: zu groß", f"{where.to}: too large"))
    if isinstance(value, bool | str | bytes) or (where.factor, where.offset) == (1, 0):
        return value
    try:
        return convert(value, Fraction(repr(where.factor)), Fraction(repr(where.offset)), row.decimals + 6)
    except OverflowError:
        raise DecodeError(both(f"{where.to}: zu groß", f"{where.to}: too large")) from None


def _word(value: Any) -> str:
    """How `words` names a value: true, 3, open."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip().casefold()


def _folded(words: Mapping[str, bool | float]) -> dict[str, bool | float]:
    return {word.casefold(): meant for word, meant in words.items()}


def _number(text: str) -> Value:
    """The number that a text is, else the text, which is marked later."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return text
    return int(text) if found[3] is None and found[4] is None else float(text)
