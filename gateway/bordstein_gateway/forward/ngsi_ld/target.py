"""Present state to an NGSI-LD broker: the newest of each attribute, upserted.

Source: ETSI GS CIM 009 clauses 5.6.8 and 6.15.

A broker's entity is what is so now. So of a batch only the newest of each attribute goes out; what is older than what
the broker has counts as delivered. An upsert that comes twice changes nothing.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from ...boards.stations import Stations
from ...config.config import Config
from ...feeds.parking import Lot, lots
from ...feeds.view import View
from ...store import Store
from ...store.types import StoredReading
from ...texts import both, said
from ...web.publishing import Publishing
from .. import http, trial
from ..target import Refused, Retry
from ..times import milliseconds
from . import answers
from .bodies import Incomplete
from .contexts import base_urls
from .marks import Mark, Marks
from .places import Places, Unfit
from .settings import NgsiLd
from .work import Draft, Work

_LARGEST = 1000
"""Entities in a request; Orion-LD leaves out what is beyond."""
_NOT_HERE = (404, 405, 406, 410, 411, 415, 501)
"""Answers that no reading is to blame for."""


def build(name: str, settings: NgsiLd, config: Config, store: Store) -> "NgsiLdTarget":
    """The target of one [forward.…]."""
    return NgsiLdTarget(name, settings, config, store)


class NgsiLdTarget:
    """One broker and tenant; `url` is what stands before /ngsi-ld/v1."""

    keeps_history = False

    def __init__(self, name: str, settings: NgsiLd, config: Config, store: Store) -> None:
        self._settings = settings
        self._base = f"{settings.url.rstrip('/')}/ngsi-ld/v1"
        self._store = store
        self._stations = Stations(config.devices, store)
        self._config = config
        self._places = Places(settings.town or config.gateway.name, settings.entity, config.parking.sites)
        self._marks = Marks(name, f"{self._base} {settings.tenant or ''}", store)
        tenant = {"ngsild-tenant": settings.tenant} if settings.tenant else {}
        self._http = http.client(settings, {"accept": "application/json", **tenant})

    async def send(self, batch: Sequence[StoredReading]) -> list[Refused]:
        """The newest of each attribute, and the parking sites that bays are in; at most 1,000 entities a request."""
        await self._begin()
        work = Work(self._places, self._marks)
        for reading in batch:
            work.add(reading)
        if work.sites:
            work.add_sites(await asyncio.to_thread(self._lots))
        taken = await self._deliver(work, list(work.drafts.values()))
        await self._marks.note(taken)
        return [Refused(id, reason) for id, reason in work.refused.items()]

    async def there(self, batch: Sequence[StoredReading]) -> set[int]:
        """Asks the broker for each entity: what it has is at least as new."""
        await self._begin()
        known: dict[str, Mapping[str, int]] = {}
        marks: dict[str, dict[str, Mark]] = {}
        found = set[int]()
        for reading in batch:
            try:
                placed = self._places.of(reading)
            except Unfit:
                continue
            for key, name, _ in placed:
                if key.id not in known:
                    known[key.id] = await self._look(key.id)
                if name in known[key.id] and name not in self._marks.of(key.id):
                    marks.setdefault(key.id, {})[name] = Mark(known[key.id][name], reading.series)
            if placed and all(known[key.id].get(name, -1) >= reading.time for key, name, _ in placed):
                found.add(reading.id)
        await self._marks.note(marks)
        return found

    async def trial(self) -> str:
        """One WeatherObserved of the trial's board, looked at and deleted again."""
        reading = trial.reading()
        refused = await self.send([reading])
        if refused:
            why = refused[0].reason
            raise Retry(both(f"{self._base}: {said(why, 'de')}", f"{self._base}: {why}"))
        ((key, _, _), *_) = self._places.of(reading)
        shown = reading.id in await self.there([reading])
        url = f"{self._base}/entities/{quote(key.id, safe=':')}"
        answer = await http.request(self._http, "DELETE", url, take=(403, 501))
        de, en = (" und zeigt ihn", " and shows it") if shown else (", zeigt ihn aber nicht", " but does not show it")
        if answer.is_success:
            return trial.taken(self._base, f"{de}; er ist dort wieder gelöscht", f"{en}; it is deleted again")
        return trial.taken(
            self._base,
            f"{de}; er bleibt dort als {key.id} ({answer.status_code}: {http.reason(answer)})",
            f"{en}; it stays there as {key.id} ({answer.status_code}: {http.reason(answer)})",
        )

    async def upsert(self, entity: dict[str, Any]) -> str:
        """One entity as it is given, without its @context; why it was refused, empty: it was taken. Retry."""
        return (await self._upsert([entity])).get(entity["id"], "")

    async def close(self) -> None:
        """Close connections."""
        await self._http.aclose()

    async def _begin(self) -> None:
        self._places.know(await asyncio.to_thread(self._stations.all))
        await self._marks.load()

    def _lots(self) -> list[Lot]:
        publishing = Publishing(self._config)  # whom the town sends this to may see every bay
        return lots(View(self._config, self._store, self._stations, publishing, full=True))

    async def _deliver(self, work: Work, drafts: Sequence[Draft]) -> dict[str, dict[str, Mark]]:
        """What was taken, by entity and attribute; the rest is noted as refused."""
        bodies: dict[str, dict[str, Any]] = {}
        for draft in drafts:
            try:
                bodies[draft.key.id] = draft.body(self._places, self._marks)
            except Incomplete as why:
                work.refuse(draft, why.args[0])
        failures: dict[str, str] = {}
        whole = list(bodies.values())
        for first in range(0, len(whole), _LARGEST):
            failures |= await self._upsert(whole[first : first + _LARGEST])
        taken = {draft.key.id: draft.marks() for draft in drafts if draft.key.id in bodies.keys() - failures.keys()}
        for draft in drafts:
            if draft.key.id not in failures:
                continue
            # One attribute may be at fault: each by itself.
            parts = draft.parts()
            if len(parts) > 1:
                for part in parts:
                    for entity, marks in (await self._deliver(work, [part])).items():
                        taken.setdefault(entity, {}).update(marks)
            else:
                work.refuse(draft, failures[draft.key.id])
        return taken

    async def _upsert(self, entities: Sequence[dict[str, Any]]) -> dict[str, str]:
        """Why some were refused, by entity. A batch that is refused as a whole is halved."""
        url = f"{self._base}/entityOperations/upsert"
        contexts = base_urls(self._settings)
        whole = [{**entity, "@context": contexts(entity["type"])} for entity in entities]
        answer = await http.request(
            self._http,
            "POST",
            url,
            params={"options": "update"},
            content=msgspec.json.encode(whole),
            headers={"content-type": "application/ld+json"},
        )
        status = answer.status_code
        if status in (200, 201, 204):
            verdict = answers.verdict(answer)
            return self._judged(verdict, url) if verdict is not None else {}
        verdict = answers.verdict(answer)
        if verdict is not None and (verdict.failures or status == 207):
            found = self._judged(verdict, url)
            await self._make_sure([one for one in entities if one["id"] not in found.keys() | verdict.named], url)
            return found
        if status == 207:
            await self._make_sure(entities, url)
            return {}
        failure = answers.whole(answer)
        if status in _NOT_HERE or failure.passing:
            raise _settings_wrong(url, f"{status}: {failure.reason}")
        if len(entities) > 1:
            middle = len(entities) // 2
            return {**await self._upsert(entities[:middle]), **await self._upsert(entities[middle:])}
        return {entities[0]["id"]: f"{status}: {failure.reason}"}

    def _judged(self, verdict: answers.Verdict, url: str) -> dict[str, str]:
        passing = next((failure for failure in verdict.failures.values() if failure.passing), None)
        if passing is not None:
            raise _settings_wrong(url, passing.reason)
        return {entity: failure.reason for entity, failure in verdict.failures.items()}

    async def _make_sure(self, entities: Sequence[dict[str, Any]], url: str) -> None:
        """Of entities that an answer does not name: Retry unless the broker has them."""
        for entity in entities:
            id, there = entity["id"], await self._look(entity["id"])
            seen = {name: value for name, value in entity.items() if isinstance(value, dict) and "observedAt" in value}
            if any(there.get(name, -1) < milliseconds(value["observedAt"]) for name, value in seen.items()):
                raise Retry(both(f"{url} sagt nicht, was aus {id} wurde", f"{url} does not say what became of {id}"))

    async def _look(self, entity: str) -> dict[str, int]:
        """When each attribute that the broker has was observed (ms UTC); the marks are put right by it."""
        url = f"{self._base}/entities/{quote(entity, safe=':')}"
        answer = await http.request(self._http, "GET", url)
        found: dict[str, int] = {}
        if answer.is_success:
            for name, text in answers.observed(answer).items():
                try:
                    found[name] = milliseconds(text)
                except ValueError:
                    continue
        elif answer.status_code not in (400, 404):  # some say 400 of a tenant that has no entity yet
            raise _settings_wrong(url, f"{answer.status_code}: {answers.whole(answer).reason}")
        before = self._marks.of(entity)
        self._marks.correct(
            entity, {name: Mark(at, before[name].series) for name, at in found.items() if name in before}
        )
        return found


def _settings_wrong(url: str, why: str) -> Retry:
    return Retry(
        both(
            f"{url} nimmt nichts an ({why}); url, tenant und context_url dieses Ziels prüfen",
            f"{url} takes nothing ({why}); check url, tenant and context_url of this target",
        )
    )
