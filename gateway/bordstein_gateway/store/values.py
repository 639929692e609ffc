"""Values in columns: each comes back as it went in, an integer as an integer, text as text.

SQLite keeps any type in a column; only a boolean needs a mark in the row's flags. PostgreSQL has a column of double
precision, in which one can calculate, and one of text for what is no number; marks say what it was.
"""

from base64 import b64decode, b64encode
from typing import Any

from ..decode.normalise import Value

Row = tuple[int, int, Value, int, int]
"""series id, time, value, flags, received (s): a row of `reading` without its id."""

BOOLEAN = 1 << 20
"""Bit in the flags column, never seen outside: the value is a boolean."""
_FLOAT, _WHOLE, _BYTES, _CODED = 1 << 21, 1 << 22, 1 << 23, 1 << 24  # PostgreSQL's alone; CODED: text that has a NUL
_SPLIT = _FLOAT | _WHOLE | _BYTES | _CODED
_EXACT = 1 << 53
_LEAST, _LARGEST = -(1 << 63), (1 << 63) - 1


def with_mark(value: Value, flags: int) -> int:
    """The flags column for a value."""
    return flags | BOOLEAN if value.__class__ is bool else flags


def without_mark(value: Any, flags: int) -> tuple[Value, int]:
    """Value and flags from their columns."""
    if flags & _SPLIT:
        value, flags = native(value, flags)
    return (bool(int(value)), flags ^ BOOLEAN) if flags & BOOLEAN else (value, flags)


def same_value(value: Any, flags: int, other: Any, other_flags: int) -> bool:
    """Whether two rows of the log say the same: true is not 1."""
    value, flags = native(value, flags)
    other, other_flags = native(other, other_flags)
    return bool(value == other) and not (flags ^ other_flags) & BOOLEAN


def native(value: Any, flags: int) -> tuple[Any, int]:
    """Value and flags from their columns, as SQLite has them, from either database."""
    if not flags & _SPLIT:
        return (int(value) if flags & BOOLEAN and value is not None else value), flags
    if flags & _FLOAT:
        value = float(value)
    elif flags & _WHOLE:
        value = int(value) if value.lstrip("-").isdigit() else int(float(value))  # large ones come with an exponent
    elif flags & _BYTES:
        value = b64decode(value)
    else:
        value = b64decode(value).decode()
    return value, flags & ~_SPLIT


def split(value: Any, flags: int) -> tuple[float | None, str | None, int]:
    """(double precision, text, flags) for PostgreSQL. OverflowError, UnicodeError: neither can hold it."""
    kind = value.__class__
    if kind is float:
        if value != value:
            raise OverflowError("not a number")
        return value, None, flags | _FLOAT
    if kind is bool:
        return float(value), None, flags | BOOLEAN
    if kind is int:
        if not _LEAST <= value <= _LARGEST:
            raise OverflowError("beyond 64 bits")
        if flags & BOOLEAN:
            return float(value), None, flags
        return float(value), None if -_EXACT <= value <= _EXACT else str(value), flags | _WHOLE
    if kind is bytes:
        return None, b64encode(value).decode(), flags | _BYTES
    if "\0" in value:
        return None, b64encode(value.encode()).decode(), flags | _CODED
    value.encode()
    return None, value, flags
