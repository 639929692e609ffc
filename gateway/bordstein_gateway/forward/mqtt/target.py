"""Readings to the topics of another broker: one a series, its last value retained, QoS 1.

A batch counts as sent once the broker has acknowledged every message. Sent twice, a message says the same of the same
time; so nothing has to be asked. What is older than the newest reading of its topic is published, but never retained:
a value that a newcomer gets from the broker is always the newest.
"""

import asyncio
from collections.abc import Mapping, Sequence

from ...boards.stations import Station, Stations
from ...config.config import Config
from ...decode.normalise import far_ahead
from ...store import Store
from ...store.types import Latest, StoredReading
from ...texts import both
from .. import trial
from ..target import Refused, Retry
from .payloads import PAYLOADS
from .publisher import Message, Publisher
from .settings import MqttForward
from .topics import topic


def build(name: str, settings: MqttForward, config: Config, store: Store) -> "MqttTarget":
    """The target of one [forward.…]."""
    return MqttTarget(name, settings, config, store)


class MqttTarget:
    """One broker."""

    def __init__(self, name: str, settings: MqttForward, config: Config, store: Store) -> None:
        self.keeps_history = settings.keeps_history
        self._name = name
        self._settings = settings
        self._store = store
        self._stations = Stations(config.devices, store)
        self._places: Mapping[str, Station] = {}
        self._payload = PAYLOADS[settings.format]
        self._publisher = Publisher(settings.broker, f"{config.gateway.name}-{name}", settings.timeout)
        self._newest: dict[str, int] | None = None  # topic -> time of the newest reading
        self._made: dict[tuple[str, str], str] = {}  # device and series -> topic
        self._topics: dict[str, str] = {}  # series -> the topic that its value is retained on

    async def send(self, batch: Sequence[StoredReading]) -> list[Refused]:
        """One message each; first of all, nothing stays on the topic of a board that was renamed."""
        await self._prepare()
        messages: list[Message] = []
        readings: list[StoredReading | None] = []
        moved: dict[str, str] = {}
        for reading in batch:
            where = self._topic(reading)
            old = self._moved(reading, where)
            if old is not None:
                moved[_series(reading)] = where
                if old:
                    messages.append(Message(old, b"", True))
                    readings.append(None)
            newest = self._is_newest(reading, where)
            if newest or self.keeps_history:
                retain = newest and self._settings.retain
                messages.append(Message(where, self._payload(reading, self._places.get(reading.device)), retain))
                readings.append(reading)
        refused = await self._publisher.publish(messages)
        if moved:
            await asyncio.wrap_future(self._store.remote_set(self._name, moved))
        return [
            Refused(row.id, _not_allowed(messages[place].topic, reason))
            for place, reason in refused.items()
            if (row := readings[place]) is not None
        ]

    async def there(self, batch: Sequence[StoredReading]) -> set[int]:
        """Nothing can be asked, and nothing has to be: see above."""
        return set()

    async def trial(self) -> str:
        """One message, not retained."""
        await self._prepare()
        reading = trial.reading()
        where = self._topic(reading)
        message = Message(where, self._payload(reading, self._places.get(reading.device)))
        refused = await self._publisher.publish([message])
        if refused:
            raise Retry(_not_allowed(where, refused[0]))
        five = self._settings.broker.protocol == 5
        return trial.taken(
            f"{self._publisher.where} ({where})",
            "" if five else "; ob er das Topic erlaubt, sagt er erst mit protocol = 5",
            "" if five else "; whether it allows the topic it says only with protocol = 5",
        )

    async def reach(self) -> str:
        """Whether the broker lets the gateway in; what it may publish there, only a trial shows."""
        await self._publisher.reach()
        return trial.reached(self._publisher.where)

    async def close(self) -> None:
        """Close the connection."""
        await self._publisher.close()

    async def _prepare(self) -> None:
        places = await asyncio.to_thread(self._stations.all)
        if places is not self._places:
            self._places = places
            self._made.clear()
        if self._newest is None:
            self._topics = await asyncio.to_thread(self._store.remote_get, self._name)
            newest = dict[str, int]()
            for latest in await asyncio.to_thread(self._store.latest):
                wanted = self._settings.wants(latest.device, latest.series, latest.property)
                if wanted and not far_ahead(latest.time, latest.received):
                    where = self._topic(latest)
                    newest[where] = max(latest.time, newest.get(where, 0))
            self._newest = newest

    def _topic(self, reading: StoredReading | Latest) -> str:
        key = reading.device, reading.series
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = topic(self._settings.topic, reading, self._places.get(reading.device))
        return made

    def _is_newest(self, reading: StoredReading, where: str) -> bool:
        assert self._newest is not None  # noqa: S101  (_prepare() was first)
        # What claims to be from the future would hide all that follows until then.
        if reading.time < self._newest.get(where, 0) or far_ahead(reading.time, reading.received):
            return False
        self._newest[where] = reading.time
        return True

    def _moved(self, reading: StoredReading, where: str) -> str | None:
        """The topic on which the series' value was retained until now, empty for none; None: it is the same."""
        series = _series(reading)
        old = self._topics.get(series, "")
        if old == where or not self._settings.retain:
            return None
        self._topics[series] = where
        return "" if old in self._topics.values() else old


def _series(reading: StoredReading) -> str:
    return f"topic {reading.device} {reading.series} {reading.unit}"


def _not_allowed(where: str, reason: str) -> str:
    return both(
        f"der Broker nimmt auf {where} nichts an ({reason}); seine Zugriffsliste und topic prüfen",
        f"the broker takes nothing on {where} ({reason}); look at its access list and at topic",
    )
