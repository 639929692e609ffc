"""How the running service is: what pages, metrics and the watchdog look at. Written by its owners, read by anybody."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .boards.stations import Stations
from .config.config import Config
from .office import Office
from .store import Store
from .texts import both, said


@dataclass
class IngestStatus:
    """The way in. The ingest thread alone writes it; times are time.monotonic(), 0.0: never."""

    connected: bool = False
    """Connected to the broker and subscribed."""
    trouble: str = ""
    """One sentence while there is no connection, or none that lasts, else empty."""
    store_trouble: str = ""
    """One sentence while the store takes no writes, else empty; nothing is acknowledged then."""
    connections: int = 0
    messages: int = 0
    acknowledged: int = 0
    receipts: int = 0
    inputs: Mapping[str, Counter[str]] = field(default_factory=dict)
    """Of each [input.…]: messages by what they were."""
    last_turn: float = 0.0
    """The thread's last turn; it turns at least once a second."""


@dataclass
class ServiceState:
    """What the service consists of. `forwarders`: what forward.start() returned."""

    config: Config
    store: Store
    ingest: IngestStatus = field(default_factory=IngestStatus)
    forwarders: list[Any] = field(default_factory=list)
    started: float = 0.0
    """Unix seconds."""

    @cached_property
    def stations(self) -> Stations:
        """What is known of the boards' places."""
        return Stations(self.config.devices, self.store)

    @cached_property
    def office(self) -> Office:
        """Rule sheets, cases, and what is done about them."""
        return Office(self.config, self.store, self.stations, lambda: self.ingest.connected)

    def healthy(self, now: float) -> list[str]:
        """Sentences on what is wrong at `now` (monotonic); empty: the service does its work.

        A broker that is away is not the service's fault: that is a state, see ingest.trouble.
        """
        found: list[str] = []
        if now - self.ingest.last_turn > 15:
            found.append(
                both(
                    "Der Thread, der Nachrichten annimmt, steht still.",
                    "The thread that takes messages in stands still.",
                )
            )
        if self.ingest.store_trouble:
            found.append(self.ingest.store_trouble)
        return found

    def problems(self, now: float) -> list[str]:
        """The same, and what is wrong outside the service: with the broker and the targets."""
        found = self.healthy(now)
        if self.ingest.trouble:
            found.append(self.ingest.trouble)
        found += self.office.problems()
        for forwarder in self.forwarders:
            # Of one that somebody has paused no alarm is wanted.
            if (trouble := forwarder.status.trouble) and not forwarder.status.paused:
                found.append(both(f"{forwarder.name}: {said(trouble, 'de')}", f"{forwarder.name}: {trouble}"))
        return found
