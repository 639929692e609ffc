"""A parking site's state as attributes. Pure.

A bay that is not sure counts neither as free nor as occupied; feeds/parking.py says which are, for all of the town's
systems alike.
"""

from typing import Any

from ...feeds.parking import CLOSED, Lot
from .bodies import Seen, point


def seen(lot: Lot) -> dict[str, Seen]:
    """The attributes of its entity; without a bay that ever said anything there are none."""
    if lot.time is None:
        return {}
    values: dict[str, Any] = {
        "location": point(lot.longitude, lot.latitude),
        "totalSpotNumber": lot.capacity,
        "occupancyDetectionType": ["singleSpaceDetection"],
    }
    if lot.known:
        values |= {"availableSpotNumber": lot.free, "occupiedSpotNumber": lot.known - lot.free}
    if lot.site.type != "ON_STREET":
        if lot.known == lot.capacity:
            values |= {"occupancy": round(1 - lot.free / lot.known, 3)}
            values |= {"status": ["spacesAvailable" if lot.free else "full"]}
        if lot.status == CLOSED:
            values |= {"status": ["closed"]}
    return {name: Seen(value, lot.time) for name, value in values.items() if value is not None}
