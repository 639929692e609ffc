"""Speaks Open311 GeoReport v2 (open311.org), as a client that makes requests and follows them.

Known of servers beside the standard: Klarschiff needs `email` and takes `radius` and `extensions`; FixMyStreet and
others answer a token first; what is asked for as JSON may be answered as XML. Standard errors: 403 the api_key is
missing or wrong, 404 no such service_code or jurisdiction_id, 400 all else, with `code` and `description` in the body.
"""

import difflib
import math
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

import httpx2

from ...texts import both
from .. import http
from ..target import NotTaken, Retry
from .answers import Row, Unreadable, required, rows

_EARTH_M = 6_371_008.8


class Posted(NamedTuple):
    """The id of a request, or a token for which there will be one later."""

    request: str | None
    token: str | None
    notice: str


class Found(NamedTuple):
    """A request as the server shows it. `state`: open or closed; `detail`: Klarschiff's detailed_status."""

    id: str
    state: str
    service_code: str
    description: str
    latitude: float | None
    longitude: float | None
    notes: str
    updated: str
    detail: str


class Client:
    """One server. `base`: the address that /services and /requests follow."""

    def __init__(
        self,
        client: http.Client,
        base: str,
        *,
        format: str = "json",
        api_key: str | None = None,
        jurisdiction: str | None = None,
    ) -> None:
        self._http = client
        self._base = base.rstrip("/")
        self._format = format
        self._api_key = api_key
        client.secrets += (api_key,) if api_key else ()
        self._place = {"jurisdiction_id": jurisdiction} if jurisdiction else {}

    async def services(self) -> dict[str, Row]:
        """What can be reported, by service_code. Retry."""
        found = await self._list("services", {})
        return {row["service_code"]: row for row in found if "service_code" in row}

    async def required(self, code: str) -> list[str]:
        """The attributes that a service with `metadata` asks for."""
        answer = await self._get(f"services/{_part(code)}", {})
        return required(answer.content) if answer.is_success else []

    async def open_requests(self, code: str, latitude: float, longitude: float, radius: float) -> list[Found]:
        """Those of a service round a place, the nearest first. Servers that know no radius answer with all of them."""
        place = {"lat": degrees(latitude), "long": degrees(longitude), "radius": f"{radius:g}"}
        rows = await self._list("requests", {"status": "open", "service_code": code, **place})
        found = [one for row in rows if (one := _found(row)) is not None]
        right = [one for one in found if one.state == "open" and one.service_code in (code, "")]
        return sorted(right, key=lambda one: distance(latitude, longitude, one))

    async def request(self, id: str) -> Found | None:
        """One request; None: the server has none of this id. Retry."""
        answer = await self._get(f"requests/{_part(id)}", {"extensions": "true"})
        if answer.status_code in (404, 410):
            return None
        found = [one for row in self._rows(answer) if (one := _found(row)) is not None]
        return found[0] if found else None

    async def token(self, token: str) -> str | None:
        """The id that has come of a token; None: not yet. NotTaken: the server knows no such token."""
        answer = await self._get(f"tokens/{_part(token)}", {})
        if answer.status_code in (400, 404, 410):
            raise NotTaken(self._why(answer))
        return next((row["service_request_id"] for row in self._rows(answer) if "service_request_id" in row), None)

    async def post(self, fields: Mapping[str, str]) -> Posted:
        """A new request. NotTaken; Retry, also where settings are at fault and no request is."""
        form = {**self._place, **({"api_key": self._api_key} if self._api_key else {}), **fields}
        url = f"{self._base}/requests.{self._format}"
        answer = await http.request(self._http, "POST", url, take=(401, 403), data=form)
        if answer.status_code in (401, 403):
            why = f"({answer.status_code}): {self._why(answer)}"
            raise Retry(
                both(
                    f"{url} lässt das Gateway nichts melden {why}; api_key_file dieses Ziels prüfen",
                    f"{url} does not let the gateway report {why}; check this target's api_key_file",
                )
            )
        if answer.status_code in (404, 405, 406, 410, 415):
            why = self._why(answer)
            raise Retry(
                both(
                    f"{url} nimmt nichts an ({answer.status_code}): {why}; url und jurisdiction_id prüfen",
                    f"{url} takes nothing ({answer.status_code}): {why}; check url and jurisdiction_id",
                )
            )
        if not answer.is_success:
            raise NotTaken(f"{answer.status_code}: {self._why(answer)}")
        found = self._rows(answer)
        row = found[0] if found else {}
        if not row.keys() & {"service_request_id", "token"}:
            raise Retry(
                both(
                    f"{url}: die Antwort nennt weder service_request_id noch token",
                    f"{url}: the answer has neither service_request_id nor token",
                ),
                unclear=True,
            )
        return Posted(row.get("service_request_id"), row.get("token"), row.get("service_notice", ""))

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    async def _get(self, path: str, asked: Mapping[str, str]) -> httpx2.Response:
        url = f"{self._base}/{path}.{self._format}"
        return await http.request(self._http, "GET", url, params={**self._place, **asked})

    async def _list(self, path: str, asked: Mapping[str, str]) -> list[Row]:
        return self._rows(await self._get(path, asked))

    def _rows(self, answer: httpx2.Response) -> list[Row]:
        url = f"{self._base}{answer.request.url.path.removeprefix(httpx2.URL(self._base).path)}"
        if not answer.is_success:
            why = self._why(answer)
            raise Retry(
                both(
                    f"{url} antwortet {answer.status_code}: {why}; url und jurisdiction_id prüfen",
                    f"{url} answers {answer.status_code}: {why}; check url and jurisdiction_id",
                )
            )
        try:
            return rows(answer.content)
        except Unreadable as error:
            raise Retry(
                both(
                    f"{url}: die Antwort ist nicht lesbar ({error}); url und format prüfen",
                    f"{url}: the answer can't be read ({error}); check url and format",
                ),
                unclear=True,
            ) from None

    def _why(self, answer: httpx2.Response) -> str:
        """The reason in an error's body (GeoReport v2, section Errors)."""
        try:
            said = [row["description"] for row in rows(answer.content) if "description" in row]
        except Unreadable:
            said = []
        # A page of HTML is from what stands before the server, and no reason.
        is_page = answer.content.lstrip().startswith(b"<")
        return "; ".join(said)[:300] or (answer.reason_phrase if is_page else http.reason(answer))


