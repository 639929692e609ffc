"""Literals of $filter as Python's values, by the grammar's terminal. Each raises ValueError or OverflowError.

Source: OData 4.0 part 2 section 5.1.1.6 and OGC 18-088 section 9.3.3.5.
"""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from . import functions, spatial
from .functions import Period

_DURATION = re.compile(
    r"(?P<sign>-)?P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)


def _duration(text: str) -> timedelta:
    """xs:dayTimeDuration, as OData's Edm.Duration."""
    inside = text.partition("'")[2].rstrip("'")
    match = _DURATION.fullmatch(inside)
    if match is None or inside[-1] in "PT":
        raise ValueError("a duration is as in P1DT2H3M4.5S")
    parts = {name: float(match[name] or 0) for name in ("days", "hours", "minutes", "seconds")}
    duration = timedelta(**parts)
    return -duration if match["sign"] else duration


def _number(text: str) -> int | float:
    return float(text) if set(text) & set(".eE") else int(text)


def _interval(text: str) -> Period:
    begin, _, end = text.partition("/")
    return Period(functions.as_time(begin), functions.as_time(end))


LITERALS: dict[str, Callable[[str], Any]] = {
    "STRING": lambda text: text[1:-1].replace("''", "'"),
    "NUMBER": _number,
    "TRUE": lambda _: True,
    "FALSE": lambda _: False,
    "NULL": lambda _: None,
    "INTERVAL": _interval,
    "DATETIME": functions.as_time,
    "DATE": date.fromisoformat,
    "TIME": functions.as_clock,
    "DURATION": _duration,
    "GEO": lambda text: spatial.from_literal(text.partition("'")[2].rstrip("'")),
}
