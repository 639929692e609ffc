"""Conditions of gateways: CEL, as in the sheets; what has no value is unknown, and unknown is no.

Drawn files write `${…}` or `#{…}` round what is for the most part the same: comparisons, &&, ||, !.
"""

import re
from collections.abc import Mapping
from typing import Any

from ..rules.expression import BadExpression, compiled, names

_WRAPPED = re.compile(r"\s*[$#]\{(.*)\}\s*", re.DOTALL)
LONGEST = 2000


def inner(expression: str) -> str:
    """Without what a drawn file writes round it."""
    found = _WRAPPED.fullmatch(expression)
    return (found[1] if found else expression).strip()


def holds(expression: str, data: Mapping[str, Any]) -> bool:
    """Whether it is so; BadExpression. `data`: a step's answers are in a table of its name."""
    text = inner(expression)
    if len(text) > LONGEST:
        raise BadExpression(f"longer than {LONGEST} characters")
    used = variables(text)
    return compiled(text, dict.fromkeys(used, "any")).ask({name: _found(name, data) for name in used}) is True


def problem(expression: str) -> str:
    """What is wrong with a condition, whatever the data; empty: nothing."""
    try:
        holds(expression, {})
    except BadExpression as error:
        return str(error)
    return ""


def variables(text: str) -> list[str]:
    """The names in it that stand for values, with their dots."""
    found = set()
    for name in names(text):
        called = re.search(rf"(?<![\w.]){re.escape(name)}\s*\(", text)
        found.add(name.rpartition(".")[0] if called else name)
    return sorted(found - {""})


def _found(name: str, data: Mapping[str, Any]) -> Any:
    value: Any = data
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
