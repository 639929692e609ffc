"""A case's step as an Open311 request. It is looked for before each post, by its mark in the description; what somebody
else has reported of the same service at the same place is joined."""

from collections.abc import Mapping
from typing import Any

from ..config.config import Config
from ..forward.open311.client import degrees, distance
from ..forward.open311.settings import Open311
from ..forward.open311.target import LOOK_M, check_service, client
from ..forward.target import NotTaken
from ..store.errands import Due
from ..texts import both
from .kind import about, fields, mark

_SENDER = ("email", "first_name", "last_name", "phone", "media_url")


class Requests:
    """One server. Fields: service_code, description, lat, long, address_string, attributes; the first four from
    [forward.x] and the case where they are not given."""

    def __init__(self, settings: Open311, config: Config) -> None:
        self._settings = settings
        self._gateway = config.gateway.name
        self._client = client(settings)

    async def call(self, errand: Due) -> Mapping[str, Any]:
        """See Kind: `id` or `token`; `joined`: somebody else's request."""
        said, case = fields(errand), about(errand)
        code = str(said.get("service_code") or self._settings.service_code or "")
        lat, long = _place(said.get("lat", case.get("latitude")), said.get("long", case.get("longitude")))
        attributes = said.get("attributes") or {}
        await check_service(self._client, code, {*attributes, *self._settings.attributes})
        own, radius = f"[{mark(self._gateway, errand)}]", self._settings.radius
        for found in await self._client.open_requests(code, lat, long, max(radius, LOOK_M)):
            if own in found.description:
                return {"id": found.id}
            if "[B-" not in found.description and distance(lat, long, found) <= radius:
                return {"id": found.id, "joined": True}
        text = str(said.get("description") or f"{case.get('title', '')}: {case.get('place', '')}")
        form = {"service_code": code, "lat": degrees(lat), "long": degrees(long), "description": f"{text} {own}"}
        form |= {name: value for name in _SENDER if (value := getattr(self._settings, name)) is not None}
        if said.get("address_string"):
            form["address_string"] = str(said["address_string"])
        form |= {f"attribute[{name}]": str(value) for name, value in attributes.items()}
        posted = await self._client.post(form)
        answer = {"id": posted.request, "token": posted.token, "notice": posted.notice}
        return {name: value for name, value in answer.items() if value}

    async def close(self) -> None:
        """Close the connection."""
        await self._client.close()


def _place(lat: Any, long: Any) -> tuple[float, float]:
    try:
        return float(lat), float(long)
    except (TypeError, ValueError):
        raise NotTaken(
            both(
                "wo das ist, ist nicht bekannt: bordstein-gateway board import, oder lat und long in fields",
                "nobody knows where that is: bordstein-gateway board import, or lat and long in fields",
            )
        ) from None
