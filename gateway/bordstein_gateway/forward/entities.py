"""What a SensorThings server has to know before it takes Observations: made once, found again, remembered.

A Thing is looked up by its deviceId, a Datastream by its Thing and name, an ObservedProperty by its definition, a
Sensor by its name: the last two are shared by many Datastreams (OGC 18-088 section 8.2). Looking comes before making,
so an answer that got lost makes nothing twice. Ids are kept in the store.
"""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import httpx2

from .. import properties
from ..config import Device, SensorThings
from ..store import Store
from ..store.types import StoredReading
from . import http
from .target import Retry
from .times import urn

_OM = "http://www.opengis.net/def/observationType/OGC-OM/2.0/"
_TYPES = {"number": "OM_Measurement", "count": "OM_CountObservation", "boolean": "OM_TruthObservation"}


class Entities:
    """The entities of one server."""

    def __init__(
        self,
        forwarder: str,
        settings: SensorThings,
        devices: Sequence[Device],
        store: Store,
        client: httpx2.AsyncClient,
    ) -> None:
        self._forwarder = forwarder
        self._base = settings.url.rstrip("/")
        self._settings = settings
        self._devices = {device.id: device for device in devices}
        self._store = store
        self._http = client
        self._known: dict[str, Any] | None = None  # name -> id
        self._checked: set[str] = set()

    async def datastream(self, reading: StoredReading) -> Any:
        """The id of the Datastream for a reading's series; made when the server has none. Retry."""
        name = f"datastream {reading.device} {reading.series} {reading.unit}"
        known = await self._load()
        if name not in known:
            await self._remember(name, await self._make_datastream(reading))
        return known[name]

    async def check(self, streams: Sequence[Any]) -> None:
        """Forget those of these Datastreams that the server does not have any more, with all that hangs on them."""
        known = await self._load()
        for stream in streams:
            key = f"'{stream}'" if isinstance(stream, str) else stream
            answer = await http.request(self._http, "GET", f"{self._base}/Datastreams({key})")
            if answer.status_code == 404:
                known.clear()
                await asyncio.wrap_future(self._store.remote_clear(self._forwarder))
                return

    async def _load(self) -> dict[str, Any]:
        if self._known is None:
            stored = await asyncio.to_thread(self._store.remote_get, self._forwarder)
            if stored.get("base") != json.dumps(self._base):  # another server than the one the ids are from
                await asyncio.wrap_future(self._store.remote_clear(self._forwarder))
                stored = {}
            self._known = {name: json.loads(id) for name, id in stored.items() if name != "base"}
            if not stored:
                await asyncio.wrap_future(self._store.remote_set(self._forwarder, {"base": json.dumps(self._base)}))
        return self._known

    async def _remember(self, name: str, id: Any) -> Any:
        (await self._load())[name] = id
        await asyncio.wrap_future(
            self._store.remote_set(self._forwarder, {name: json.dumps(id), "base": json.dumps(self._base)})
        )
        return id

    async def _once(self, name: str, collection: str, condition: str, body: dict[str, Any]) -> Any:
        """The id of the entity that meets the condition; made from the body when there is none."""
        known = await self._load()
        if name in known:
            return known[name]
        answer = await http.request(
            self._http, "GET", f"{self._base}/{collection}", params={"$filter": condition, "$top": "1"}
        )
        found = self._expect(answer, f"look in {collection}").get("value") or []
        if found:
            return await self._remember(name, found[0]["@iot.id"])
        return await self._remember(name, await self._create(collection, body))

    async def _create(self, collection: str, body: dict[str, Any]) -> Any:
        answer = await http.request(self._http, "POST", f"{self._base}/{collection}", json=body)
        if not answer.is_success:
            raise Retry(
                f"{self._base}/{collection} refuses what has to be made ({answer.status_code}): {http.reason(answer)}"
            )
        content = None
        if answer.content:
            content = self._expect(answer, f"make in {collection}")
        elif "location" in answer.headers:  # the standard asks for the link only
            link = str(answer.headers["location"])
            content = self._expect(await http.request(self._http, "GET", link), "read what was made")
        if not content or "@iot.id" not in content:
            raise Retry(f"{self._base}/{collection} does not say what it made", unclear=True)
        return content["@iot.id"]

    async def _make_datastream(self, reading: StoredReading) -> Any:
        row = properties.row_of(reading.series)
        thing = await self._thing(reading.device)
        label = self._label(row, reading.series)
        sensor = reading.series.rpartition("/")[0] or "sensor"
        definition = row.definition if row else f"urn:bordstein:property:{reading.property}"
        observed = await self._once(
            f"property {definition}",
            "ObservedProperties",
            f"definition eq {_quoted(definition)}",
            {
                "name": label,
                "description": row.en if row else reading.property,
                "definition": definition,
                "properties": {"name": reading.property},
            },
        )
        sensor_name = f"Bordstein {sensor}"
        sensor_id = await self._once(
            f"sensor {sensor_name}",
            "Sensors",
            f"name eq {_quoted(sensor_name)}",
            {
                "name": sensor_name,
                "description": f"Sensor «{sensor}» of a Bordstein board",
                "encodingType": "text/html",
                "metadata": "MicroPython, SenML (RFC 8428)",
            },
        )
        name = f"{label} ({reading.series}, {self._name(reading.device)})"
        unit = row.ucum if row else reading.unit
        return await self._once(
            f"datastream {reading.device} {reading.series} {reading.unit}",
            "Datastreams",
            f"Thing/@iot.id eq {_literal(thing)} and name eq {_quoted(name)}",
            {
                "name": name,
                "description": f"{row.en if row else reading.property}, series {reading.series}",
                "observationType": _OM + (_TYPES[row.kind] if row else "OM_Observation"),
                "unitOfMeasurement": {
                    "name": reading.unit or "one",
                    "symbol": (row.symbol if row else reading.unit) or "1",
                    "definition": f"http://unitsofmeasure.org/ucum.html#{unit}",
                },
                "properties": {"series": reading.series, "property": reading.property},
                "Thing": {"@iot.id": thing},
                "Sensor": {"@iot.id": sensor_id},
                "ObservedProperty": {"@iot.id": observed},
            },
        )

    async def _thing(self, device: str) -> Any:
        settings = self._devices.get(device)
        name = self._name(device)
        body: dict[str, Any] = {
            "name": name,
            "description": (settings.description if settings else None) or name,
            "properties": {"deviceId": urn(device)},
        }
        if settings is not None and settings.latitude is not None and settings.longitude is not None:
            body["Locations"] = [
                {
                    "name": name,
                    "description": name,
                    "encodingType": "application/geo+json",
                    "location": {"type": "Point", "coordinates": [settings.longitude, settings.latitude]},
                }
            ]
        more = self._settings.members
        body.update({**more, "properties": {**more.get("properties", {}), **body["properties"]}})
        return await self._once(f"thing {device}", "Things", f"properties/deviceId eq {_quoted(urn(device))}", body)

    def _name(self, device: str) -> str:
        settings = self._devices.get(device)
        return (settings.name if settings else None) or device

    def _label(self, row: properties.Property | None, series: str) -> str:
        if row is None:
            return properties.property_of(series)
        return row.de if self._settings.language == "de" else row.en

    def _expect(self, answer: httpx2.Response, what: str) -> dict[str, Any]:
        try:
            content = answer.json() if answer.is_success else None
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise Retry(f"{self._base}: can't {what} ({answer.status_code}): {http.reason(answer)}")
        return content


def _quoted(text: str) -> str:
    """A string literal in $filter."""
    return "'" + text.replace("'", "''") + "'"


def _literal(id: Any) -> str:
    return _quoted(id) if isinstance(id, str) else str(id)
