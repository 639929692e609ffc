"""Measurements to the boxes of openSenseMap. Source: openSenseMap's API documentation, and its own decoder.

Always an array: the object form keeps one value of each sensor only. Values are text, as the decoder wants them, times
have Z. The server stores twice what is posted twice, so after an unclear answer each sensor is asked what it has.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import httpx2

from ...boards.stations import Station, Stations
from ...config.config import Config
from ...config.files import secret
from ...decode.normalise import IMPLAUSIBLE, flag_names
from ...store import Store
from ...store.types import StoredReading
from ...texts import both
from .. import http
from ..halving import halved
from ..target import Refused, Retry
from ..times import milliseconds, zulu
from .settings import Box, OpenSenseMap

_FOREIGN = re.compile(r"sensor with id ([0-9a-f]{24}) does not belong to box")
_DAY_MS = 86_400_000
_GONE = (404, 405, 410)


def build(_: str, settings: OpenSenseMap, config: Config, store: Store) -> "OpenSenseMapTarget":
    """The target of one [forward.…]."""
    return OpenSenseMapTarget(settings, config, store)


class OpenSenseMapTarget:
    """All boxes of one configuration."""

    keeps_history = True

    def __init__(self, settings: OpenSenseMap, config: Config, store: Store | None = None) -> None:
        self._url = settings.url.rstrip("/")
        self._api = settings.api.rstrip("/")
        self._boxes = {box.device: box for box in settings.boxes}
        self._tokens = {box.device: secret(box.access_token_file) for box in settings.boxes}
        self._stations = Stations(config.devices, store)
        self._places: Mapping[str, Station] = {}
        self._http = http.client(settings, {"content-type": "application/json", "accept": "application/json"})

    async def send(self, batch: Sequence[StoredReading]) -> list[Refused]:
        """A request for each box; readings that no box has a sensor for are not for this target."""
        self._places = await asyncio.to_thread(self._stations.all)
        refused: list[Refused] = []
        for box, rows in self._by_box(batch):
            reasons = {row.id: why for row in rows if (why := _unfit(row))}
            numbers = [row for row in rows if row.id not in reasons]
            refused += [Refused(id, why) for id, why in reasons.items()]
            if numbers:
                refused += await halved(numbers, partial(self._post, box))
        return refused

    async def there(self, batch: Sequence[StoredReading]) -> set[int]:
        """Asks each sensor for its measurements in the batch's span of time, day by day."""
        found = set[int]()
        for box, rows in self._by_box(batch):
            days: dict[tuple[str, int], list[StoredReading]] = {}
            for row in rows:
                sensor = box.sensor(row.series, row.property) or ""
                days.setdefault((sensor, row.time // _DAY_MS), []).append(row)
            for (sensor, _), day in days.items():
                span = [row.time for row in day]
                times = dict(await self._measurements(box, sensor, min(span), max(span)))
                found |= {row.id for row in day if row.time in times}
        return found

    async def held(self, reading: StoredReading, first: int, last: int) -> list[tuple[int, Any]]:
        """All measurements of the reading's sensor, day by day."""
        box = self._boxes[reading.device]
        sensor = box.sensor(reading.series, reading.property) or ""
        found: list[tuple[int, Any]] = []
        for start in range(first, last + 1, _DAY_MS):
            found += await self._measurements(box, sensor, start, min(start + _DAY_MS - 1, last))
        return found

    def as_held(self, reading: StoredReading) -> Any:
        """As a number."""
        text = _value(reading)
        return None if text is None else float(text)

    async def trial(self) -> str:
        """Nothing is stored, as it would be public and look like a measurement. Each box is looked at, and a request
        without measurements is sent: it is refused for having none only where box and token are right."""
        for box in self._boxes.values():
            url = f"{self._api}/boxes/{box.id}"
            answer = await http.request(self._http, "GET", url)
            if answer.status_code in (*_GONE, 422):
                raise self._no_box(box, answer)
            sensors = {str(sensor.get("_id")) for sensor in http.content(answer, url).get("sensors", [])}
            for name, sensor in box.sensors.items():
                if sensor not in sensors:
                    raise Retry(
                        both(
                            f"Die Box {box.id} hat keinen Sensor {sensor} (für {name}); die id in sensors prüfen",
                            f"Box {box.id} has no sensor {sensor} (for {name}); check its id in sensors",
                        )
                    )
            why = await self._post(box, [])
            if not why.startswith("422"):
                raise Retry(
                    both(
                        f"{self._url} antwortet auf eine Sendung ohne Messwerte mit „{why}“; die url prüfen",
                        f'{self._url} answers a request without measurements with "{why}"; check the url',
                    )
                )
        return both(
            f"{self._url} kennt alle Boxen ({len(self._boxes)}), ihre Sensoren und Token; ein Probewert wurde nicht "
            "gesendet, denn er wäre öffentlich.",
            f"{self._url} knows all boxes ({len(self._boxes)}), their sensors and tokens; no trial record was sent, as "
            "it would be public.",
        )

    async def close(self) -> None:
        """Close connections."""
        await self._http.aclose()

    def _by_box(self, batch: Sequence[StoredReading]) -> Iterator[tuple[Box, list[StoredReading]]]:
        for device, box in self._boxes.items():
            rows = [row for row in batch if row.device == device and box.sensor(row.series, row.property)]
            if rows:
                yield box, rows

    async def _post(self, box: Box, rows: Sequence[StoredReading]) -> str:
        """Why the box refuses them; empty when it took them."""
        url = f"{self._url}/boxes/{box.id}/data"
        place = self._place(box)
        body = [
            {
                "sensor": box.sensor(row.series, row.property),
                "value": _value(row),
                "createdAt": zulu(row.time),
                **({"location": place} if place else {}),
            }
            for row in rows
        ]
        headers = {"authorization": self._tokens[box.device]}
        answer = await http.request(self._http, "POST", url, headers=headers, json=body, take=(500,))
        if answer.is_success:
            return ""
        why = http.reason(answer)
        foreign = _FOREIGN.search(answer.text)
        if foreign is not None:
            return self._foreign(box, rows, foreign[1], answer.status_code)
        if answer.status_code == 500:
            raise Retry(
                both(f"{url} hat selbst eine Störung (500): {why}", f"{url} has a fault of its own (500): {why}")
            )
        if answer.status_code in _GONE:
            raise self._no_box(box, answer)
        return f"{answer.status_code}: {why}"

    def _no_box(self, box: Box, answer: httpx2.Response) -> Retry:
        why = f"{box.id} ({answer.status_code}): {http.reason(answer)}"
        return Retry(
            both(
                f"openSenseMap hat keine Box {why}; die id in [[…box]] prüfen",
                f"openSenseMap has no box {why}; check the id in [[…box]]",
            )
        )

    def _foreign(self, box: Box, rows: Sequence[StoredReading], sensor: str, status: int) -> str:
        """A sensor that is none of the box's: said as an error of the server (500), and of which sensor only here."""
        named = sorted({row.series for row in rows if box.sensor(row.series, row.property) == sensor})
        series = ", ".join(named)
        return both(
            f"{status}: der Sensor {sensor} (für {series}) ist keiner der Box {box.id}; die id in sensors prüfen",
            f"{status}: sensor {sensor} (for {series}) does not belong to box {box.id}; check its id in sensors",
        )

    def _place(self, box: Box) -> list[float]:
        station = self._places.get(box.device) if box.location else None
        if station is None or station.longitude is None or station.latitude is None:
            return []
        return [station.longitude, station.latitude]

    async def _measurements(self, box: Box, sensor: str, first: int, last: int) -> list[tuple[int, Any]]:
        """A sensor's measurements from first to last (ms UTC), both included: at most 10,000, the newest."""
        url = f"{self._api}/boxes/{box.id}/data/{sensor}"
        # Whether the ends belong to it, is not said; a second more on both sides leaves nothing out.
        span = {"from-date": zulu(first - 1000), "to-date": zulu(last + 1000), "format": "json"}
        answer = await http.request(self._http, "GET", url, params=span)
        if answer.status_code == 404:  # no such sensor: what was sent for it was refused
            return []
        try:
            rows = [(milliseconds(row["createdAt"]), float(row["value"])) for row in answer.json()]
        except (KeyError, TypeError, ValueError):
            raise Retry(
                both(
                    f"{url} antwortet {answer.status_code}: {http.reason(answer)}; api und [[…box]] prüfen",
                    f"{url} answers {answer.status_code}: {http.reason(answer)}; check api and [[…box]]",
                )
            ) from None
        return [row for row in rows if first <= row[0] <= last]


def _unfit(row: StoredReading) -> str:
    """Why a reading is nothing for a public map; empty where it is."""
    if _value(row) is None:
        return both("openSenseMap nimmt nur Zahlen", "openSenseMap takes numbers only")
    if row.flags & IMPLAUSIBLE:
        marks = ", ".join(flag_names(row.flags))
        return both(
            f"nicht plausibel ({marks}); openSenseMap hätte ihn ohne diese Kennzeichen",
            f"not plausible ({marks}); openSenseMap would have it without these marks",
        )
    return ""


def _value(row: StoredReading) -> Any:
    """As text; None where it is no number."""
    value = row.value
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value) if isinstance(value, int | float) else None
