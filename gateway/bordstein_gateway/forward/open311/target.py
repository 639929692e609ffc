"""Events as Open311 requests, one for each case, and what became of them.

A request is looked for before each post: by the case's number, which stands in the description, and by service and
place. So a post that was stored and not answered is found and not repeated, and what a citizen has reported already is
joined. The standard has no call that takes a request back: a recovered case is only noted here.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress

import structlog

from ...boards.stations import Station
from ...config.config import Config
from ...config.durations import seconds
from ...config.files import secret
from ...store import Store
from ...store.types import StoredReading, StoreError
from ...texts import both
from .. import http, trial
from ..events import Event, EventTarget, number
from ..target import NotTaken, Refused, Retry
from ..triggers import Case
from .client import Client, Found, degrees, distance, nearest_services
from .settings import Open311

TOKEN_POLL_S = 5.0
"""A token is asked for this often ..."""
TOKEN_TRIES = 12
"""... so many times, and then as often as the state of requests."""
_FAILURES = 3
LOOK_M = 50
"""Our own request is looked for this far, where `radius` is less: servers round the place, or move it to a house."""

log = structlog.get_logger(__name__)


def build(name: str, settings: Open311, config: Config, store: Store) -> "Open311Target":
    """The target of one [forward.…]."""
    return Open311Target(name, settings, config, store)


def client(settings: Open311) -> Client:
    """The client for one server."""
    return Client(
        http.client(settings),
        settings.url,
        format=settings.format,
        api_key=secret(settings.api_key_file) if settings.api_key_file else None,
        jurisdiction=settings.jurisdiction_id,
    )


class Open311Target(EventTarget):
    """One server. A task of its own asks for tokens and states from the first batch until close()."""

    def __init__(self, name: str, settings: Open311, config: Config, store: Store) -> None:
        super().__init__(name, settings.when, config, store, settings.language)
        self._settings = settings
        self._name = name
        self._client = client(settings)
        self._known: set[str] = set()
        self._turn = asyncio.Lock()
        self._follower: asyncio.Task[None] | None = None

    async def send(self, batch: Sequence[StoredReading]) -> list[Refused]:
        """See EventTarget."""
        if self._follower is None:
            self._follower = asyncio.create_task(self._keep_following())
        async with self._turn:
            return await super().send(batch)

    async def close(self) -> None:
        """End the task and close the connection."""
        if self._follower is not None:
            self._follower.cancel()
            with suppress(asyncio.CancelledError):
                await self._follower
        await self._client.close()

    async def trial(self) -> str:
        """The services of all rules are looked for; a request is made only of a service that is there for trials."""
        settings, where = self._settings, self._settings.shown
        attributes = {*settings.attributes, *(name for when in settings.when for name in when.attributes)}
        names = []
        for code in dict.fromkeys(when.service_code or settings.service_code or "" for when in settings.when):
            names.append(f"{code} ({await check_service(self._client, code, attributes)})")
        known = ", ".join(names)
        if settings.trial_service_code is None:
            return both(
                f"{where} antwortet und hat {known}. Eine Probemeldung ging nicht hin, jemand müsste sie bearbeiten; "
                "mit trial_service_code geht eine an die Art von Meldung, die dort für Proben da ist.",
                f"{where} answers and has {known}. No trial request was made, as somebody would have to deal with it; "
                "with trial_service_code one is made of the service that is there for trials.",
            )
        await check_service(self._client, settings.trial_service_code, set())
        mark = number("trial", trial.DEVICE, int(time.time() * 1000))
        place = _place(self._stations.all()[trial.DEVICE])
        text = {"service_code": settings.trial_service_code, "description": f"{trial.DESCRIPTION} [{mark}]"}
        try:
            posted = await self._client.post({**text, **_at(place), **self._sender()})
        except NotTaken as refusal:
            why = refusal.args[0]
            raise Retry(
                both(f"{where} lehnt die Probemeldung ab: {why}", f"{where} refuses the trial request: {why}")
            ) from None
        if posted.request:
            return trial.taken(where, f" als {posted.request}; es hat {known}", f" as {posted.request}; it has {known}")
        token = posted.token
        return trial.taken(
            where,
            f" und nummeriert ihn später, Token {token}; es hat {known}",
            f" and numbers it later, token {token}; it has {known}",
        )

    async def report(self, event: Event) -> None:
        """Join an open request about the same, or make a new one."""
        code: str = event.when.service_code or self._settings.service_code or ""  # one of them is there: rules()
        remote = event.case.remote
        place = _place(event.station)
        await self._make_sure_of(code, event)
        if remote.get("last_state") == "token":  # the last one's request is still being made
            remote.update({"token": remote["last_token"], "state": "token"})
        elif (found := await self._still_open(remote) or await self._look(code, place, event)) is not None:
            _note(event.case, found)
        else:
            await self._post(code, place, event)
        for key in [key for key in remote if key.startswith("last_")]:
            del remote[key]

    async def recovered(self, event: Event) -> None:
        """GeoReport v2 has no call for it; who closes the request is the town."""

    async def follow(self) -> int:
        """Ask for the tokens and open requests there are; how many tokens are still waited for. Retry: three times
        there was no answer, the last of them with this reason."""
        tokens = failures = 0
        async with self._turn:
            states = list((await self.load()).items())
        for name, state in states:
            async with self._turn:  # one by one: a report does not wait for all of them
                try:
                    if state.case is not None and await self._ask(state.case):
                        await self.keep({name: state})
                except Retry:
                    failures += 1
                    if failures == _FAILURES:
                        raise
                tokens += state.case is not None and state.case.remote.get("state") == "token"
        return tokens

    async def _ask(self, case: Case) -> bool:
        """Whether there is anything new."""
        remote = case.remote
        before = dict(remote)
        if remote.get("state") == "token":
            try:
                id = await self._client.token(remote["token"])
            except NotTaken as refusal:  # it may come yet: a second request would be worse
                remote["notes"] = str(refusal.args[0])
            else:
                if id is not None:
                    remote.update({"id": id, "state": "open"})
        if remote.get("state") == "open" and "id" in remote:
            found = await self._client.request(remote["id"])
            if found is None:
                remote["state"] = "gone"
            else:
                _note(case, found)
        return remote != before

    async def _keep_following(self) -> None:
        tries = 0
        pause = TOKEN_POLL_S
        while True:
            await asyncio.sleep(pause)
            tokens = 0
            try:
                tokens = await self.follow()
            except (Retry, StoreError) as trouble:
                log.warning("states of requests are not known", forwarder=self._name, reason=trouble.args[0])
            except Exception:
                log.exception("a mistake in the program", forwarder=self._name)
            tries = tries + 1 if tokens else 0
            pause = TOKEN_POLL_S if 0 < tries <= TOKEN_TRIES else seconds(self._settings.poll)

    async def _make_sure_of(self, code: str, event: Event) -> None:
        """Retry, with the nearest names, where there is no such service: no report is to blame for that."""
        if code in self._known:
            return
        await check_service(self._client, code, set(self._attributes(event)))
        self._known.add(code)

    async def _post(self, code: str, place: tuple[float, float], event: Event) -> None:
        fields = self._fields(code, place, event)
        try:
            posted = await self._client.post(fields)
        except NotTaken:
            self._known.discard(code)  # it may have changed there
            raise
        event.case.remote.update({"notes": posted.notice, "state": "open"})
        if posted.request:
            event.case.remote["id"] = posted.request
        elif posted.token:
            event.case.remote.update({"token": posted.token, "state": "token"})

    async def _still_open(self, remote: dict[str, str]) -> Found | None:
        """The request of the same thing's last event, unless it has been closed."""
        id = remote.get("last_id")
        if id is None or remote.get("last_state") not in ("open", None):
            return None
        found = await self._client.request(id)
        return found if found is not None and found.state == "open" else None

    async def _look(self, code: str, place: tuple[float, float], event: Event) -> Found | None:
        """Our own, which was stored though nobody heard so; else another one about the same, of no other case."""
        near = await self._client.open_requests(code, *place, max(self._settings.radius, LOOK_M))
        mark = f"[{event.case.id}]"
        own = next((one for one in near if mark in one.description), None)
        if own is not None:
            return own
        taken = {state.case.remote.get("id") for state in (await self.load()).values() if state.case is not None}
        for one in near:
            if one.id in taken or "[B-" in one.description:
                continue
            if distance(*place, one) <= self._settings.radius:
                return one
        return None

    def _attributes(self, event: Event) -> dict[str, str]:
        return {**self._settings.attributes, **event.when.attributes}

    def _sender(self) -> dict[str, str]:
        names = ("email", "first_name", "last_name", "phone")
        return {name: value for name in names if (value := getattr(self._settings, name)) is not None}

    def _fields(self, code: str, place: tuple[float, float], event: Event) -> dict[str, str]:
        settings = self._settings
        text = event.text(settings.description if event.when.description is None else event.when.description)
        fields = {"service_code": code, **_at(place), **self._sender(), "description": f"{text} [{event.case.id}]"}
        if settings.address_string is not None:
            fields["address_string"] = event.text(settings.address_string)
        if settings.media_url is not None:
            fields["media_url"] = settings.media_url
        for attribute, template in self._attributes(event).items():
            fields[f"attribute[{attribute}]"] = event.text(template)
        return fields


