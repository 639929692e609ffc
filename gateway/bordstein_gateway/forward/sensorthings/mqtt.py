"""Observations by MQTT instead of HTTP. Source: OGC 18-088 section 14.1, creating Observations with MQTT.

A server answers nothing: the broker's acknowledgement says that it has the message, not that the server took it. So it
is looked by HTTP what arrived. What is still not there when the time is over is sent by HTTP the next time it is
missing: then the server says why it does not want it.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from ...store.types import StoredReading
from ...texts import both
from ..mqtt.publisher import Message, Publisher
from ..mqtt.settings import Broker
from ..target import Refused, Retry

_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0

Look = Callable[[Sequence[StoredReading]], Awaitable[set[int]]]
"""The ids of those that the server shows."""


class Published:
    """One server's broker. `unseen`: readings that were published once and did not come to be seen."""

    def __init__(self, name: str, url: str, broker: Broker, timeout: float) -> None:
        self._publisher = Publisher(broker, f"bordstein-gateway-{name}", timeout)
        self._where = broker.shown
        # The topics begin with the version, as the paths do below the server's own (section 14.1.2).
        self._version = urlsplit(url).path.rstrip("/").rpartition("/")[2]
        self._timeout = timeout
        self.unseen = set[int]()

    async def send(self, rows: Sequence[tuple[str, StoredReading, dict[str, Any]]], look: Look | None) -> list[Refused]:
        """Each with its Datastream as it stands in a path and its Observation. Retry: some did not come to be seen."""
        messages = [
            Message(f"{self._version}/Datastreams({stream})/Observations", json.dumps(body).encode())
            for stream, _, body in rows
        ]
        try:
            why = await self._publisher.publish(messages)
        except Retry as failure:
            # The server may still be about to store what the broker has of it: a look at once would come too early.
            raise Retry(failure.args[0], unclear=self._publisher.begun, wait=failure.wait) from None
        refused = [Refused(rows[place][1].id, reason) for place, reason in why.items()]
        if look is not None:
            await self._seen([row for place, (_, row, _) in enumerate(rows) if place not in why], look)
        return refused

    async def close(self) -> None:
        """Close the connection."""
        await self._publisher.close()

    async def _seen(self, rows: list[StoredReading], look: Look) -> None:
        """Return once the server shows all of them."""
        pause = _FIRST_PAUSE_S
        end = asyncio.get_running_loop().time() + self._timeout
        while rows:
            there = await look(rows)
            rows = [row for row in rows if row.id not in there]
            if rows and asyncio.get_running_loop().time() >= end:
                self.unseen |= {row.id for row in rows}
                count = len(rows)
                raise Retry(
                    both(
                        f"Der Broker {self._where} hat alles angenommen; {count} Observations zeigt der Server nicht",
                        f"the broker {self._where} took everything; {count} Observations the server does not show",
                    ),
                    unclear=True,
                )
            if rows:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
