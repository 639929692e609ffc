"""What is known of boards beside their readings: gateway.toml's [[device]] over the register in the store."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..config.config import Device
from ..store import Registered, Store
from ..store.register import DECOMMISSIONED


class Station(NamedTuple):
    """A board's place. name: as the town calls it. WGS 84 degrees, both or none. groups: for releases."""

    device: str
    name: str | None = None
    description: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    groups: tuple[str, ...] = ()
    asset: str | None = None
    site: str | None = None
    registered: bool = False
    decommissioned: bool = False


class Stations:
    """Asked again and again: who imports or registers boards need not restart the service. store: None for none."""

    def __init__(self, devices: Sequence[Device], store: Store | None) -> None:
        self._devices = {device.id: device for device in devices}
        self._store = store
        self._known: tuple[int, Mapping[str, Station]] | None = None

    def all(self) -> Mapping[str, Station]:
        """By device; the same object again while nothing has changed. StoreError."""
        changed = self._store.register_changed() if self._store else 0
        if self._known is None or self._known[0] != changed:
            entries = self._store.registered() if self._store else {}
            names = sorted(entries.keys() | self._devices.keys())
            self._known = changed, {name: _merged(name, self._devices.get(name), entries.get(name)) for name in names}
        return self._known[1]


def _merged(name: str, device: Device | None, entry: Registered | None) -> Station:
    station = Station(name)
    if entry is not None:
        station = Station(
            device=name,
            name=entry.place or entry.site,
            description=entry.description,
            latitude=entry.latitude,
            longitude=entry.longitude,
            groups=tuple(entry.groups),
            asset=entry.asset,
            site=entry.site,
            registered=True,
            decommissioned=entry.state == DECOMMISSIONED,
        )
    if device is not None:
        if device.latitude is not None:
            station = station._replace(latitude=device.latitude, longitude=device.longitude)
        station = station._replace(
            name=device.name or station.name,
            description=device.description or station.description,
            groups=tuple(device.groups) or station.groups,
        )
    return station
