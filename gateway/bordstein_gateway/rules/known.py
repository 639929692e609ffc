"""The world as a running gateway knows it: the register, what boards say, who was heard. See world.py."""

from collections.abc import Collection, Mapping

from ..boards.stations import Station, Stations
from ..config.config import Config
from ..config.durations import seconds
from ..config.office import Town
from ..store import Store
from ..store.sheets import boots, heard
from .world import Boot


class Known:
    """Asked in one thread at a time. StoreError by refresh() only."""

    def __init__(self, config: Config, store: Store, stations: Stations) -> None:
        self._store = store
        self._stations = stations
        self._all: Mapping[str, Station] = {}
        self._devices: frozenset[str] = frozenset()
        self._gone: frozenset[str] = frozenset()
        self._boots: dict[str, Boot] = {}
        self._heard: dict[str, int] | None = None
        self.town: Town = config.town
        self.max_age: int | None = seconds(config.rules.max_age) * 1000
        self.refresh(())

    def refresh(self, devices: Collection[str]) -> None:
        """Before readings of these devices: what has changed."""
        stations = self._stations.all()
        if stations is not self._all:
            self._all = stations
            self._gone = frozenset(name for name, station in stations.items() if station.decommissioned)
            self._devices = frozenset(stations) - self._gone
        if devices:
            newest = self._store.newest_id()
            for name, number in boots(self._store, devices).items():
                if (before := self._boots.get(name)) is None or before.number != number:
                    self._boots[name] = Boot(number, newest)

    def learn(self) -> None:
        """When each device was heard; once, before a rule meets them."""
        self._heard = heard(self._store)

    def devices(self) -> Collection[str]:
        """See World."""
        return self._devices

    def gone(self, device: str) -> bool:
        """See World."""
        return device in self._gone

    def groups(self, device: str) -> Collection[str]:
        """See World."""
        station = self._all.get(device)
        return () if station is None else station.groups

    def position(self, device: str) -> tuple[float, float] | None:
        """See World."""
        station = self._all.get(device)
        if station is None or station.latitude is None or station.longitude is None:
            return None
        return station.latitude, station.longitude

    def boot(self, device: str) -> Boot | None:
        """See World."""
        return self._boots.get(device)

    def heard(self, device: str) -> int | None:
        """See World."""
        return (self._heard or {}).get(device)
