"""Events as process instances, whichever engine runs them: each case starts one, and only one.

Engines start twice what is started twice. So an instance is looked for by its business key before each start, also
among those that have ended: a start whose answer got lost is found and not repeated.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import httpx2

from ..config.config import Config
from ..store import Store
from ..texts import both, said
from . import http, trial
from .engine_settings import EngineForward, EngineWhen, Type, Variable
from .engine_values import NoSuchValue, Value, typed
from .events import Event, EventTarget
from .target import NotTaken, Retry


class Typed(NamedTuple):
    """A process variable's type, as Camunda writes it, and its value; a datetime for Date."""

    type: str
    value: Value


Variables = Mapping[str, Typed]


class Engine(Protocol):
    """A process engine's REST API. All raise Retry; start and tell also NotTaken."""

    async def find(self, process: str | None, business_key: str) -> str | None:
        """The id of the instance with this key, running or ended; None: there is none."""
        ...

    async def start(self, process: str | None, message: str | None, business_key: str, variables: Variables) -> str:
        """Start by the process's key, or by a message's name; the instance's id."""
        ...

    async def tell(self, message: str, instance: str, business_key: str, variables: Variables) -> bool:
        """Give an instance a message; False: it does not wait for it."""
        ...

    async def ended(self, instance: str) -> bool:
        """Whether an instance runs no more."""
        ...

    async def deployed(self, process: str) -> str | None:
        """The name of the process's newest version; None: there is none."""
        ...

    async def close(self) -> None:
        """Close the connection."""
        ...


def not_there(url: str, what: str, why: str = "") -> Retry:
    """For a process or message that an engine does not know: no event is to blame for that."""
    why = f" ({why})" if why else ""
    return Retry(
        both(
            f"{url}: {said(what, 'de')} gibt es dort nicht{why}; einspielen, oder den Namen prüfen",
            f"{url}: {said(what, 'en')} is not there{why}; deploy it, or check the name",
        )
    )


def taken(answer: httpx2.Response) -> None:
    """NotTaken, unless the engine did what it was asked."""
    if not answer.is_success:
        raise NotTaken(f"{answer.status_code}: {http.reason(answer)}")


class EngineTarget(EventTarget):
    """One engine."""

    def __init__(self, name: str, settings: EngineForward, engine: Engine, config: Config, store: Store) -> None:
        super().__init__(name, settings.when, config, store, settings.language)
        self._settings = settings
        self._engine = engine

    async def trial(self) -> str:
        """The processes of all rules are looked for; none is started, as somebody would have to deal with it."""
        names, where = [], self._settings.shown
        for process, message in dict.fromkeys(map(self._starts, self._settings.when)):
            if process is None:
                names.append(both(f"was {message} beginnt, zeigt es nicht", f"what {message} starts it does not show"))
                continue
            name = await self._engine.deployed(process)
            if name is None:
                raise not_there(where, both(f"der Prozess {process}", f"the process {process}"))
            names.append(both(f"hat {process} ({name})", f"has {process} ({name})"))
        await self._engine.find(None, trial.NAME)
        return both(
            f"{where} lässt das Gateway ein und {', '.join(said(name, 'de') for name in names)}. "
            "Ein Prozess wurde nicht begonnen, denn jemand müsste ihn bearbeiten.",
            f"{where} lets the gateway in and {', '.join(said(name, 'en') for name in names)}. "
            "No process was started, as somebody would have to deal with it.",
        )

    async def report(self, event: Event) -> None:
        """Start an instance, unless it was started before."""
        remote, business_key = event.case.remote, event.text(self._settings.business_key)
        process, message = self._starts(event.when)
        remote.clear()
        remote["key"] = business_key
        found = await self._engine.find(process, business_key)
        if found is None:
            found = await self._engine.start(process, message, business_key, self._variables(event))
        remote.update({"id": found, "state": "started"})

    async def recovered(self, event: Event) -> None:
        """Tell the instance, where a message is named for it. One that does not wait for it has gone on already."""
        message = event.when.recovered_message or self._settings.recovered_message
        remote = event.case.remote
        if message is None or "id" not in remote:
            return
        told = await self._engine.tell(message, remote["id"], remote["key"], self._variables(event))
        remote["state"] = "told" if told else "not waiting"

    async def close(self) -> None:
        """Close the connection."""
        await self._engine.close()

    def _starts(self, when: EngineWhen) -> tuple[str | None, str | None]:
        """Process or message: the rule's, else the target's."""
        if when.process or when.message:
            return when.process, when.message
        return self._settings.process, self._settings.message

    def _variables(self, event: Event) -> Variables:
        wanted = {**self._settings.variables, **event.when.variables} or _standard(event)
        found = {}
        for name, variable in wanted.items():
            try:
                found[name] = Typed(variable.type, typed(event.text(variable.value), variable.type))
            except NoSuchValue as error:
                raise NotTaken(
                    both(f"die Variable {name}: {said(error, 'de')}", f"the variable {name}: {said(error, 'en')}")
                ) from None
        return found


def _standard(event: Event) -> dict[str, Variable]:
    texts = {name: Variable(value=f"{{{{ {name} }}}}") for name in ("case", "device", "name", "property", "value")}
    kind: Type = "Boolean" if isinstance(event.reading.value, bool) else "Double"
    return {
        **texts,
        "amount": Variable(value="{{ amount }}", type=kind),
        "time": Variable(value="{{ iso }}", type="Date"),
    }