async def check_service(client: Client, code: str, attributes: set[str]) -> str:
    """The name of a service; Retry where there is none of this code, or it asks for attributes that are not given."""
    services = await client.services()
    service = services.get(code)
    if service is None:
        near = nearest_services(services, code)
        raise Retry(
            both(
                f"service_code {code} gibt es dort nicht; es gibt {near or 'keinen'}",
                f"there is no service_code {code}; there are {near or 'none'}",
            )
        )
    if service.get("metadata", "").lower() == "true":
        absent = [name for name in await client.required(code) if name not in attributes]
        if absent:
            names = ", ".join(absent)
            raise Retry(
                both(
                    f"service_code {code} verlangt in attributes auch: {names}",
                    f"service_code {code} asks in attributes for these, too: {names}",
                )
            )
    return service.get("service_name", "")


def _place(station: Station) -> tuple[float, float]:
    if station.latitude is None or station.longitude is None:
        raise NotTaken(
            both(
                f"wo {station.device} steht, ist nicht bekannt: bordstein-gateway board import, oder [[device]]",
                f"nobody knows where {station.device} is: bordstein-gateway board import, or [[device]]",
            )
        )
    return station.latitude, station.longitude


def _at(place: tuple[float, float]) -> dict[str, str]:
    return {"lat": degrees(place[0]), "long": degrees(place[1])}


def _note(case: Case, found: Found) -> None:
    case.remote.update(
        {"id": found.id, "state": found.state, "notes": found.notes, "updated": found.updated, "detail": found.detail}
    )
