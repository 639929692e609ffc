"""How parking sites and their bays are: counted from the bays' newest values, and never more certain than these.

A bay is AVAILABLE or TAKEN only while its board says so: what is too old, has a mark (an unsure clock is one), or comes
from a board that is starting or gone is UNKNOWN. A site counts the bays that are known: what is free is never
more than what is there.
"""

import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..boards.presence import GONE
from ..config.parking import Bay, Site
from ..store.types import Device, Latest
from .view import View

PROPERTY = "parking_bay_occupied"
AVAILABLE, TAKEN, UNKNOWN = "AVAILABLE", "TAKEN", "UNKNOWN"
OPEN, CLOSED = "OPEN", "CLOSED"
_STARTING = "init"


class Spot(NamedTuple):
    """A bay. `time`: of its newest value (ms), known or not; None: it never said anything. WGS 84 degrees."""

    uid: str
    name: str
    site: Site
    restricted_to: str | None
    latitude: float | None
    longitude: float | None
    status: str
    time: int | None
    received: int


class Lot(NamedTuple):
    """A site. `known`: bays that are, `free`: those of them that are available; `status`: OPEN, CLOSED or, where no bay
    is known, UNKNOWN. `time`: of the newest value that counts (ms)."""

    site: Site
    capacity: int
    latitude: float | None
    longitude: float | None
    status: str
    known: int
    free: int
    time: int | None
    received: int


def lots(view: View) -> list[Lot]:
    """The sites that this request may see."""
    found = []
    everything = _Bays(view)
    for site in view.config.parking.sites:
        spots = [everything.spot(site, bay) for bay in site.bays]
        if view.full or _is_public(view, everything, site):
            found.append(_lot(site, spots))
    return found


def spots(view: View) -> list[Spot]:
    """The single bays that this request may see."""
    everything = _Bays(view)
    return [
        everything.spot(site, bay)
        for site in view.config.parking.sites
        if view.full or (site.spots and site.publish is not False)
        for bay in site.bays
        if everything.may_see(bay)
    ]


def _is_public(view: View, everything: "_Bays", site: Site) -> bool:
    if view.config.publish is None:
        return False
    return all(everything.may_see(bay) for bay in site.bays) if site.publish is None else site.publish


def _lot(site: Site, spots: list[Spot]) -> Lot:
    known = [spot for spot in spots if spot.status != UNKNOWN]
    places = [(s.latitude, s.longitude) for s in spots if s.latitude is not None and s.longitude is not None]
    latitude, longitude = site.latitude, site.longitude
    if latitude is None and places:
        latitude, longitude = (round(sum(degrees) / len(places), 7) for degrees in zip(*places, strict=True))
    counted = known or spots
    return Lot(
        site=site,
        capacity=site.capacity or len(site.bays),
        latitude=latitude,
        longitude=longitude,
        status=CLOSED if site.closed else OPEN if known else UNKNOWN,
        known=len(known),
        free=sum(spot.status == AVAILABLE for spot in known),
        time=max((spot.time for spot in counted if spot.time is not None), default=None),
        received=max(spot.received for spot in counted),
    )


class _Bays:
    """The store asked once for all bays of an answer."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._devices: Mapping[str, Device] = {device.device: device for device in view.store.devices()}
        self._latest: dict[str, list[Latest]] = {}
        for value in view.store.latest():
            if value.property == PROPERTY:
                self._latest.setdefault(value.device, []).append(value)
        now = int(time.time() * 1000)
        self._since = now - view.config.parking.stale_after * 60_000
        self._until = now + 60_000

    def may_see(self, bay: Bay) -> bool:
        values = list(self._of(bay))
        if not values:  # not heard yet, so nobody knows the name of its series
            return self._view.may_see(bay.device, bay.series or f"bay/{PROPERTY}")
        return all(self._view.may_see(value.device, value.series) for value in values)

    def spot(self, site: Site, bay: Bay) -> Spot:
        values = list(self._of(bay))
        station = self._view.station(bay.device)
        newest = max(values, key=lambda value: value.time, default=None)
        return Spot(
            uid=bay.uid or bay.device,
            name=bay.name or station.name or bay.device,
            site=site,
            restricted_to=bay.restricted_to,
            latitude=station.latitude,
            longitude=station.longitude,
            status=self._status(bay, values, decommissioned=station.decommissioned),
            time=newest.time if newest else None,
            received=newest.received if newest else 0,
        )

    def _of(self, bay: Bay) -> Iterator[Latest]:
        for value in self._latest.get(bay.device, ()):
            if bay.series in (None, value.series):
                yield value

    def _status(self, bay: Bay, values: list[Latest], *, decommissioned: bool) -> str:
        if len(values) != 1 or decommissioned:  # of two series without a name nobody knows which is meant
            return UNKNOWN
        (value,) = values
        if not isinstance(value.value, bool) or value.flags or not self._since <= value.time <= self._until:
            return UNKNOWN
        board = self._devices.get(bay.device)
        if board is None or board.state == _STARTING or (board.state in GONE and not board.present):
            return UNKNOWN
        return TAKEN if value.value else AVAILABLE
