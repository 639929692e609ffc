"""A parking site's state from its bays' newest values. Pure.

A bay nobody has heard of, or not for a while, is unknown: counted neither as free nor as occupied.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...store.types import Latest
from .bodies import Seen
from .settings import Entity

_BAY = "parking_bay_occupied"
_HOUR_MS = 3_600_000


def occupied(latest: Iterable[Latest]) -> dict[str, list[Latest]]:
    """Each board's bays, by device."""
    found: dict[str, list[Latest]] = {}
    for one in latest:
        if one.property == _BAY:
            found.setdefault(one.device, []).append(one)
    return found


def state(site: Entity, bays: Sequence[str], latest: Mapping[str, Sequence[Latest]], oldest: int) -> dict[str, Any]:
    """The attributes of a site, each as Seen. `oldest`: a bay last heard before (ms UTC) is unknown."""
    free = taken = unknown = 0
    times = [0]
    for device in bays:
        values = latest.get(device, ())
        unknown += not values
        for one in values:
            times.append(one.time)
            if one.time < oldest or not isinstance(one.value, bool):
                unknown += 1
            elif one.value:
                taken += 1
            else:
                free += 1
    newest = max(times)
    total = site.attributes.get("totalSpotNumber", free + taken + unknown)
    found: dict[str, Any] = {"totalSpotNumber": total, "occupancyDetectionType": ["singleSpaceDetection"]}
    if free + taken:
        found |= {"availableSpotNumber": free, "occupiedSpotNumber": taken}
    if site.type == "OffStreetParking" and free + taken and not unknown:
        found |= {"occupancy": round(taken / (free + taken), 3), "status": ["spacesAvailable" if free else "full"]}
    return {name: Seen(value, newest) for name, value in found.items()}


def oldest(now_ms: int, unknown_after: int) -> int:
    """Bays last heard before are unknown."""
    return now_ms - unknown_after * _HOUR_MS if unknown_after else 0
