"""A case's step as an entity at an NGSI-LD broker: upserted, so that the same twice is the same once."""

from collections.abc import Mapping
from typing import Any

from ..config.config import Config
from ..forward.ngsi_ld.models import MODELS
from ..forward.ngsi_ld.settings import NgsiLd
from ..forward.ngsi_ld.target import NgsiLdTarget
from ..forward.target import NotTaken
from ..store import Store
from ..store.errands import Due
from ..texts import both
from .kind import fields


class Entities:
    """One broker. Fields: id, type, attributes (name -> value, or a whole Property, GeoProperty or Relationship)."""

    def __init__(self, name: str, settings: NgsiLd, config: Config, store: Store) -> None:
        self._settings = settings
        self._target = NgsiLdTarget(name, settings, config, store)

    async def call(self, errand: Due) -> Mapping[str, Any]:
        """See Kind: `id` of the entity."""
        said = fields(errand)
        id, type, attributes = str(said.get("id") or ""), str(said.get("type") or ""), said.get("attributes") or {}
        if not id or not type:
            raise NotTaken(both("in fields fehlen id oder type", "id or type are missing in fields"))
        if type not in MODELS and not self._settings.contexts:
            raise NotTaken(
                both(
                    f"{type} ist in keinem Kontext dieses Gateways; contexts des Ziels muss einen nennen",
                    f"{type} is in no context of this gateway; the target's contexts has to name one",
                )
            )
        refused = await self._target.upsert({"id": id, "type": type, **dict(map(_attribute, attributes.items()))})
        if refused:
            raise NotTaken(refused)
        return {"id": id}

    async def close(self) -> None:
        """Close the connection."""
        await self._target.close()


def _attribute(named: tuple[str, Any]) -> tuple[str, Any]:
    name, value = named
    whole = isinstance(value, Mapping) and "type" in value
    return name, value if whole else {"type": "Property", "value": value}
