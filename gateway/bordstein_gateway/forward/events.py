"""A target that gets events and not each reading: what all kinds have in common.

States lie in the store (see triggers.py), one for each series and rule, and are written before an event goes out and
after it has: a restart neither repeats nor forgets one. An event that could not be delivered is tried again with its
reading; one that the target refused lies with its reading among the dead letters.
"""

import asyncio
import base64
import hashlib
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from ..boards.stations import Station, Stations
from ..config.config import Config
from ..store import Store
from ..store.types import StoredReading
from ..texts import both
from .event_words import values
from .target import NotTaken, Refused
from .times import zulu
from .triggers import Case, State, step
from .when import When
from .wording import BadTemplate, Language, fill


class Event(NamedTuple):
    """A rule's event. `named`: what a template may name."""

    when: Any
    case: Case
    reading: StoredReading
    station: Station
    named: Mapping[str, Any]
    language: Language

    def text(self, template: str) -> str:
        """A filled template; NotTaken."""
        try:
            return fill(template, self.named, self.language)
        except BadTemplate as error:
            raise NotTaken(
                both(f"die Vorlage lässt sich nicht ausfüllen: {error}", f"the template can't be filled: {error}")
            ) from None


class EventTarget(ABC):
    """One target. `whens`: its rules, in the order in which they are tried."""

    keeps_history = True  # the order counts: a newest reading alone does not say for how long it has been so

    def __init__(
        self, name: str, whens: Sequence[When], config: Config, store: Store, language: Language = "de"
    ) -> None:
        self._key = key(name)
        self._whens = whens
        self._store = store
        self._gateway = config.gateway.name
        self._stations = Stations(config.devices, store)
        self._language: Language = language
        self.states: dict[str, State] | None = None
        self._refused: dict[int, str] = {}

    @abstractmethod
    async def report(self, event: Event) -> None:
        """Tell the target; what it answers goes into event.case.remote. Again for the same case after a failure, also
        one after which nobody knows whether it was heard: look first. Retry, NotTaken."""

    @abstractmethod
    async def recovered(self, event: Event) -> None:
        """Tell it that the event is over, where it can be told. Retry, NotTaken."""

    @abstractmethod
    async def trial(self) -> str:
        """See Target."""

    @abstractmethod
    async def close(self) -> None:
        """See Target."""

    async def send(self, batch: Sequence[StoredReading]) -> list[Refused]:
        """Each reading's events, in order. Those of readings that were looked at before are not made again."""
        properties = {when.what for when in self._whens}
        some = [reading for reading in batch if reading.property in properties]
        if not some:
            return []
        states = await self.load()
        stations, boots, newest = await asyncio.to_thread(
            lambda: (
                self._stations.all(),
                {device.device: device.boot for device in self._store.devices()},
                self._store.newest_id(),
            )
        )
        changed: dict[str, State] = {}
        try:
            for reading in some:
                station = stations.get(reading.device) or Station(reading.device)
                for when in self._whens:
                    if when.what != reading.property or not _concerns(when, station):
                        continue
                    name = f"{reading.device} {reading.series} {when.key}"
                    state = states.setdefault(name, State())
                    changed[name] = state
                    boot = boots.get(reading.device)
                    edge = step(when, state, reading, now=time.time() * 1000, boot=boot, newest=newest)
                    await self._follow(name, state, when, reading, station, edge)
        finally:
            await self.keep(changed)
        ids = {reading.id for reading in batch}
        refused = [Refused(id, reason) for id, reason in self._refused.items() if id in ids]
        self._refused.clear()
        return refused

    async def there(self, batch: Sequence[StoredReading]) -> set[int]:
        """None: send() knows by its states what is done, and looks at the target for what is not certain."""
        return set()

    async def load(self) -> dict[str, State]:
        """All states, by device, series and rule."""
        if self.states is None:
            self.states = dict(await asyncio.to_thread(lambda: list(kept(self._store, self._key))))
        return self.states

    async def keep(self, states: Mapping[str, State]) -> None:
        """Have them on disk."""
        if states:
            texts = {name: msgspec.json.encode(state).decode() for name, state in states.items()}
            await asyncio.wrap_future(self._store.remote_set(self._key, texts))

    async def _follow(
        self, name: str, state: State, when: When, reading: StoredReading, station: Station, edge: str | None
    ) -> None:
        now = int(time.time() * 1000)
        if edge == "report":
            remote = _before(state.case)
            state.case = Case(number(self._gateway, name, reading.time), reading.id, now, remote=remote)
        elif edge == "recovered" and state.case is not None:
            unheard = state.case.edge == "report" and not state.case.done
            state.case = msgspec.structs.replace(
                state.case, edge="recovered", recovered=now, reading=reading.id, done=unheard
            )
        elif state.case is not None and state.on == (state.case.edge == "report") and state.case.due:
            # Its own reading may come no more: by now it is older than the outbox's max_age.
            state.case.reading = max(state.case.reading, reading.id)
        case = state.case
        if case is None or case.done or case.reading != reading.id:
            return
        named = values(
            reading,
            station,
            case=case.id,
            rule=when.key,
            limit=when.limit,
            gateway=self._gateway,
            language=self._language,
        )
        event = Event(when, case, reading, station, named, self._language)
        await self.keep({name: state})
        try:
            await (self.report(event) if case.edge == "report" else self.recovered(event))
        except NotTaken as refusal:
            self._refused[reading.id] = refusal.args[0]
            case.refused = str(refusal.args[0])
        else:
            case.done, case.refused = True, ""
        await self.keep({name: state})


