"""Observations to an OGC SensorThings API 1.1 server (FROST and others). Source: OGC 18-088.

A batch goes out as one CreateObservations request (the dataArray extension) where the server has it, else reading by
reading. What the server has to know first (Things, Datastreams, …) is the work of entities.py.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

import httpx2

from ...config.config import Config, Device
from ...decode.normalise import flag_names
from ...store import Store
from ...store.types import StoredReading
from ...texts import both, said
from .. import http, trial
from ..target import Refused, Retry
from ..times import milliseconds, zulu
from .entities import Entities, EntityRefused, literal
from .mqtt import Published
from .settings import SensorThings

_DATA_ARRAY = "data-array"
_PAGE = 1000
_DAY_MS = 86_400_000
_GONE = (404, 405, 410, 501)

_Streams = dict[Any, list[StoredReading]]
"""Datastream -> its readings in log order."""


def build(name: str, settings: SensorThings, config: Config, store: Store) -> "SensorThingsTarget":
    """The target of one [forward.…]."""
    return SensorThingsTarget(name, settings, config.devices, store)


class SensorThingsTarget:
    """One server; `url` includes the version, e.g. https://host/FROST-Server/v1.1."""

    keeps_history = True

    def __init__(self, name: str, settings: SensorThings, devices: Sequence[Device], store: Store) -> None:
        self._base = settings.url.rstrip("/")
        self._http = http.client(settings, {"accept": "application/json"})
        self._entities = Entities(name, settings, devices, store, self._http)
        self._arrays: bool | None = None
        self._read_back = settings.read_back
        self._published: Published | None = None
        if settings.observations == "mqtt" and settings.mqtt is not None:
            self._published = Published(name, self._base, settings.mqtt, settings.timeout)

    async def send(self, batch: Sequence[StoredReading]) -> list[Refused]:
        """All readings, grouped by Datastream and in their order within each."""
        streams, refused = await self._grouped(batch)
        if not streams:
            return refused
        if self._published is not None:
            return refused + await self._by_mqtt(streams, self._published)
        if self._arrays is None:
            self._arrays = await self._has_arrays()
        return refused + (await self._as_arrays(streams) if self._arrays else await self._one_by_one(streams))

    async def there(self, batch: Sequence[StoredReading]) -> set[int]:
        """Asks each Datastream for its Observations in the batch's span of time, day by day."""
        streams, _ = await self._grouped(batch)
        found = set[int]()
        for stream, rows in streams.items():
            by_time = sorted(rows, key=lambda row: row.time)
            for _, day in groupby(by_time, lambda row: row.time // _DAY_MS):
                some = list(day)
                times = await self._times(stream, some[0].time, some[-1].time)
                found |= {row.id for row in some if row.time in times}
        return found

    async def held(self, reading: StoredReading, first: int, last: int) -> list[tuple[int, Any]]:
        """All Observations of the reading's series; none where the server has no such Datastream."""
        stream = await self._entities.find(reading)
        if stream is None:
            return []
        rows = await self._rows(stream, first, last, "phenomenonTime,result")
        return [(milliseconds(row["phenomenonTime"]), row["result"]) for row in rows]

    def as_held(self, reading: StoredReading) -> Any:
        """The result of its Observation."""
        return _result(reading)

    async def trial(self) -> str:
        """A Thing of the trial's own with one Observation, looked for there, then deleted."""
        reading = trial.reading()
        self._read_back = True
        refused = await self.send([reading])
        if refused:
            raise Retry(
                both(
                    f"{self._base} lehnt die Observation ab: {said(refused[0].reason, 'de')}; dort nachsehen",
                    f"{self._base} refuses the Observation: {refused[0].reason}; see what is wrong there",
                )
            )
        if not await self.there([reading]):
            raise Retry(
                both(
                    f"{self._base} hat die Observation angenommen, zeigt sie aber nicht; prüfen, ob der Benutzer dort "
                    "auch lesen darf",
                    f"{self._base} took the Observation but does not show it; check whether the user may read there",
                )
            )
        gone = await self._entities.remove(trial.DEVICE, trial.SENSOR)
        de = (
            "er ist dort wieder gelöscht"
            if gone
            else f"löschen lässt er sich nicht, das Thing „{trial.NAME}“ bleibt dort"
        )
        en = "it is deleted again" if gone else f'it can\'t be deleted, the Thing "{trial.NAME}" stays there'
        return trial.taken(self._base, f" und zeigt ihn; {de}", f" and shows it; {en}")

    async def close(self) -> None:
        """Close connections."""
        await self._http.aclose()
        if self._published is not None:
            await self._published.close()

    async def _grouped(self, batch: Sequence[StoredReading]) -> tuple[_Streams, list[Refused]]:
        """By Datastream; refused is what the server does not want to have a Datastream for."""
        await self._entities.follow({row.device for row in batch})
        series: dict[tuple[str, str, str], list[StoredReading]] = {}
        for row in batch:
            series.setdefault((row.device, row.series, row.unit), []).append(row)
        await self._entities.meet([rows[0] for rows in series.values()])
        streams: _Streams = {}
        refused: list[Refused] = []
        for rows in series.values():
            try:
                streams.setdefault(await self._entities.datastream(rows[0]), []).extend(rows)
            except EntityRefused as refusal:
                if not await self._entities.any():  # nothing ever went well here: it is not this series' fault
                    raise Retry(
                        both(
                            f"{said(refusal, 'de')}; die Einstellungen dieses Ziels prüfen",
                            f"{refusal}; check this target's settings",
                        )
                    ) from None
                refused += [Refused(row.id, str(refusal)) for row in rows]
        return streams, refused

    async def _has_arrays(self) -> bool:
        """As the landing page says (section 9.2.1); where it does not list what it can, a try will show."""
        answer = await http.request(self._http, "GET", self._base)
        try:
            conformance = answer.json()["serverSettings"]["conformance"]
        except (ValueError, KeyError, TypeError):
            return True
        return any(_DATA_ARRAY in str(entry).lower() for entry in conformance)

    async def _as_arrays(self, streams: _Streams) -> list[Refused]:
        url = f"{self._base}/CreateObservations"
        arrays = [part for stream, rows in streams.items() for part in _arrays(stream, rows)]
        answer = await http.request(self._http, "POST", url, take=(501,), json=arrays)
        if answer.status_code in _GONE:
            # Either the server has no such extension, or a Datastream was removed there.
            await self._make_sure_of(streams)
            self._arrays = False
        elif answer.is_success:
            return await self._judged(streams, answer, url)
        # Nobody knows which row the server does not like: each by itself, after a look at what is there.
        return await self._rest_one_by_one(streams)

    async def _by_mqtt(self, streams: _Streams, published: Published) -> list[Refused]:
        rows = [(literal(stream), row) for stream, group in streams.items() for row in group]
        # Of what was published before in vain, and is not there now either, only HTTP says why.
        again = {row.id for _, row in rows if row.id in published.unseen}
        bodies = [(stream, row, _observation(row)) for stream, row in rows if row.id not in again]
        refused = await self._one_by_one(_only(streams, again)) if again else []
        published.unseen -= again
        return refused + await published.send(bodies, self.there if self._read_back else None)

    async def _judged(self, streams: _Streams, answer: httpx2.Response, url: str) -> list[Refused]:
        """Each row's answer, in the order they were sent: a link, or the word error (OGC 18-088 section 15.2).

        FROST says why after that word. The standard does not ask for it, but alone a row is answered with a reason.
        """
        rows = [row for group in streams.values() for row in group]
        try:
            verdicts = answer.json()
        except ValueError:
            verdicts = None
        if not isinstance(verdicts, list) or len(verdicts) != len(rows):
            raise Retry(
                both(
                    f"{url}: die Antwort nennt nicht jede der {len(rows)} gesendeten Zeilen",
                    f"{url}: the answer does not name each of the {len(rows)} rows that were sent",
                )
            )
        failed = {
            row.id for row, verdict in zip(rows, verdicts, strict=True) if str(verdict).lower().startswith("error")
        }
        return await self._rest_one_by_one(_only(streams, failed)) if failed else []

    async def _rest_one_by_one(self, streams: _Streams) -> list[Refused]:
        rows = [row for group in streams.values() for row in group]
        missing = {row.id for row in rows} - await self.there(rows)
        return await self._one_by_one(_only(streams, missing))

    async def _one_by_one(self, streams: _Streams) -> list[Refused]:
        refused = []
        for stream, rows in streams.items():
            url = f"{self._base}/Datastreams({literal(stream)})/Observations"
            for row in rows:
                answer = await http.request(self._http, "POST", url, json=_observation(row))
                if answer.status_code in _GONE:
                    await self._make_sure_of([stream])
                    raise http.takes_nothing(url, answer)
                if not answer.is_success:
                    refused.append(Refused(row.id, f"{answer.status_code}: {http.reason(answer)}"))
        return refused

    async def _make_sure_of(self, streams: Any) -> None:
        """Retry, having forgotten the ids, if the server has one of these Datastreams no more."""
        if await self._entities.forget_if_gone(streams):
            raise http.lost_entities(self._base)

    async def _times(self, stream: Any, first: int, last: int) -> set[int]:
        """The times (ms UTC) of a Datastream's Observations from first to last, both included."""
        return {milliseconds(row["phenomenonTime"]) for row in await self._rows(stream, first, last, "phenomenonTime")}

    async def _rows(self, stream: Any, first: int, last: int, select: str) -> list[dict[str, Any]]:
        """A Datastream's Observations from first to last (ms UTC), both included, each with a time that can be read."""
        url = f"{self._base}/Datastreams({literal(stream)})/Observations"
        options: dict[str, Any] = {
            "params": {
                "$filter": f"phenomenonTime ge {zulu(first)} and phenomenonTime le {zulu(last)}",
                "$orderby": "phenomenonTime",
                "$select": select,
                "$top": str(_PAGE),
            }
        }
        rows: list[dict[str, Any]] = []
        page = url
        while True:
            answer = await http.request(self._http, "GET", page, **options)
            if answer.status_code in _GONE:
                await self._make_sure_of([stream])
            content = http.content(answer, url)
            try:
                for row in content["value"]:
                    milliseconds(row["phenomenonTime"])
                    rows.append({name: row[name] for name in select.split(",")})
            except (KeyError, TypeError, ValueError) as error:
                raise Retry(
                    both(
                        f"{url}: die Antwort ist keine Liste von Observations: {error}",
                        f"{url}: the answer is no list of Observations: {error}",
                    )
                ) from None
            following = content.get("@iot.nextLink")
            if not following or not content["value"]:
                return rows
            # Of the link only what follows the ?: the credentials go to nobody else than the url they are meant for.
            before, page, options = page, f"{url}?{urlsplit(following).query}", {}
            if page == before:
                raise Retry(
                    both(
                        f"{url}: die Liste hört nicht auf, ihr nextLink zeigt auf sie selbst",
                        f"{url}: the list has no end, its nextLink points to itself",
                    )
                )


def _arrays(stream: Any, rows: list[StoredReading]) -> Iterator[dict[str, Any]]:
    """One dataArray for all rows, but for those with marks, which have a component more; the order stays."""
    for _, run in groupby(rows, lambda row: row.flags != 0):
        some = list(run)
        yield {
            "Datastream": {"@iot.id": stream},
            "components": _components(some[0]),
            "dataArray@iot.count": len(some),
            "dataArray": [_row(row) for row in some],
        }


def _components(row: StoredReading) -> list[str]:
    return ["phenomenonTime", "result", "resultTime", *(["parameters"] if row.flags else [])]


def _row(row: StoredReading) -> list[Any]:
    return [zulu(row.time), _result(row), zulu(row.time), *([{"flags": flag_names(row.flags)}] if row.flags else [])]


def _observation(row: StoredReading) -> dict[str, Any]:
    return dict(zip(_components(row), _row(row), strict=True))


def _result(row: StoredReading) -> Any:
    return row.value.hex() if isinstance(row.value, bytes) else row.value


def _only(streams: _Streams, ids: set[int]) -> _Streams:
    return {stream: some for stream, rows in streams.items() if (some := [row for row in rows if row.id in ids])}
