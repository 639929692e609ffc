"""Live values to sensor.community. Source: the sensors' firmware there (airrohr) and its API.

One request for each board, kind of sensor and moment. The server stamps values with the time of arrival and knows no
value again. So what is old is not sent, and what may have arrived is not sent again: which those are is in the store
before a request goes out, so that a restart changes nothing. Who wants a whole history uses another target.
"""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import httpx2
import structlog

from ... import __version__
from ...config.config import Config
from ...decode.normalise import IMPLAUSIBLE
from ...properties import row_of
from ...store import Store
from ...store.types import StoredReading
from ...texts import both
from .. import http
from ..target import Refused, Retry
from .pins import PINS, VALUE_TYPES
from .settings import SensorCommunity

_KEPT = "requests"
_GONE = (404, 405, 410)
_log = structlog.get_logger(__name__)


_UNCLEAR = (
    "keine klare Antwort; nicht noch einmal gesendet, denn dort hätte der Wert die Zeit der Ankunft",
    "no clear answer; not sent again, as the value would get the time of its arrival there",
)


class _Group(NamedTuple):
    """What goes into one request: of one board, one kind of sensor and one moment."""

    sensor: str
    pin: int
    time: int


def build(name: str, settings: SensorCommunity, config: Config, store: Store) -> "SensorCommunityTarget":
    """The target of one [forward.…]."""
    return SensorCommunityTarget(name, settings, config, store)


class SensorCommunityTarget:
    """All boards of one configuration. `skipped`: readings that were too old, since the start."""

    keeps_history = False

    def __init__(
        self,
        name: str,
        settings: SensorCommunity,
        config: Config,
        store: Store,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._name = name
        self._url = settings.url
        self._boards = {board.device: board for board in settings.boards}
        self._live_ms = settings.live * 60_000
        self._software = f"Bordstein-{__version__} ({config.gateway.name})"
        self._store = store
        self._clock = clock
        self._http = http.client(settings, {"accept": "application/json"})
        self._loaded = False
        self._taken = set[int]()
        self._unclear = set[int]()
        self.skipped = 0

    async def send(self, batch: Sequence[StoredReading]) -> list[Refused]:
        """What is live and has a place there; a kind of sensor's values of one moment in each request."""
        await self._load()
        ids = {row.id for row in batch}
        self._taken &= ids
        self._unclear &= ids
        refused = [Refused(row.id, both(*_UNCLEAR)) for row in batch if row.id in self._unclear]
        old = (self._clock() * 1000) - self._live_ms
        groups: dict[_Group, list[StoredReading]] = {}
        skipped = 0
        for row in batch:
            group = self._group(row)
            if group is None or row.id in self._unclear or row.id in self._taken:
                continue
            # A board whose clock is ahead is no reason to take for live what came long ago.
            if min(row.time, row.received * 1000) < old:
                skipped += 1
            else:
                groups.setdefault(group, []).append(row)
        if skipped:
            self.skipped += skipped
            _log.info("too old for a target that knows no times", forwarder=self._name, skipped=skipped)
        for group, rows in groups.items():
            reason = await self._post(group, rows)
            refused += [Refused(row.id, reason) for row in rows if reason]
        if groups:
            await self._keep()
        return refused

    async def there(self, batch: Sequence[StoredReading]) -> set[int]:
        """Nothing can be asked. What of this batch was taken before it failed is known here."""
        await self._load()
        return {row.id for row in batch if row.id in self._taken}

    async def trial(self) -> str:
        """A request for each kind of sensor of each board, without values: a trial value would be published."""
        asked = 0
        for board in self._boards.values():
            for pin in sorted({PINS[chip] for chip in board.chips.values()}):
                answer = await self._request(board.sensor, pin, [])
                if answer.status_code in (401, 403, *_GONE):
                    raise Retry(self._refusal(answer, board.sensor, pin))
                asked += 1
        return both(
            f"{self._url} kennt alle Sensoren ({asked}); gesendet wurde ohne Werte, denn sie wären öffentlich.",
            f"{self._url} knows all sensors ({asked}); what was sent had no values, as they would be public.",
        )

    async def close(self) -> None:
        """Close connections."""
        await self._http.aclose()

    def _group(self, row: StoredReading) -> _Group | None:
        """Where a reading goes; None: nowhere."""
        board = self._boards.get(row.device)
        chip = board.chips.get(row.series.rpartition("/")[0]) if board else None
        known = row_of(row.series)
        if board is None or chip is None or row.property not in VALUE_TYPES or known is None or known.unit != row.unit:
            return None
        plausible = _number(row.value) and not row.flags & IMPLAUSIBLE
        return _Group(board.sensor, PINS[chip], row.time) if plausible else None

    async def _post(self, group: _Group, rows: Sequence[StoredReading]) -> str:
        """Why it was refused; empty when it was taken."""
        values = [{"value_type": VALUE_TYPES[row.property], "value": str(row.value)} for row in rows]
        ids = [row.id for row in rows]
        self._unclear.update(ids)
        await self._keep()
        try:
            answer = await self._request(group.sensor, group.pin, values)
        except Retry as failure:
            if not (failure.unclear or failure.broken):
                self._unclear.difference_update(ids)
                await self._keep()
            raise
        self._unclear.difference_update(ids)
        if answer.is_success:
            self._taken.update(ids)
            return ""
        if answer.status_code in _GONE:
            raise http.takes_nothing(self._url, answer)
        return self._refusal(answer, group.sensor, group.pin)

    async def _request(self, sensor: str, pin: int, values: Sequence[dict[str, str]]) -> httpx2.Response:
        return await http.request(
            self._http,
            "POST",
            self._url,
            headers={"x-sensor": sensor, "x-pin": str(pin)},
            json={"software_version": self._software, "sensordatavalues": values},
            take=(401, 403),
        )

    def _refusal(self, answer: httpx2.Response, sensor: str, pin: int) -> str:
        why = f"{answer.status_code}: {http.reason(answer)}"
        if answer.status_code not in (401, 403):
            return why
        return both(
            f"{why}; {sensor} ist dort nicht mit Pin {pin} angemeldet",
            f"{why}; {sensor} is not registered there with pin {pin}",
        )

    async def _load(self) -> None:
        """What became of the requests of the batch that was under way when the gateway stopped."""
        if not self._loaded:
            kept = json.loads((await asyncio.to_thread(self._store.remote_get, self._name)).get(_KEPT, "{}"))
            self._taken, self._unclear = set(kept.get("taken", ())), set(kept.get("unclear", ()))
            self._loaded = True

    async def _keep(self) -> None:
        kept = {"taken": sorted(self._taken), "unclear": sorted(self._unclear)}
        await asyncio.wrap_future(self._store.remote_set(self._name, {_KEPT: json.dumps(kept)}))


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