def key(forwarder: str) -> str:
    """Where a forwarder's states lie in store.remote; no forwarder's name has a #."""
    return f"{forwarder}#events"


def kept(store: Store, key: str) -> Iterator[tuple[str, State]]:
    """The states there, by name."""
    for name, text in store.remote_get(key).items():
        yield name, msgspec.json.decode(text, type=State)


def number(gateway: str, name: str, time: int) -> str:
    """A case's number: always the same for the same event, and short enough to be read out on the telephone."""
    digest = hashlib.sha256(f"{gateway} {name} {time}".encode()).digest()
    return "B-" + base64.b32encode(digest[:5]).decode()


def links(store: Store, forwarder: str) -> list[dict[str, Any]]:
    """The newest event of each series and rule, and what the target calls it and says of it. Times: RFC 3339.

    `state`: due, refused, or what the kind makes of the target's answer, as open and closed of a request.
    """
    rows = []
    for name, state in sorted(kept(store, key(forwarder))):
        case = state.case
        if case is None:
            continue
        device, series, rule = name.rsplit(" ", 2)
        rows.append(
            {
                "case": case.id,
                "device": device,
                "series": series,
                "rule": rule,
                "begun": zulu(case.begun // 1000 * 1000),
                "recovered": zulu(case.recovered // 1000 * 1000) if case.recovered else "",
                "target_id": case.remote.get("id", ""),
                "state": "due" if case.due else "refused" if not case.done else case.remote.get("state", ""),
                "detail": case.remote.get("detail", ""),
                "updated": case.remote.get("updated", ""),
                "notes": case.refused or case.remote.get("notes", ""),
            }
        )
    return rows


def _before(case: Case | None) -> dict[str, str]:
    """What is known of the last event, for the next one: it may be open there still. Of one that was never heard of
    there, what was known before it."""
    if case is None:
        return {}
    last = {key: text for key, text in case.remote.items() if key.startswith("last_")}
    return {f"last_{key}": text for key, text in case.remote.items() if key not in last} or last


def _concerns(when: When, station: Station) -> bool:
    return not station.decommissioned and (not when.groups or bool(set(when.groups) & set(station.groups)))
