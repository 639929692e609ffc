"""What spreadsheets do with CSV."""

from typing import Any

_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n")


def no_formula(value: Any) -> Any:
    """The value; text that would be taken for a formula (CWE-1236) with a ' before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_BEGINS) else value
