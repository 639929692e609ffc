"""Texts into the typed values of process variables."""

import math
from datetime import UTC, datetime

from ..texts import both
from .times import milliseconds

Value = str | bool | int | float | datetime
_BITS = {"Integer": 31, "Long": 63}


class NoSuchValue(ValueError):
    """A text that is no value of the type; the message says so."""


def typed(text: str, type: str) -> Value:
    """The value; of a Date, in UTC. NoSuchValue."""
    try:
        if type == "String":
            return text
        if type == "Boolean":
            return {"true": True, "false": False}[text.strip().lower()]
        if type == "Date":
            return datetime.fromtimestamp(milliseconds(text.strip()) / 1000, UTC)
        number = float(text)
        if not math.isfinite(number):
            raise ValueError(text)
        if type == "Double":
            return number
        whole = int(text) if text.strip().lstrip("-").isdecimal() else round(number)
        if not -(1 << _BITS[type]) <= whole < 1 << _BITS[type]:
            raise ValueError(text)
        return whole
    except (ValueError, KeyError, OverflowError):
        shown = text if len(text) <= 40 else text[:39] + "…"
        raise NoSuchValue(both(f'"{shown}" ist kein {type}', f'"{shown}" is no {type}')) from None
