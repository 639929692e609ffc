"""Events as drafts of alerts: files in a folder, or POSTs to one address.

A draft's identifier is made from the case's number and its `sent` is kept with the case, so that writing it again makes
the same file with the same content, and a receiver knows the same message by (sender, identifier, sent).
"""

import asyncio
import os
import time
from pathlib import Path

from ...config.config import Config
from ...config.durations import seconds
from ...store import Store
from ...texts import both, os_reason
from .. import http, trial
from ..events import Event, EventTarget, number
from ..target import NotTaken, Retry
from .alert import Alert, Area, Reference, moment, xml
from .settings import SCOPE, Cap


def build(name: str, settings: Cap, config: Config, store: Store) -> "CapTarget":
    """The target of one [forward.…]."""
    return CapTarget(name, settings, config, store)


class CapTarget(EventTarget):
    """One folder or address."""

    def __init__(self, name: str, settings: Cap, config: Config, store: Store) -> None:
        super().__init__(name, settings.when, config, store, settings.language)
        self._settings = settings
        self._http = http.client(settings, {"content-type": "application/cap+xml; charset=utf-8"})

    async def trial(self) -> str:
        """A draft of its own, which says what it is."""
        settings, now = self._settings, int(time.time() * 1000)
        station = self._stations.all()[trial.DEVICE]
        info = {
            "language": "de-DE",
            "category": "Other",
            "event": trial.NAME,
            "responseType": "None",
            "urgency": "Unknown",
            "severity": "Unknown",
            "certainty": "Unknown",
            "headline": trial.NAME,
            "description": trial.DESCRIPTION,
        }
        area = Area(trial.NAME, None, (station.latitude or 0.0, station.longitude or 0.0, 0.0))
        identifier = number("trial", trial.DEVICE, now)
        names = (identifier, settings.sender, now, settings.status, "Alert", SCOPE, settings.restriction)
        try:
            await self._write(Alert(*names, reference=None, info=info, area=area))
        except NotTaken as refusal:
            raise Retry(
                both(
                    f"{settings.shown} lehnt den Entwurf ab: {refusal.args[0]}",
                    f"{settings.shown} refuses the draft: {refusal.args[0]}",
                )
            ) from None
        where = settings.folder or settings.shown
        return trial.taken(where, f", Entwurf {identifier}", f", draft {identifier}")

    async def report(self, event: Event) -> None:
        """A draft of an alert."""
        case = event.case
        await self._write(self._alert(event, case.id, case.begun, "Alert", None))
        case.remote.clear()
        case.remote.update({"id": case.id, "state": "Alert"})

    async def recovered(self, event: Event) -> None:
        """A draft that takes the first one back, or says that it is over."""
        case, kind = event.case, self._settings.recovered
        first = Reference(self._settings.sender, case.id, case.begun)
        await self._write(self._alert(event, f"{case.id}-{kind}", case.recovered or case.begun, kind, first))
        case.remote["state"] = kind

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    def _alert(self, event: Event, identifier: str, sent: int, kind: str, first: Reference | None) -> Alert:
        settings, when, station = self._settings, event.when, event.station
        over = first is not None
        info = {
            "language": {"de": "de-DE", "en": "en-GB"}[settings.language],
            "category": when.category or settings.category,
            "event": event.text(settings.event if when.event is None else when.event),
            "responseType": "AllClear" if over else "Assess",
            "urgency": "Past" if over else when.urgency or settings.urgency,
            "severity": when.severity or settings.severity,
            "certainty": when.certainty or settings.certainty,
            "onset": moment(event.reading.time) if not over else "",
            "expires": moment(sent + seconds(settings.expires) * 1000),
            "senderName": settings.sender_name or "",
            "headline": event.text(settings.headline if when.headline is None else when.headline)[:160],
            "description": event.text(settings.description if when.description is None else when.description),
            "web": settings.web or "",
            "contact": settings.contact or "",
        }
        instruction = settings.instruction if when.instruction is None else when.instruction
        if instruction is not None and not over:
            info["instruction"] = event.text(instruction)
        circle = None
        if station.latitude is not None and station.longitude is not None:
            circle = (station.latitude, station.longitude, float(settings.radius))
        return Alert(
            identifier=identifier,
            sender=settings.sender,
            sent=sent,
            status=settings.status,
            kind=kind,
            scope=SCOPE,
            restriction=settings.restriction,
            reference=first,
            info=info,
            area=Area(event.text(settings.area), settings.polygon, circle),
        )

    async def _write(self, alert: Alert) -> None:
        document = xml(alert)
        if self._settings.folder is not None:
            try:
                await asyncio.to_thread(write, Path(self._settings.folder), f"{alert.identifier}.xml", document)
            except OSError as error:
                raise Retry(
                    both(
                        f"{self._settings.folder} ist nicht beschreibbar: {os_reason(error)}",
                        f"{self._settings.folder} can't be written: {error.strerror}",
                    )
                ) from None
            return
        shown = self._settings.shown
        answer = await http.request(self._http, "POST", self._settings.url, name=shown, content=document)
        if answer.status_code in (404, 405, 406, 410, 415):
            raise http.takes_nothing(shown, answer)
        if not answer.is_success:
            raise NotTaken(f"{answer.status_code}: {http.reason(answer)}")


def write(folder: Path, name: str, content: bytes) -> None:
    """A file that is there whole or not at all, and for good once this returns. OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    half = folder / f".{name}.part"
    with half.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    half.replace(folder / name)
    there = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(there)
    finally:
        os.close(there)