def nearest_services(services: Mapping[str, Row], code: str) -> str:
    """Codes and names of the services that may be meant, the likeliest first; all where none is near."""
    names = {f"{key} ({row.get('service_name', '')})": key for key, row in services.items()}
    near = difflib.get_close_matches(code, list(services), 3, 0.5)
    wanted = code.lower()
    near += [key for key, row in services.items() if key not in near and wanted in row.get("service_name", "").lower()]
    return ", ".join([name for key in near for name, of in names.items() if of == key][:3] or list(names)[:8])


def distance(latitude: float, longitude: float, request: Found) -> float:
    """Metres on a sphere; infinite where the request has no place."""
    if request.latitude is None or request.longitude is None:
        return math.inf
    one, other = math.radians(latitude), math.radians(request.latitude)
    across = math.radians(request.longitude - longitude)
    chord = math.sin((other - one) / 2) ** 2 + math.cos(one) * math.cos(other) * math.sin(across / 2) ** 2
    return 2 * _EARTH_M * math.asin(min(1.0, math.sqrt(chord)))


def _found(row: Row) -> Found | None:
    if "service_request_id" not in row:
        return None
    return Found(
        id=row["service_request_id"],
        state="closed" if row.get("status", "").lower() == "closed" else "open",
        service_code=row.get("service_code", ""),
        description=row.get("description", ""),
        latitude=_number(row.get("lat")),
        longitude=_number(row.get("long")),
        notes=row.get("status_notes", ""),
        updated=row.get("updated_datetime", ""),
        detail=row.get("detailed_status", ""),
    )


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is None or math.isfinite(value) else None


def degrees(value: float) -> str:
    """A coordinate, to the centimetre."""
    return f"{value:.7f}".rstrip("0").rstrip(".")


def _part(text: str) -> str:
    """One part of a path, whatever is in it."""
    return quote(text, safe="")
