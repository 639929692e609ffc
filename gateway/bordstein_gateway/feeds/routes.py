"""The addresses below /open/. Each answer says what its request may see; where nothing is public, that."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import iterate_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from ..config.open_data import Publish
from ..forward.times import zulu
from ..status import ServiceState
from ..texts import both
from ..web.access import Access, Refused, language
from ..web.publishing import Publishing
from . import catalog, datex2, gauges, geojson, index, parkapi, parking, parquet, readings
from .answers import answer, headers
from .making import Making
from .parameters import period, wanted
from .rdf import json_ld, turtle
from .streams import Streams
from .view import View, Wanted

_CSV = "text/csv; charset=utf-8; header=present"
_PARQUET = "application/vnd.apache.parquet"
_GZIP_LEVEL = 5
_T = TypeVar("_T")


class Feeds:
    """The handlers of one service. `sensorthings`: whether /v1.1/ is served too."""

    def __init__(self, state: ServiceState, access: Access, publishing: Publishing, *, sensorthings: bool) -> None:
        self._state = state
        self._access = access
        self._publishing = publishing
        self._sensorthings = sensorthings
        self._making = Making(self._view)
        self.streams = Streams()
        templates = Environment(loader=PackageLoader("bordstein_gateway"), autoescape=True, undefined=StrictUndefined)
        self._page = templates.get_template("open.html")

    def mount(self) -> BaseRoute:
        """For the application."""
        texts = {
            "/": self._index,
            "/latest.geojson": self._geojson,
            "/readings.csv": self._csv,
            "/series.csv": self._series,
            "/parkapi/sites.json": self._sites,
            "/parkapi/spots.json": self._spots,
            "/datex2/{what:str}-{kind:str}.xml": self._datex2,
            "/catalog": self._catalog,
            "/catalog.ttl": self._catalog,
            "/catalog.jsonld": self._catalog,
            "/metrics": self._metrics,
        }
        compressed = [Middleware(GZipMiddleware, minimum_size=1000, compresslevel=_GZIP_LEVEL)]
        routes = [Route(path, handler, middleware=compressed) for path, handler in texts.items()]
        routes.append(Route("/readings.parquet", self._parquet))
        # Browsers ask before they send these; what they get without asking, answers.py says.
        asked = ["Authorization", "If-None-Match", "If-Modified-Since"]
        foreign = Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "HEAD"], allow_headers=asked)
        return Mount("/open", routes=routes, middleware=[foreign])

    async def _full(self, request: Request) -> bool:
        full = await self._access.full(request)
        if not full and self._publishing.settings is None:
            raise Refused(
                404,
                both(
                    "Dieses Gateway veröffentlicht nichts; [publish] in gateway.toml schaltet es frei.",
                    "This gateway publishes nothing; [publish] in gateway.toml switches it on.",
                ),
            )
        return full

    def _view(self, full: bool) -> View:
        state = self._state
        return View(state.config, state.store, state.stations, self._publishing, full=full)

    async def _of(self, request: Request, made: Callable[[View], _T]) -> tuple[View, _T]:
        """The view, and what is made of it."""
        return await self._making.of(request, made, full=await self._full(request))

    def _static_ms(self) -> int:
        """When what is known of stations and sites last changed; the configuration is read at the start."""
        return max(int(self._state.started * 1000), self._state.store.register_changed())

    def _has_parking(self, view: View) -> bool:
        return bool(view.config.parking.sites and (parking.lots(view) or parking.spots(view)))

    async def _index(self, request: Request) -> Response:
        lang = language(request)
        view, page = await self._of(
            request,
            lambda view: self._page.render(
                index.content(
                    view,
                    lang,
                    sensorthings=self._sensorthings,
                    parquet=parquet.is_here(),
                    parking=self._has_parking(view),
                )
            ),
        )
        more = {"content-language": lang, "vary": "Accept-Language, Authorization"}
        return answer(request, page.encode(), "text/html; charset=utf-8", full=view.full, more=more)

    async def _geojson(self, request: Request) -> Response:
        choice = wanted(request)

        def made(view: View) -> tuple[bytes, int]:
            latest = list(view.latest(choice))
            minutes = (view.config.publish or Publish()).stale_after
            found = geojson.collection(view, latest, int(time.time() * 1000), minutes * 60_000)
            return _json(found), max((value.received for value in latest), default=0)

        view, (body, newest) = await self._of(request, made)
        return answer(request, body, "application/geo+json", full=view.full, newest_s=newest)

    async def _sites(self, request: Request) -> Response:
        def made(view: View) -> tuple[bytes, int]:
            lots = parking.lots(view)
            return _json(parkapi.sites(lots, self._static_ms())), max((lot.received for lot in lots), default=0)

        return await self._parkapi(request, made)

    async def _spots(self, request: Request) -> Response:
        def made(view: View) -> tuple[bytes, int]:
            spots = parking.spots(view)
            return _json(parkapi.bays(spots, self._static_ms())), max((spot.received for spot in spots), default=0)

        return await self._parkapi(request, made)

    async def _parkapi(self, request: Request, made: Callable[[View], tuple[bytes, int]]) -> Response:
        view, (body, newest) = await self._of(request, made)
        return answer(request, body, "application/json", full=view.full, newest_s=newest)

    async def _datex2(self, request: Request) -> Response:
        what, kind = request.path_params["what"], request.path_params["kind"]
        if what not in ("sites", "spots") or kind not in ("table", "status"):
            raise Refused(404, both("Diese Adresse gibt es nicht.", "There is no such address."))

        def made(view: View) -> tuple[bytes, bytes]:
            found = datex2.of_lots(parking.lots(view)) if what == "sites" else datex2.of_spots(parking.spots(view))
            records, static_ms = list(found), self._static_ms()
            now = int(time.time()) * 1000
            supplier = view.config.parking.national_identifier
            if kind == "status":
                body = datex2.status(records, supplier, static_ms, now)
            else:
                body = datex2.table(records, supplier, what, static_ms, now)
            return body, repr((records, static_ms)).encode()

        view, (body, same) = await self._of(request, made)
        return answer(request, body, "application/xml", full=view.full, same=same)

    async def _catalog(self, request: Request) -> Response:
        base = self._base(request)

        def made(view: View) -> bytes:
            everybody = self._view(False)
            served = catalog.Served(self._sensorthings, parquet.is_here(), self._has_parking(everybody))
            return write(catalog.nodes(everybody, base, served)).encode()

        asked = request.headers.get("accept", "")
        json_wanted = request.url.path.endswith(".jsonld") or (
            not request.url.path.endswith(".ttl") and ("application/ld+json" in asked or "application/json" in asked)
        )
        write, media = (json_ld, "application/ld+json") if json_wanted else (turtle, "text/turtle; charset=utf-8")
        view, body = await self._of(request, made)
        return answer(request, body, media, full=view.full)

    async def _metrics(self, request: Request) -> Response:
        choice = wanted(request)
        view, body = await self._of(
            request, lambda view: gauges.page(view, view.latest(choice), int(time.time() * 1000))
        )
        return Response(body, media_type=gauges.KIND, headers={**headers(full=view.full), "cache-control": "no-cache"})

    async def _series(self, request: Request) -> Response:
        choice = wanted(request)

        def made(view: View) -> tuple[bytes, int]:
            latest = list(view.latest(choice))
            body = readings.series_csv(_series_row(view, value) for value in latest)
            return body, max((value.received for value in latest), default=0)

        view, (body, newest) = await self._of(request, made)
        more = _disposition("series.csv")
        return answer(request, body, _CSV, full=view.full, newest_s=newest, more=more)

    async def _csv(self, request: Request) -> Response:
        view, rows = await self._rows(request, typed=False)
        more = _disposition("readings.csv")
        return self.streams.answer(request, iterate_in_threadpool(rows), _CSV, {**headers(full=view.full), **more})

    async def _parquet(self, request: Request) -> Response:
        if not parquet.is_here():
            raise Refused(
                501,
                both(
                    "Parquet ist hier nicht eingebaut; nachrüsten mit: pip install -r requirements-parquet.txt. "
                    "Dieselben Messwerte gibt es als readings.csv.",
                    "Parquet is not installed here; add it with: pip install -r requirements-parquet.txt. The same "
                    "readings are at readings.csv.",
                ),
            )
        view, rows = await self._rows(request, typed=True)
        parts = parquet.written(iterate_in_threadpool(rows))
        about = {**headers(full=view.full), **_disposition("readings.parquet")}
        return self.streams.answer(request, parts, _PARQUET, about)

    async def _rows(self, request: Request, *, typed: bool) -> tuple[View, Iterator[bytes]]:
        choice, (from_ms, to_ms) = wanted(request), period(request)
        view, series = await self._of(request, lambda view: _known(view, choice))
        self.streams.admit()
        found = readings.readings(view.store, series, from_ms, to_ms)
        return view, readings.as_csv(found, typed=typed)

    def _base(self, request: Request) -> str:
        """The public address."""
        named = self._publishing.settings.url if self._publishing.settings is not None else None
        return (named or str(request.base_url)).rstrip("/")


def _known(view: View, choice: Wanted) -> list[Any]:
    """The series of a choice. Refused: a series or board was named that is not there, or not for this request."""
    found = list(view.latest(choice))
    if not found and (choice.devices or choice.series):
        raise Refused(
            404,
            both(
                "Eine solche Reihe gibt es nicht, oder sie ist nicht öffentlich; welche es gibt, steht in "
                "/open/series.csv.",
                "There is no such series, or it is not public; /open/series.csv says which there are.",
            ),
        )
    return found


def _series_row(view: View, value: Any) -> tuple[Any, ...]:
    station, licence = view.station(value.device), view.licence(value.device, value.series)
    return (
        value.device,
        station.name or "",
        station.latitude,
        station.longitude,
        value.series,
        value.property,
        value.unit,
        zulu(value.time),
        licence.name if licence else "",
    )


def _disposition(name: str) -> dict[str, str]:
    return {"content-disposition": f'inline; filename="{name}"'}


def _json(found: Any) -> bytes:
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
