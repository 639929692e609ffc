"""What a rule knows of the world beside the readings: the boards, their groups, places and restarts."""

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol

from ..config.office import Town


class Boot(NamedTuple):
    """A board's present boot, and the id of the newest reading there was when this was looked up: readings after it
    are of this boot."""

    number: int
    newest: int


class World(Protocol):
    """Asked again and again: what changes in it counts from the next reading on."""

    @property
    def town(self) -> Town:
        """Whose holidays and local time."""
        ...

    @property
    def max_age(self) -> int | None:
        """ms; a reading that was older than this when it came starts nothing. None: no limit."""
        ...

    def devices(self) -> Collection[str]:
        """Those of the register and of gateway.toml that are not decommissioned."""
        ...

    def gone(self, device: str) -> bool:
        """Whether it is decommissioned: nothing is told of it, nor does it count in its group."""
        ...

    def groups(self, device: str) -> Collection[str]:
        """A board's groups."""
        ...

    def position(self, device: str) -> tuple[float, float] | None:
        """Latitude and longitude, WGS 84 degrees."""
        ...

    def boot(self, device: str) -> Boot | None:
        """None: not known, or a device that does not count its boots."""
        ...

    def heard(self, device: str) -> int | None:
        """When the gateway last heard of it, ms; None: never. Asked once, when a rule first meets the device."""
        ...


class Still(NamedTuple):
    """A world that does not change, for rehearsals and tests."""

    town: Town = Town()
    max_age: int | None = None
    members: Mapping[str, Collection[str]] = {}
    """device -> its groups."""
    positions: Mapping[str, tuple[float, float]] = {}
    boots: Mapping[str, Boot] = {}
    heards: Mapping[str, int] = {}
    decommissioned: Collection[str] = ()

    def devices(self) -> Collection[str]:
        """See World."""
        return self.members.keys() - set(self.decommissioned)

    def gone(self, device: str) -> bool:
        """See World."""
        return device in self.decommissioned

    def groups(self, device: str) -> Collection[str]:
        """See World."""
        return self.members.get(device, ())

    def position(self, device: str) -> tuple[float, float] | None:
        """See World."""
        return self.positions.get(device)

    def boot(self, device: str) -> Boot | None:
        """See World."""
        return self.boots.get(device)

    def heard(self, device: str) -> int | None:
        """See World."""
        return self.heards.get(device)
