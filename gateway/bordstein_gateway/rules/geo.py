"""Which board is the nearest. Distances on a sphere; towns are small."""

from collections.abc import Callable, Iterable
from math import asin, cos, radians, sin, sqrt

Position = tuple[float, float]
_RADIUS = 6_371_008.8
"""The earth's mean, in metres (IUGG)."""


def distance(one: Position, other: Position) -> float:
    """Metres between two places (latitude, longitude) in degrees, by the haversine formula."""
    south, north = radians(one[0]), radians(other[0])
    height = sin((north - south) / 2) ** 2
    width = sin(radians(other[1] - one[1]) / 2) ** 2
    return 2 * _RADIUS * asin(min(1.0, sqrt(height + cos(south) * cos(north) * width)))


def nearest(
    device: str, others: Iterable[str], position: Callable[[str], Position | None], within: float
) -> str | None:
    """The nearest of the others, at most `within` metres away; of two as near, the first by name."""
    here = position(device)
    if here is None:
        return None
    found = [
        (away, other)
        for other in others
        if other != device and (there := position(other)) is not None and (away := distance(here, there)) <= within
    ]
    return min(found)[1] if found else None
