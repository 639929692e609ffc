"""Observations to an OGC SensorThings API 1.1 server (FROST and others). Source: OGC 18-088.

A batch goes out as one CreateObservations request (the dataArray extension) where the server has it, else reading by
reading. What the server has to know first (Things, Datastreams, …) is entities.py's work.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import httpx2

from ..config import Device, SensorThings
from ..normalise import flag_names
from ..store import Store
from ..store.types import StoredReading
from . import http
from .entities import Entities
from .target import Refused, Retry
from .times import milliseconds, zulu

_DATA_ARRAY = "data-array"
_PAGE = 1000
_GONE = (404, 405, 501)


class SensorThingsTarget:
    """One server; `url` includes the version, e.g. https://host/FROST-Server/v1.1."""

    def __init__(self, name: str, settings: SensorThings, devices: Sequence[Device], store: Store) -> None:
        self._base = settings.url.rstrip("/")
        self._http = http.client(settings, {"accept": "application/json"})
        self._entities = Entities(name, settings, devices, store, self._http)
        self._arrays: bool | None = None

    async def send(self, batch: Sequence[StoredReading]) -> list[Refused]:
        """All readings, grouped by Datastream and in their order within each."""
        grouped = await self._grouped(batch)
        if self._arrays is None:
            self._arrays = await self._has_arrays()
        if not self._arrays:
            return await self._one_by_one(grouped)
        body = [
            {
                "Datastream": {"@iot.id": stream},
                "components": ["phenomenonTime", "result", "resultTime", "parameters"],
                "dataArray@iot.count": len(rows),
                "dataArray": [
                    [zulu(row.time), _result(row), zulu(row.time), {"flags": flag_names(row.flags)}] for row in rows
                ],
            }
            for stream, rows in grouped
        ]
        answer = await http.request(self._http, "POST", f"{self._base}/CreateObservations", json=body)
        if answer.status_code in _GONE:
            # Either the server has no such extension, or a Datastream was removed there.
            self._arrays = await self._has_arrays()
            await self._entities.check([stream for stream, _ in grouped])
            raise Retry(f"{self._base}/CreateObservations: {http.reason(answer)}", unclear=True)
        if not answer.is_success:
            # Nobody knows which row the server does not like: each by itself, after a look at what is there.
            return await self._rest_one_by_one(grouped)
        return await self._judged(grouped, answer)

    async def there(self, batch: Sequence[StoredReading]) -> set[int]:
        """Asks each Datastream for its Observations in the batch's span of time."""
        found = set()
        for stream, rows in await self._grouped(batch):
            first, last = min(row.time for row in rows), max(row.time for row in rows)
            url: str | None = f"{self._base}/Datastreams({_key(stream)})/Observations"
            options: dict[str, Any] = {
                "params": {
                    "$filter": f"phenomenonTime ge {zulu(first)} and phenomenonTime le {zulu(last)}",
                    "$select": "phenomenonTime",
                    "$top": str(_PAGE),
                }
            }
            times = set()
            while url:
                answer = await http.request(self._http, "GET", url, **options)
                if answer.status_code == 404:
                    await self._entities.check([stream])
                page = self._expect(answer, url)
                times |= {milliseconds(row["phenomenonTime"]) for row in page.get("value", ())}
                url, options = page.get("@iot.nextLink"), {}
            found |= {row.id for row in rows if row.time in times}
        return found

    async def close(self) -> None:
        """Close connections."""
        await self._http.aclose()

    async def _grouped(self, batch: Sequence[StoredReading]) -> list[tuple[Any, list[StoredReading]]]:
        streams = {row.id: await self._entities.datastream(row) for row in batch}
        rows = sorted(batch, key=lambda row: (str(streams[row.id]), row.id))
        return [
            (streams[group[0].id], group)
            for _, part in groupby(rows, lambda row: str(streams[row.id]))
            if (group := list(part))
        ]

    async def _has_arrays(self) -> bool:
        answer = await http.request(self._http, "GET", self._base)
        page = self._expect(answer, self._base)
        conformance = page.get("serverSettings", {}).get("conformance", ())
        return any(_DATA_ARRAY in str(entry).lower() for entry in conformance)

    async def _judged(self, grouped: list[tuple[Any, list[StoredReading]]], answer: httpx2.Response) -> list[Refused]:
        """Each row's answer: a link, or the word "error" (OGC 18-088 section 15.2), in the order they were sent."""
        rows = [row for _, group in grouped for row in group]
        try:
            verdicts = answer.json()
        except ValueError:
            verdicts = None
        if not isinstance(verdicts, list) or len(verdicts) != len(rows):
            raise Retry(
                f"{self._base}/CreateObservations: the answer does not name each of {len(rows)} rows", unclear=True
            )
        failed = {row.id for row, verdict in zip(rows, verdicts, strict=True) if str(verdict).lower() == "error"}
        if not failed:
            return []
        # The word says no reason. Alone, a row is answered with one.
        return await self._rest_one_by_one(
            [(stream, some) for stream, group in grouped if (some := [row for row in group if row.id in failed])]
        )

    async def _rest_one_by_one(self, grouped: list[tuple[Any, list[StoredReading]]]) -> list[Refused]:
        there = await self.there([row for _, group in grouped for row in group])
        return await self._one_by_one(
            [(stream, some) for stream, group in grouped if (some := [row for row in group if row.id not in there])]
        )

    async def _one_by_one(self, grouped: list[tuple[Any, list[StoredReading]]]) -> list[Refused]:
        refused = []
        for stream, rows in grouped:
            url = f"{self._base}/Datastreams({_key(stream)})/Observations"
            for row in rows:
                body: dict[str, Any] = {
                    "phenomenonTime": zulu(row.time),
                    "resultTime": zulu(row.time),
                    "result": _result(row),
                }
                if row.flags:
                    body["parameters"] = {"flags": flag_names(row.flags)}
                answer = await http.request(self._http, "POST", url, json=body)
                if answer.status_code in _GONE:
                    await self._entities.check([stream])
                    raise Retry(f"{url}: {http.reason(answer)}", unclear=True)
                if not answer.is_success:
                    refused.append(Refused(row.id, f"{answer.status_code}: {http.reason(answer)}"))
        return refused

    def _expect(self, answer: httpx2.Response, url: str) -> dict[str, Any]:
        try:
            page = answer.json() if answer.is_success else None
        except ValueError:
            page = None
        if not isinstance(page, dict):
            raise Retry(f"{url} answers with {answer.status_code}: {http.reason(answer)}; is it a SensorThings server?")
        return page


def _result(row: StoredReading) -> Any:
    return row.value.hex() if isinstance(row.value, bytes) else row.value


def _key(id: Any) -> str:
    """An entity's id in a path: numbers as they are, strings in quotes."""
    if isinstance(id, str):
        return "'" + id.replace("'", "''") + "'"
    return str(id)
