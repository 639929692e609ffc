"""What a SensorThings server has to know before it takes Observations: made once, found again, remembered.

A Thing is looked up by its deviceId, a Datastream by its Thing and name, an ObservedProperty by its definition, a
Sensor by its name: the last two are shared by many Datastreams (OGC 18-088 section 8.2). Looking comes before making,
so an answer that got lost makes nothing twice. Ids are kept in the store.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog

from ...boards.stations import Station, Stations
from ...config.config import Device
from ...properties import property_of
from ...store import Store
from ...store.types import StoredReading
from ...texts import both
from .. import http
from ..target import Retry
from ..times import urn
from .bodies import Bodies, sensor_name
from .settings import SensorThings

_ELSEWHERE = (404, 405, 410, 501)
"""Answers to a POST that say: this is not the place."""
_DATASTREAM = "datastream "
_SEEN = "body "
_OBSERVED = "ObservedProperty"

_log = structlog.get_logger(__name__)


class EntityRefused(Exception):
    """The server does not want an entity as it is; the message is one sentence with its reason."""


class Entities:
    """The entities of one server."""

    def __init__(
        self,
        forwarder: str,
        settings: SensorThings,
        devices: Sequence[Device],
        store: Store,
        client: http.Client,
    ) -> None:
        self._forwarder = forwarder
        self._base = settings.url.rstrip("/")
        self._stations = Stations(devices, store)
        self._bodies = Bodies(settings, {})
        self._followed: dict[str, Station | None] = {}  # device -> as the server knows it
        self._store = store
        self._http = client
        self._known: dict[str, Any] | None = None  # name -> id

    async def datastream(self, reading: StoredReading) -> Any:
        """The id of the Datastream for a reading's series; made when the server has none. EntityRefused, Retry."""
        name = _name(reading)
        known = await self._load()
        return known[name] if name in known else await self._make_datastream(name, reading)

    async def find(self, reading: StoredReading) -> Any:
        """The id of the Datastream for a reading's series, None where there is none; nothing is made or kept. Retry."""
        kept = await asyncio.to_thread(self._store.remote_get, self._forwarder)
        name = _name(reading)
        if name in kept and kept.get("base") == json.dumps(self._base):
            return json.loads(kept[name])
        self._bodies.stations = await asyncio.to_thread(self._stations.all)
        thing = await self._look("Things", f"properties/deviceId eq {literal(urn(reading.device))}")
        if thing is None:
            return None
        stream = self._bodies.datastream(reading)["name"]
        return await self._look("Datastreams", f"Thing/@iot.id eq {literal(thing)} and name eq {literal(stream)}")

    async def meet(self, readings: Sequence[StoredReading]) -> None:
        """Make what the server does not know of new boards, each with all its series in one request. Retry.

        `readings`: one of each series. A deep insert (section 10.2.1) is all or nothing. After one that is refused, or
        of which the server made a part only, datastream() makes what is left, one by one, and says what is at fault.
        """
        known = await self._load()
        new: dict[str, list[StoredReading]] = {}
        for reading in readings:
            if f"thing {reading.device}" not in known:
                new.setdefault(reading.device, []).append(reading)
        for device, series in new.items():
            thing = await self._look("Things", f"properties/deviceId eq {literal(urn(device))}")
            if thing is None:
                with suppress(EntityRefused):
                    await self._make_board(device, series)
            else:
                await self._remember(f"thing {device}", thing)

    async def _make_board(self, device: str, series: Sequence[StoredReading]) -> None:
        body = self._bodies.thing(device)
        streams = {}
        for reading in series:
            stream = self._bodies.datastream(reading)
            streams[stream["name"]] = reading, {**stream, **_linked(await self._shared(reading))}
        deep = {**body, "Datastreams": [stream for _, stream in streams.values()]}
        thing = await self._create(f"{self._base}/Things", deep)
        await self._remember(f"thing {device}", thing)
        await self._remember(f"{_SEEN}{device}", _digest(body))
        url = f"{self._base}/Things({literal(thing)})/Datastreams"
        made = http.content(await http.request(self._http, "GET", url, params={"$top": str(len(streams))}), url)
        for stream in made.get("value") or []:
            if stream.get("name") in streams and "@iot.id" in stream:
                await self._remember(_name(streams[stream["name"]][0]), stream["@iot.id"])

    async def follow(self, devices: Iterable[str]) -> None:
        """Bring the Things of these boards, their Locations and their Datastreams' names up to date. Retry.

        A board reports before anybody has entered it, and may be moved: then it has a new name and place.
        """
        stations = self._bodies.stations = await asyncio.to_thread(self._stations.all)
        for device in devices:
            station = stations.get(device)
            if device in self._followed and self._followed[device] == station:
                continue
            known = await self._load()
            thing = known.get(f"thing {device}")
            if thing is not None:
                body = self._bodies.thing(device)
                seen, wanted = known.get(f"{_SEEN}{device}"), _digest(body)
                # Of one that an older gateway made nobody knows; then only what was entered since is told.
                if seen != wanted and (seen is not None or (station and station.registered)):
                    await self._update(device, thing, body)
                if seen != wanted:
                    await self._remember(f"{_SEEN}{device}", wanted)
                self._followed[device] = station

    async def _update(self, device: str, thing: Any, body: dict[str, Any]) -> None:
        locations = body.pop("Locations", [])
        await self._patch("Things", thing, body)
        for location in locations:
            url = f"{self._base}/Things({literal(thing)})/Locations"
            there = http.content(await http.request(self._http, "GET", url, params={"$top": "1"}), url).get("value")
            if there:
                await self._patch("Locations", there[0]["@iot.id"], location)
            else:
                await http.request(self._http, "POST", url, take=(403, 501), json=location)
        prefix = f"{_DATASTREAM}{device} "
        for name, id in list((await self._load()).items()):
            if name.startswith(prefix):
                # No series has a space in it (RFC 8428 section 4.5.1).
                series, _, unit = name.removeprefix(prefix).partition(" ")
                reading = StoredReading(0, device, series, property_of(series), unit, 0, 0, 0, 0)
                await self._patch("Datastreams", id, {"name": self._bodies.datastream(reading)["name"]})

    async def _patch(self, collection: str, id: Any, body: dict[str, Any]) -> None:
        """A server that does not want it keeps what it has: no reading waits for that."""
        url = f"{self._base}/{collection}({literal(id)})"
        # Who may make entities need not be let change them.
        answer = await http.request(self._http, "PATCH", url, take=(403, 501), json=body)
        if not answer.is_success:
            _log.warning("a name or place was not taken", entity=f"{collection}({id})", reason=http.reason(answer))

    async def any(self) -> bool:
        """Whether this server ever had a Datastream of ours: then it is the right one and its settings are right."""
        return any(name.startswith(_DATASTREAM) for name in await self._load())

    async def remove(self, device: str, sensor: str) -> bool:
        """Delete a board's Thing, with its Datastreams (section 10.4), and a Sensor; whether the server lets us."""
        known = await self._load()
        for collection, name in (("Things", f"thing {device}"), ("Sensors", f"sensor {sensor_name(sensor)}")):
            if name in known:
                url = f"{self._base}/{collection}({literal(known[name])})"
                try:
                    answer = await http.request(self._http, "DELETE", url)
                except Retry:
                    return False
                if not answer.is_success:
                    return False
        return True

    async def forget_if_gone(self, streams: Iterable[Any]) -> bool:
        """If the server has one of these Datastreams no more, forget all ids; whether it was so."""
        return await self._forget_if_gone(("Datastreams", stream) for stream in streams)

    async def _forget_if_gone(self, entities: Iterable[tuple[str, Any]]) -> bool:
        """`entities`: collection and id."""
        for collection, id in entities:
            answer = await http.request(self._http, "GET", f"{self._base}/{collection}({literal(id)})")
            if answer.status_code in (404, 410):
                (await self._load()).clear()
                await asyncio.wrap_future(self._store.remote_clear(self._forwarder))
                return True
        return False

    async def _load(self) -> dict[str, Any]:
        if self._known is None:
            stored = await asyncio.to_thread(self._store.remote_get, self._forwarder)
            if stored.get("base") != json.dumps(self._base):  # another server than the one the ids are from
                await asyncio.wrap_future(self._store.remote_clear(self._forwarder))
                stored = {}
            self._known = {name: json.loads(id) for name, id in stored.items() if name != "base"}
        return self._known

    async def _remember(self, name: str, id: Any) -> Any:
        (await self._load())[name] = id
        values = {name: json.dumps(id), "base": json.dumps(self._base)}
        await asyncio.wrap_future(self._store.remote_set(self._forwarder, values))
        return id

    async def _once(self, name: str, collection: str, condition: str, body: dict[str, Any]) -> Any:
        """The id of the entity that meets the condition; made from the body when there is none."""
        known = await self._load()
        if name in known:
            return known[name]
        found = await self._look(collection, condition)
        if found is None:
            found = await self._create(f"{self._base}/{collection}", body)
        return await self._remember(name, found)

    async def _look(self, collection: str, condition: str) -> Any:
        """The id of the entity that meets the condition; None where there is none."""
        url = f"{self._base}/{collection}"
        answer = await http.request(self._http, "GET", url, params={"$filter": condition, "$top": "1"})
        found = http.content(answer, url).get("value") or []
        return found[0]["@iot.id"] if found else None

    async def _create(self, url: str, body: dict[str, Any]) -> Any:
        answer = await http.request(self._http, "POST", url, json=body)
        if answer.status_code in _ELSEWHERE:
            raise http.takes_nothing(url, answer)
        if not answer.is_success:
            name, why = body["name"], f"({answer.status_code}): {http.reason(answer)}"
            raise EntityRefused(both(f"{url} lehnt „{name}“ ab {why}", f'{url} refuses "{name}" {why}'))
        # The standard asks for the link only; FROST's answer to a POST is empty, others send the entity.
        link = re.search(r"\((?:(\d+)|'(.+)')\)/?$", str(answer.headers.get("location", "")))
        if link is not None:
            return int(link[1]) if link[1] else link[2].replace("''", "'")
        id = http.content(answer, url).get("@iot.id")
        if id is None:
            raise Retry(
                both(
                    f"{url} sagt nicht, was angelegt wurde: weder im Kopf Location noch als @iot.id",
                    f"{url} does not say what it made: neither a Location header nor @iot.id",
                )
            )
        return id

    async def _make_datastream(self, name: str, reading: StoredReading) -> Any:
        device, bodies = reading.device, self._bodies
        made = bodies.thing(device)
        new = f"thing {device}" not in await self._load()
        thing = await self._once(f"thing {device}", "Things", f"properties/deviceId eq {literal(urn(device))}", made)
        if new:
            await self._remember(f"{_SEEN}{device}", _digest(made))
        shared = await self._shared(reading)
        stream = bodies.datastream(reading)
        try:
            return await self._once(
                name,
                "Datastreams",
                f"Thing/@iot.id eq {literal(thing)} and name eq {literal(stream['name'])}",
                {**stream, **_linked({"Thing": thing, **shared})},
            )
        except EntityRefused:
            # Perhaps it links to what somebody has removed there since.
            linked = [("Things", thing), ("Sensors", shared["Sensor"]), ("ObservedProperties", shared[_OBSERVED])]
            if await self._forget_if_gone(linked):
                raise http.lost_entities(self._base) from None
            raise

    async def _shared(self, reading: StoredReading) -> dict[str, Any]:
        """The ids of what Datastreams of many boards link to; made when the server has none."""
        observed, sensor = self._bodies.observed_property(reading), self._bodies.sensor(reading)
        definition = observed["definition"]
        return {
            _OBSERVED: await self._once(
                f"property {definition}", "ObservedProperties", f"definition eq {literal(definition)}", observed
            ),
            "Sensor": await self._once(
                f"sensor {sensor['name']}", "Sensors", f"name eq {literal(sensor['name'])}", sensor
            ),
        }


def _linked(ids: Mapping[str, Any]) -> dict[str, Any]:
    """Links to entities that are there, as members of a body."""
    return {role: {"@iot.id": id} for role, id in ids.items()}


def _name(reading: StoredReading) -> str:
    """Under which the id of a series' Datastream is kept."""
    return f"{_DATASTREAM}{reading.device} {reading.series} {reading.unit}"


def _digest(body: dict[str, Any]) -> str:
    """By which a body is known again."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]


def literal(value: Any) -> str:
    """A string or number in $filter, and an entity's id in a path: strings in quotes, quotes in them doubled."""
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)
