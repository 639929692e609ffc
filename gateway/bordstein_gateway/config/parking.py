"""What gateway.toml may say of parking: sites, and the bays whose boards count them."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from .open_data import Series
from .types import DeviceId, Section, Text, like

SiteType = Literal["ON_STREET", "OFF_STREET_PARKING_GROUND", "UNDERGROUND", "CAR_PARK", "OTHER"]
Audience = Literal[
    "DISABLED", "WOMEN", "FAMILY", "CARSHARING", "CHARGING", "TAXI", "PRIVATE", "DELIVERY", "TRUCK", "BUS",
    "NO_PARKING", "NO_STOPPING", "CUSTOMER", "RESIDENT", "CARAVAN",
]  # fmt: skip
"""ParkAPI's words (parkapi-sources, ParkingSiteType and ParkingAudience)."""
Uid = Annotated[
    str,
    like(
        "[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}",
        "nur Buchstaben, Ziffern und -_.:",
        "letters, digits and -_.: only",
    ),
]


class Bay(Section, kw_only=True):
    """[[parking.site.bay]]: one place. `series`: which, where its board watches more than one. `uid`: as others know it
    (the device's id when not given); `name` (the board's when not given); `restricted_to`: for whom it is kept."""

    device: DeviceId
    series: Series | None = None
    uid: Uid | None = None
    name: Text | None = None
    restricted_to: Audience | None = None


class Site(Section, kw_only=True):
    """[[parking.site]]. `capacity`: all places, those without a sensor too (the bays' number when not given).

    `latitude`, `longitude`: the middle of its bays when not given. `closed`: nobody can park there just now.
    `publish`: whether everybody may read its counts (when not given: if all its bays are public); `spots`: whether its
    bays are listed singly, too, as far as they are public.
    """

    uid: Uid
    name: Text
    type: SiteType = "ON_STREET"
    capacity: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    address: Text | None = None
    description: Text | None = None
    latitude: Annotated[float, Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Meta(ge=-180, le=180)] | None = None
    closed: bool = False
    publish: bool | None = None
    spots: bool = True
    bays: list[Bay] = msgspec.field(name="bay")


class Parking(Section, kw_only=True):
    """[parking]. `stale_after`: minutes after which a bay that said nothing is unknown; boards report every 15 minutes
    what does not change. `national_identifier`: the supplier in DATEX II."""

    stale_after: Annotated[int, Meta(ge=1, le=100_000)] = 45
    national_identifier: Text = "DE-Bordstein"
    sites: list[Site] = msgspec.field(name="site", default_factory=list)
