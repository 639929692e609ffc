"""New Observations of published series, at the gateway's broker as they are stored. Source: OGC 18-088 section 14.

    v1.1/Datastreams(42)/Observations     with `retain` the broker keeps the newest of each Datastream
    v1.1/Observations

QoS 1. This is for who watches: nothing waits for it, and what could not be said within a while is left out; what
is to be complete is read over HTTP.
"""

import asyncio
from contextlib import suppress

import msgspec
import structlog

from ..boards.stations import Stations
from ..config.config import Config
from ..forward.mqtt.publisher import Message, Publisher
from ..forward.mqtt.settings import Broker
from ..forward.target import Retry
from ..store import Store
from ..store.observing import Observed
from ..web.publishing import Publishing
from .answer import Answer
from .app import VERSION
from .catalogue import Catalogues
from .options import Options
from .tally import Tally
from .view import Observation, View

_BATCH = 250
_BEHIND = 5_000
"""Readings that are caught up with after the broker was away; older ones are left out."""
_TIMEOUT_S = 30.0
_PAUSE_S = 5.0
_VERSION = VERSION.strip("/")
_SHARED = ("host", "port", "tls", "ca", "cert", "key", "username", "password_file", "protocol", "keepalive")

_log = structlog.get_logger(__name__)


class Live:
    """One gateway's. run() until stop()."""

    name = "sensorthings_api"

    def __init__(self, config: Config, store: Store, stations: Stations) -> None:
        self._store = store
        self._retain = config.sensorthings_api.retain
        self._catalogues = Catalogues(store, stations, config.sensorthings_api.language, Publishing(config))
        self._tally = Tally(store)
        address = config.publish.url if config.publish is not None else None
        self._base = f"{(address or f'http://{config.http.host}:{config.http.port}').rstrip('/')}/{_VERSION}"
        broker = Broker(**{name: getattr(config.mqtt, name) for name in _SHARED})
        self._publisher = Publisher(broker, f"{config.mqtt.client_id}-sensorthings", _TIMEOUT_S)
        self._place = store.newest_id()
        self._news = asyncio.Event()
        self._stopped = False
        self._trouble = ""
        loop = asyncio.get_running_loop()

        def committed() -> None:
            with suppress(RuntimeError):  # the service is ending
                loop.call_soon_threadsafe(self._news.set)

        store.on_commit(committed)

    async def run(self) -> None:
        """Publish what comes in. Whatever is wrong with the broker is logged once, and tried again."""
        try:
            while not self._stopped:
                await self._news.wait()
                self._news.clear()
                while not self._stopped and self._place < self._store.newest_id():
                    await self._turn()
        finally:
            await self._publisher.close()

    def stop(self) -> None:
        """Let run() end."""
        self._stopped = True
        self._news.set()

    async def _turn(self) -> None:
        """One batch, or a pause."""
        newest = self._store.newest_id()
        self._place = max(self._place, newest - _BEHIND)
        rows = await asyncio.to_thread(self._store.observed_by_id, self._place + 1, newest, None, _BATCH)
        messages = await asyncio.to_thread(self._messages, rows) if rows else []
        try:
            refused = await self._publisher.publish(messages) if messages else {}
        except Retry as failure:
            if str(failure) != self._trouble:
                self._trouble = str(failure)
                _log.warning("live Observations can't be published", reason=self._trouble)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._end(), _PAUSE_S)
            return
        trouble = next(iter(refused.values()), "")
        if trouble and trouble != self._trouble:
            _log.warning("the broker refuses live Observations", reason=trouble)
        self._trouble = trouble
        self._place = rows[-1].id if rows else newest

    async def _end(self) -> None:
        while not self._stopped:
            await self._news.wait()
            self._news.clear()

    def _messages(self, rows: list[Observed]) -> list[Message]:
        view = View(self._catalogues.now(), self._store, self._tally, everything=False)
        answer = Answer(view, self._base)
        messages = []
        for row in rows:
            if row.series not in view.series or row.time >= view.latest_ms:
                continue
            payload = msgspec.json.encode(answer.entity(Observation(row), Options()))
            newest = self._store.newest.get(row.series)
            retain = self._retain and newest is not None and row.time >= newest[0]
            messages.append(Message(f"{_VERSION}/Datastreams({row.series})/Observations", payload, retain))
            messages.append(Message(f"{_VERSION}/Observations", payload))
        return messages
