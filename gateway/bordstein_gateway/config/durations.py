"""Lengths of time as people write and read them: 90m, 2h, 3d."""

import re

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_FORM = re.compile(r"\s*(\d{1,9})\s*([smhd])\s*")


def seconds(text: str) -> int:
    """Of a number with s, m, h or d behind it. ValueError."""
    found = _FORM.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise ValueError(text)
    return int(found[1]) * _UNITS[found[2]]


def rough(seconds: float) -> str:
    """In the largest unit of which there are two: 45 s, 90 min, 30 h, 12 d."""
    for name, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{int(seconds / size)} {name}"
    return f"{max(0, int(seconds))} s"
