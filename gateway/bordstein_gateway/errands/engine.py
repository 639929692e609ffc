"""A case's step as an instance in an outside process engine, looked for by its business key before it is started."""

from collections.abc import Mapping
from typing import Any

from ..config.config import Config
from ..forward import http
from ..forward.camunda7.client import Client as CamundaClient
from ..forward.camunda7.settings import Camunda7
from ..forward.engine import Engine, Typed
from ..forward.engine_settings import Type
from ..forward.engine_values import NoSuchValue, typed
from ..forward.flowable.client import Client as FlowableClient
from ..forward.flowable.settings import Flowable
from ..forward.target import NotTaken
from ..store.errands import Due
from ..texts import both, said
from .kind import NotYet, about, fields, mark

POLL_S = 60.0


class Instances:
    """One engine. Fields: process or message, variables (name -> value, or { value, type }), until_ended: the step is
    done when the instance has ended. Without variables it gets what the case says, as texts and numbers."""

    def __init__(self, settings: Camunda7 | Flowable, config: Config) -> None:
        self._settings = settings
        self._gateway = config.gateway.name
        kind = CamundaClient if isinstance(settings, Camunda7) else FlowableClient
        self._engine: Engine = kind(http.client(settings), settings.url, settings.tenant)

    async def call(self, errand: Due) -> Mapping[str, Any]:
        """See Kind: `id` of the instance, and the `key` that it has there."""
        fields_ = fields(errand)
        process, message = fields_.get("process"), fields_.get("message")
        if not process and not message:
            process, message = self._settings.process, self._settings.message
        key = mark(self._gateway, errand)
        variables = fields_.get("variables") or dict(about(errand))
        id = await self._engine.find(process, key)
        if id is None:
            id = await self._engine.start(process, message, key, _typed(variables))
        if fields_.get("until_ended") and not await self._engine.ended(id):
            raise NotYet(POLL_S)
        return {"id": id, "key": key}

    async def close(self) -> None:
        """Close the connection."""
        await self._engine.close()


def _typed(variables: Mapping[str, Any]) -> dict[str, Typed]:
    """By what is written; a number is a Double, unless its type is named."""
    found = {}
    for name, value in variables.items():
        if isinstance(value, Mapping) and value.keys() >= {"value"}:
            kind, value = str(value.get("type", "String")), value["value"]
        else:
            kind = _kind(value)
        if value is None:
            continue
        text = str(value).lower() if isinstance(value, bool) else str(value)
        try:
            found[name] = Typed(kind, typed(text, kind))
        except (NoSuchValue, KeyError) as error:
            raise NotTaken(
                both(f"die Variable {name}: {said(error, 'de')}", f"the variable {name}: {said(error, 'en')}")
            ) from None
    return found


def _kind(value: Any) -> Type:
    return "Boolean" if isinstance(value, bool) else "Double" if isinstance(value, int | float) else "String"
