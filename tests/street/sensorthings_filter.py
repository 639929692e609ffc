"""The part of OData's $filter that looking up needs: comparisons of paths with literals, and, or, parentheses.

Source: OGC 18-088 section 9.3.3.5 and OData 4.0 part 2. Everything else is refused, with what was not understood.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')"
    r"|(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))"
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>@?[A-Za-z][\w.@]*(?:/@?[A-Za-z][\w.@]*)*)|(?P<sign>[()]))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
}

Test = Callable[[Callable[[str], Any]], bool]


class FilterError(ValueError):
    """The filter can't be read; the message says where."""


def parse(text: str) -> Test:
    """A test that takes a function from path to value (datetime for times)."""
    tokens: list[tuple[str, str]] = []
    place = 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:
            raise FilterError(f"$filter: not understood from character {place + 1} on: {text[place:]!r}")
        tokens.append((str(match.lastgroup), match.group(str(match.lastgroup))))
        place = match.end()
    test = _either(tokens)
    if tokens:
        raise FilterError(f"$filter: {tokens[0][1]!r} is not expected there")
    return test


def _either(tokens: list[tuple[str, str]]) -> Test:
    tests = [_all(tokens)]
    while tokens and tokens[0] == ("word", "or"):
        del tokens[0]
        tests.append(_all(tokens))
    return lambda get: any(test(get) for test in tests)


def _all(tokens: list[tuple[str, str]]) -> Test:
    tests = [_one(tokens)]
    while tokens and tokens[0] == ("word", "and"):
        del tokens[0]
        tests.append(_one(tokens))
    return lambda get: all(test(get) for test in tests)


def _one(tokens: list[tuple[str, str]]) -> Test:
    if tokens and tokens[0] == ("sign", "("):
        del tokens[0]
        test = _either(tokens)
        if not tokens or tokens.pop(0) != ("sign", ")"):
            raise FilterError("$filter: a closing parenthesis is missing")
        return test
    if len(tokens) < 3 or tokens[0][0] != "word" or tokens[1][1] not in _COMPARE:
        raise FilterError(f"$filter: a comparison is expected at {' '.join(text for _, text in tokens[:3])!r}")
    path, sign, literal = tokens[0][1], tokens[1][1], _literal(*tokens[2])
    del tokens[:3]

    def test(get: Callable[[str], Any]) -> bool:
        value = get(path)
        if value is None or isinstance(value, datetime) != isinstance(literal, datetime):
            return False
        try:
            return _COMPARE[sign](value, literal)
        except TypeError:
            return False

    return test


def _literal(kind: str, text: str) -> Any:
    if kind == "string":
        return text[1:-1].replace("''", "'")
    if kind == "time":
        return datetime.fromisoformat(text)
    if kind == "number":
        return float(text) if "." in text else int(text)
    if text in ("true", "false"):
        return text == "true"
    raise FilterError(f"$filter: {text!r} is no literal")
