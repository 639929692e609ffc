"""/public/: what [publish] opens to everybody, to look at: map, table, plots. No login, the same for all, cacheable.

Built from a View without a login (feeds/view.py): of a station of which nothing is published not even the name is said.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ...boards.stations import Station
from ...config.open_data import Publish
from ...feeds.making import Making
from ...feeds.view import View, Wanted
from ...store.types import Latest
from ...texts import both
from ..access import Refused, language
from ..publishing import Licence, Publishing
from .headers import security_headers
from .map import features, overview, row, tiles
from .moments import now_ms, town_zone
from .plots import period, plot
from .rendering import environment
from .site import Site
from .stands import Choice, Kind, Stand, ordered
from .stations import as_json, asked_span, drawn, figure, series_of, tabs, value_line

PATH = "/public/"
STATION = "/public/stations/{device}"
_FRESH_S = 60
_KINDS = {"silent": both("seit längerem kein neuer Wert", "no new value for some time"), "ok": both("aktuell", "fresh")}


class Public:
    """The pages of one service."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.publishing = Publishing(site.config)
        self._making = Making(self._view)
        self._templates = environment(site.config)

    def _view(self, full: bool) -> View:
        state = self.site.state
        return View(state.config, state.store, state.stations, self.publishing, full=full)

    async def show(self, request: Request) -> Response:
        """Map and table."""
        lang, order = language(request), request.query_params.get("sort", "name")
        choice = Choice(
            _kind(request.query_params.get("state")),
            "",
            request.query_params.get("property", ""),
            request.query_params.get("q", "")[:100],
        )

        def made(view: View) -> bytes:
            everyone = published(view)
            some, now = ordered((one for one in everyone if choice.fits(one)), order), now_ms()
            values = overview(everyone, some, choice, lang)
            return self._page(
                request,
                "public/map.html",
                **{**values, "kinds": _KINDS},
                rows=[row(one, lang, now) for one in some],
                order=order,
                licences=licences(view),
                tiles=tiles(self.site.config.pages.tiles),
                points=f"{PATH}stations.json?lang={lang}",
            )

        return await self._made(request, made)

    async def points(self, request: Request) -> Response:
        """For the script."""
        lang = language(request)
        return await self._made_json(
            request, lambda view: features(published(view), lang, now_ms(), f"{PATH}stations/", _KINDS)
        )

    async def station(self, request: Request) -> Response:
        """One station with its plots."""
        lang, (span, last) = language(request), asked_span(request)
        device = str(request.path_params["device"])

        def made(view: View) -> bytes:
            one, now = _of(view, device), now_ms()
            found = period(span, last, town_zone(self.site.config), now)
            base = f"{PATH}stations/{device}"
            series = drawn(one.values)
            return self._page(
                request,
                "public/station.html",
                one=one,
                values=[value_line(value, lang, now) for value in one.values],
                stale=one.kind != "ok",
                span=span,
                zone=self.site.config.town.timezone,
                tabs=tabs(base, found, lang, now),
                plots=[
                    figure(self.site, value, found, lang, f"p{number}", base) for number, value in enumerate(series)
                ],
                licences=licences(view, device),
                csv=f"/open/readings.csv?device={device}",
            )

        return await self._made(request, made)

    async def plotted(self, request: Request) -> Response:
        """A series for the script."""
        (span, last), device = asked_span(request), str(request.path_params["device"])

        def made(view: View) -> Any:
            series = series_of(_of(view, device), request)
            when = period(span, last, town_zone(self.site.config), now_ms())
            return as_json(plot(self.site.store, series, when))

        return await self._made_json(request, made)

    async def _made(self, request: Request, made: Callable[[View], bytes]) -> Response:
        if self.publishing.settings is None:
            body = self._page(request, "public/nothing.html")
            return self._answer(request, body, "text/html; charset=utf-8", status=404)
        _, body = await self._making.of(request, made, full=False)
        return self._answer(request, body, "text/html; charset=utf-8")

    async def _made_json(self, request: Request, made: Callable[[View], Any]) -> Response:
        if self.publishing.settings is None:
            raise Refused(404, both("Hier ist nichts veröffentlicht.", "Nothing is published here."))
        _, found = await self._making.of(request, made, full=False)
        return JSONResponse(found, headers={"cache-control": f"public, max-age={_FRESH_S}", "vary": "Accept-Language"})

    def _answer(self, request: Request, body: bytes, media: str, status: int = 200) -> Response:
        tag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {**security_headers(self.site.config), "etag": tag, "vary": "Accept-Language"}
        headers["cache-control"] = f"public, max-age={_FRESH_S}" if status == 200 else "no-store"
        if status == 200 and tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(body, status, headers, media)

    def _page(self, request: Request, template: str, **values: Any) -> bytes:
        lang = language(request)
        publish = self.site.config.publish or Publish()
        others = [(key, value) for key, value in request.query_params.multi_items() if key != "lang"]
        return (
            self._templates.get_template(template)
            .render(
                user=None,
                lang=lang,
                _=lambda de, en: de if lang == "de" else en,
                path=request.url.path,
                sections=[],
                messages=[],
                csrf=lambda: "",
                other_lang=f"?{urlencode([*others, ('lang', 'en' if lang == 'de' else 'de')])}",
                heading=publish.title,
                publisher=publish.publisher,
                contact=publish.contact,
                **values,
            )
            .encode()
        )


def routes(site: Site) -> list[Route]:
    public = Public(site)
    found = {
        PATH: public.show,
        f"{PATH}stations.json": public.points,
        STATION: public.station,
        f"{STATION}/plot.json": public.plotted,
    }
    return [site.open(path, endpoint) for path, endpoint in found.items()]


def published(view: View) -> list[Stand]:
    """The stations of which anything is published: by these values alone, and by nothing else that is known of them."""
    values: dict[str, list[Latest]] = {}
    for value in view.latest():
        values.setdefault(value.device, []).append(value)
    return [_stand(view, device, some) for device, some in values.items() if not view.station(device).decommissioned]


def _of(view: View, device: str) -> Stand:
    some = list(view.latest(Wanted(devices=(device,))))
    if not some or view.station(device).decommissioned:
        raise Refused(
            404,
            both(
                "Eine solche Station gibt es nicht, oder sie ist nicht öffentlich.",
                "There is no such station, or it is not public.",
            ),
        )
    return _stand(view, device, some)


def _stand(view: View, device: str, values: Sequence[Latest]) -> Stand:
    known = view.station(device)
    place = Station(device, known.name, known.description, known.latitude, known.longitude)
    newest = max(value.time for value in values)
    patience = (view.config.publish or Publish()).stale_after * 60_000
    kind: Kind = "ok" if now_ms() - newest <= patience else "silent"
    return Stand(device, place, kind, [], 0, newest, None, None, values, {})


def _kind(text: str | None) -> str:
    return text if text is not None and text in _KINDS else ""


def licences(view: View, device: str | None = None) -> list[tuple[Licence, int]]:
    """Under which series may be used, and how many each: the most common first."""
    found: dict[Licence, int] = {}
    for value in view.latest():
        licence = view.licence(value.device, value.series)
        if licence is not None and device in (None, value.device):
            found[licence] = found.get(licence, 0) + 1
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0].name))
