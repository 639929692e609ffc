"""A case's step, or a notice to a desk, as one CloudEvent.

To a [forward.x] it goes as all its events do: in a batch, signed. To a desk's own address as one event, in structured
mode (CloudEvents 1.0.2, HTTP binding). The event's id is the errand's key, and so is the header Idempotency-Key
(draft-ietf-httpapi-idempotency-key-header): a receiver that keeps to either counts nothing twice.
"""

import hashlib
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from ..config.config import Config
from ..config.files import secret
from ..config.office import Desk
from ..forward import http
from ..forward.target import NotTaken, Retry
from ..forward.times import zulu
from ..forward.webhook.settings import Webhook
from ..forward.webhook.target import key, signature
from ..store.errands import Due
from ..texts import both
from .kind import about, fields

TYPE = "de.bordstein.case.step.v1"
_SETTINGS = (404, 405, 406, 410, 415)


class Events:
    """One receiver. A notice's request is an event's own members; of a step, `fields` are the event's data."""

    def __init__(self, settings: Webhook, config: Config, *, batched: bool) -> None:
        self._settings = settings
        self._source = settings.source or f"urn:bordstein:{config.gateway.name}"
        self._secret = key(secret(settings.secret_file)) if settings.secret_file else None
        self._batched = batched
        kind = "cloudevents-batch+json" if batched else "cloudevents+json"
        self._http = http.client(settings, {"content-type": f"application/{kind}; charset=utf-8"})

    @classmethod
    def of_desk(cls, desk: Desk, config: Config) -> "Events":
        """To a desk's own address."""
        url = secret(desk.webhook_file) if desk.webhook_file else desk.webhook
        return cls(Webhook(url=url or ""), config, batched=False)

    async def call(self, errand: Due) -> Mapping[str, Any]:
        """See Kind."""
        event = self._event(errand)
        content = msgspec.json.encode([event] if self._batched else event)
        headers = {"idempotency-key": f'"{event["id"]}"', **self._sign(content)}
        name = self._settings.shown
        answer = await http.request(self._http, "POST", self._settings.url, name=name, content=content, headers=headers)
        why = f"({answer.status_code}): {http.reason(answer)}"
        if answer.status_code in _SETTINGS:
            raise Retry(
                both(
                    f"{name} nimmt keine Ereignisse an {why}; die Adresse prüfen",
                    f"{name} takes no events {why}; check the address",
                )
            )
        if not answer.is_success:
            raise NotTaken(both(f"{name} lehnt ab {why}", f"{name} refuses {why}"))
        return {"status": answer.status_code}

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    def _event(self, errand: Due) -> dict[str, Any]:
        said, case = fields(errand), about(errand)
        own = {"type": TYPE, "subject": case.get("case", errand.key), "time": zulu(errand.made)}
        event = {**own, "data": {**case, **said}} if errand.task else {**own, **said}
        return {
            "specversion": "1.0",
            "id": errand.key,
            "source": self._source,
            "datacontenttype": "application/json",
            **event,
        }

    def _sign(self, content: bytes) -> dict[str, str]:
        """Standard Webhooks, as for readings."""
        if self._secret is None:
            return {}
        now, id = str(int(time.time())), hashlib.sha256(content).hexdigest()[:32]
        signed = signature(self._secret, id, now, content)
        return {"webhook-id": id, "webhook-timestamp": now, "webhook-signature": signed}
