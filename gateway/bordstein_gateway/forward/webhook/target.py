"""Readings as CloudEvents 1.0 in batches to one URL, signed.

Sources: CloudEvents 1.0.2 with its JSON format and HTTP binding, batched mode; the signature follows the Standard
Webhooks specification: `webhook-signature: v1,<base64>` is HMAC-SHA256 with the shared secret over
`<webhook-id>.<webhook-timestamp>.<body>`. A secret that begins with whsec_ is base64, any other one counts as it is
written.

An event's id is made from device, series, time and, where it is not the property table's, unit. So a receiver that
keeps CloudEvents' rule (same source and id: same event) counts nothing twice, however often a batch is sent.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import httpx2
import msgspec

from ...boards.stations import Station, Stations
from ...config.config import Config
from ...config.files import secret
from ...properties import row_of
from ...store import Store
from ...store.types import StoredReading
from ...texts import both
from .. import http, trial
from ..enriched import enriched
from ..halving import halved
from ..target import Refused, Retry
from ..times import zulu
from .settings import Webhook

TYPE = "de.bordstein.reading.v1"
TRIAL_TYPE = "de.bordstein.trial.v1"
_TOO_LARGE = 413
_SETTINGS = (404, 405, 406, 410, 415)
"""Answers that no reading is to blame for."""


def build(_: str, settings: Webhook, config: Config, store: Store) -> "WebhookTarget":
    """The target of one [forward.…]."""
    return WebhookTarget(settings, config, store)


class WebhookTarget:
    """One receiver."""

    keeps_history = True

    def __init__(self, settings: Webhook, config: Config, store: Store | None = None) -> None:
        self._url = settings.url
        self._name = settings.shown
        self._source = settings.source or f"urn:bordstein:{config.gateway.name}"
        self._stations = Stations(config.devices, store)
        self._places: Mapping[str, Station] = {}
        self._secret = key(secret(settings.secret_file)) if settings.secret_file else None
        self._http = http.client(settings, {"content-type": "application/cloudevents-batch+json; charset=utf-8"})

    async def send(self, batch: Sequence[StoredReading]) -> list[Refused]:
        """One request; a batch that is refused as a whole is halved until the reading at fault is alone."""
        self._places = await asyncio.to_thread(self._stations.all)
        return await halved(batch, self._take)

    async def trial(self) -> str:
        """One event of a type of its own."""
        self._places = await asyncio.to_thread(self._stations.all)
        answer = await self._post(msgspec.json.encode([{**self._event(trial.reading()), "type": TRIAL_TYPE}]))
        if not answer.is_success:
            why = f"({answer.status_code}): {http.reason(answer)}"
            raise Retry(
                both(
                    f"{self._name} lehnt ein Ereignis der Art {TRIAL_TYPE} ab {why}; beim Empfänger nachsehen, ob er "
                    "Ereignisse und Signatur so erwartet",
                    f"{self._name} refuses an event of type {TRIAL_TYPE} {why}; see at the receiver whether it expects "
                    "events and signature like this",
                )
            )
        answered = f"{answer.status_code} {answer.reason_phrase}".strip()
        return trial.taken(
            self._name,
            f": {answered}; das Ereignis hat die Art {TRIAL_TYPE}",
            f": {answered}; the event has the type {TRIAL_TYPE}",
        )

    async def there(self, batch: Sequence[StoredReading]) -> set[int]:
        """Nothing can be asked; the events' ids let the receiver see what it has."""
        return set()

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    async def _take(self, batch: Sequence[StoredReading]) -> str:
        """Why the receiver refuses it; empty when it took it."""
        content = msgspec.json.encode([self._event(reading) for reading in batch])
        answer = await self._post(content)
        if answer.is_success:
            return ""
        size = f" ({len(content)} bytes)" if answer.status_code == _TOO_LARGE else ""
        return f"{answer.status_code}{size}: {http.reason(answer)}"

    async def _post(self, content: bytes) -> httpx2.Response:
        """One request; Retry also where it is not the events' fault."""
        signed = self._sign(content)
        answer = await http.request(self._http, "POST", self._url, name=self._name, content=content, headers=signed)
        if answer.status_code in _SETTINGS:
            why = f"({answer.status_code}): {http.reason(answer)}"
            raise Retry(
                both(
                    f"{self._name} nimmt keine Ereignisse an {why}; die url dieses Ziels prüfen",
                    f"{self._name} takes no events {why}; check the url of this target",
                )
            )
        return answer

    def _event(self, reading: StoredReading) -> dict[str, Any]:
        return {
            "specversion": "1.0",
            "id": event_id(reading),
            "source": self._source,
            "type": TYPE,
            "subject": f"{reading.device}/{reading.series}",
            "time": zulu(reading.time),
            "datacontenttype": "application/json",
            "data": enriched(reading, self._places.get(reading.device)),
        }

    def _sign(self, content: bytes) -> dict[str, str]:
        if self._secret is None:
            return {}
        now = str(int(time.time()))
        id = hashlib.sha256(content).hexdigest()[:32]
        return {
            "webhook-id": id,
            "webhook-timestamp": now,
            "webhook-signature": signature(self._secret, id, now, content),
        }


def event_id(reading: StoredReading) -> str:
    """The same for the same reading, whenever and by whichever gateway it is sent.

    A series has the unit of the property table; what came in another one is another series, so its unit is added.
    """
    row = row_of(reading.series)
    unit = "" if row is not None and row.unit == reading.unit else reading.unit
    return f"{reading.device}/{reading.series}/{reading.time}" + (f"/{unit}" if unit else "")


def key(secret: str) -> bytes:
    """The bytes that a secret stands for."""
    encoded = secret.removeprefix("whsec_")
    if encoded != secret:
        with suppress(binascii.Error):
            return base64.b64decode(encoded, validate=True)
    return secret.encode()


def signature(secret: bytes, id: str, timestamp: str, content: bytes) -> str:
    """The value of `webhook-signature`."""
    digest = hmac.new(secret, f"{id}.{timestamp}.".encode() + content, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()
