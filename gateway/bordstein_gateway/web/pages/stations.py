"""/app/stations/DEVICE: one station: how it stands, what it measures, how complete that is, its life."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ...boards.stations import Station
from ...cases.types import Case
from ...decode.normalise import flag_names
from ...feeds import readings
from ...feeds.parameters import period as asked_period
from ...store import Store
from ...store import cases as case_rows
from ...store.cases import CaseFilter
from ...store.types import Completeness, Latest
from ...texts import both, said
from ..access import Refused
from ..overview import value_row
from ..pagetexts import TEXTS, measured
from . import life
from .charts import Plot, Span, chart, written
from .map import TONES, open_cases
from .moments import age, day_text, iso, now_ms, spoken_day, town_zone, when
from .plots import SPANS, Period, period, plot
from .rights import Right, User
from .site import Site
from .sketch import shape
from .stands import KINDS, Stand, by_device, stand

PATH = "/app/stations/{device}"
DAYS = 28
"""Of which completeness is shown."""
_MOST_CASES = 10
_SECRETS = ("password", "pin", "key", "token", "secret")


def routes(site: Site) -> list[Route]:
    def of(request: Request) -> Stand:
        return stand_of(site, request.path_params["device"])

    async def show(request: Request, user: User) -> Response:
        lang = site.language(request)
        span, last = asked_span(request)
        return site.page(
            request,
            user,
            "stations/station.html",
            **await asyncio.to_thread(lambda: content(site, of(request), span, last, lang, user)),
        )

    async def plotted(request: Request, user: User) -> Response:
        span, last = asked_span(request)
        one = await asyncio.to_thread(of, request)
        series = series_of(one, request)
        when = period(span, last, town_zone(site.config), now_ms())
        return JSONResponse(as_json(await asyncio.to_thread(plot, site.store, series, when)))

    async def csv(request: Request, user: User) -> Response:
        one = await asyncio.to_thread(of, request)
        some = [series_of(one, request)] if "series" in request.query_params else list(one.values)
        rows = readings.readings(site.store, some, *asked_period(request))
        name = f"{one.device}.csv"
        return StreamingResponse(
            iterate_in_threadpool(readings.as_csv(rows)),
            media_type="text/csv; charset=utf-8; header=present",
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )

    return [
        site.get(PATH, show),
        site.get(f"{PATH}/plot.json", plotted),
        site.get(f"{PATH}/readings.csv", csv),
        *life.routes(site, of),
    ]


def stand_of(site: Site, device: str) -> Stand:
    """Of one station. Refused: nobody knows it."""
    store = site.store
    station = site.state.stations.all().get(device)
    board = next((one for one in store.devices() if one.device == device), None)
    if station is None and board is None:
        raise Refused(404, both(f"Eine Station {device} gibt es nicht.", f"There is no station {device}."))
    cases = by_device(open_cases(store)).get(device, 0)
    return stand(station or Station(device), board, store.configs().get(device), store.latest(device), cases)


def asked_span(request: Request) -> tuple[Span, date | None]:
    """Which period an address asks for; a day where it asks for nothing that there is."""
    asked = request.query_params.get("span")
    return next((span for span in SPANS if span == asked), "day"), spoken_day(request.query_params.get("at"))


def series_of(one: Stand, request: Request) -> Latest:
    """The series that an address names. Refused: the station has none of that name."""
    name, unit = request.query_params.get("series"), request.query_params.get("unit")
    for value in [*one.values, *one.health.values()]:
        if value.series == name and unit in (None, value.unit):
            return value
    raise Refused(404, both(f"Eine Reihe „{name}“ hat diese Station nicht.", f'This station has no series "{name}".'))


def content(site: Site, one: Stand, span: Span, last: date | None, lang: str, user: User) -> dict[str, Any]:
    """What the template shows."""
    now, store = now_ms(), site.store
    found = period(span, last, town_zone(site.config), now)
    base = f"/app/stations/{one.device}"
    day = datetime.now(UTC).date()
    accounts = store.completeness(one.device, (day - timedelta(days=DAYS - 1)).isoformat(), day.isoformat())
    return {
        "one": one,
        "kind": KINDS[one.kind],
        "tone": TONES[one.kind],
        "sign": shape(one.kind),
        "reasons": [said(reason, lang) for reason in one.reasons],
        "seen_age": age(now - one.seen, lang) if one.seen else None,
        "values": [value_line(value, lang, now) for value in one.values],
        "health": [value_line(value, lang, now) for value in one.health.values()],
        "span": span,
        "zone": site.config.town.timezone,
        "tabs": tabs(base, found, lang, now),
        "plots": [
            figure(site, value, found, lang, f"p{number}", base) for number, value in enumerate(drawn(one.values))
        ],
        "days": strip(accounts, day, lang),
        "cases": cases_of(store, one.device),
        "config": config_text(one, full=user.may(Right.ADMINISTER)),
        "csv": f"{base}/readings.csv?{urlencode({'from': _day_text(found.begin), 'to': _day_text(found.end)})}",
        **life.content(site, one.device, lang),
    }


def value_line(value: Latest, lang: str, now: int) -> dict[str, Any]:
    """A newest value with its age and marks."""
    line = value_row(value)
    return {
        "label": line["label"][lang],
        "sensor": line["sensor"],
        "value": measured(line, lang),
        "age": age(now - value.time, lang),
        "time": value.time,
        "iso": iso(value.time),
        "flags": [TEXTS[lang].get(name, name) for name in flag_names(value.flags)],
    }


def drawn(values: Sequence[Latest]) -> list[Latest]:
    """Those that are numbers."""
    return [value for value in values if isinstance(value.value, int | float)]


def tabs(base: str, found: Period, lang: str, now: int) -> dict[str, Any]:
    """Links to other periods."""
    titles = {"day": both("Tag", "Day"), "week": both("7 Tage", "7 days"), "year": both("Jahr", "Year")}

    def link(span: str, last: date) -> str:
        return f"{base}?{urlencode({'span': span, 'at': last.isoformat()})}#plots"

    first, end = found.moved(-1) + timedelta(days=1), found.last
    words = day_text(end, lang) if found.span == "day" else f"{day_text(first, lang)} – {day_text(end, lang)}"
    return {
        "spans": [(said(titles[span], lang), link(span, found.last), span == found.span) for span in SPANS],
        "before": link(found.span, found.moved(-1)),
        "after": link(found.span, found.moved(1)) if found.end <= now else None,
        "words": words,
    }


def figure(
    site: Site, value: Latest, found: Period, lang: str, name: str, base: str | None, title: str | None = None
) -> dict[str, Any]:
    """A series drawn, with the same as a table. `base`: of the address that the script asks; None: it asks none."""
    drawing = plot(site.store, value, found)
    line = value_row(value)
    title = title or (f"{line['label'][lang]} ({line['sensor']})" if line["sensor"] else line["label"][lang])
    span = {"span": found.span, "at": found.last.isoformat()}
    query = urlencode({"series": value.series, "unit": value.unit, **span})
    return {
        "title": title,
        "svg": chart(drawing, zone=town_zone(site.config), lang=lang, title=title, name=name),
        "rows": list(table(drawing, site, lang)),
        "band": any(dot.least != dot.most for dot in drawing.dots),
        "url": f"{base}/plot.json?{query}" if base else None,
        "symbol": drawing.symbol,
        "decimals": drawing.decimals,
        "steps": drawing.steps,
    }


def table(drawing: Plot, site: Site, lang: str) -> Iterator[dict[str, Any]]:
    """The dots and gaps in words."""
    lines: list[tuple[int, dict[str, Any]]] = []
    for dot in drawing.dots:
        at = (
            day_text(datetime.fromtimestamp(dot.start / 1000, UTC).date(), lang)
            if drawing.span == "year"
            else when(dot.start, lang, town_zone(site.config), seconds=dot.start % 60_000 != 0)
        )
        marks = [TEXTS[lang].get(name, name) for name in flag_names(dot.flags)]
        values = [written(value, drawing, lang) for value in (dot.value, dot.least, dot.most)]
        lines.append((dot.start, {"at": at, "values": values, "flags": marks, "gap": None}))
    for gap in drawing.gaps:
        until = when(gap.end, lang, town_zone(site.config))
        lines.append(
            (gap.start, {"at": when(gap.start, lang, town_zone(site.config)), "values": [], "flags": [], "gap": until})
        )
    yield from (line for _, line in sorted(lines, key=lambda pair: pair[0], reverse=True))


def as_json(drawing: Plot) -> dict[str, Any]:
    """For the script: columns by time (Unix seconds), with null where a gap is."""
    times: list[float] = []
    rows: list[tuple[float | None, float | None, float | None]] = []
    for number, run in enumerate(drawing.runs):
        if number:
            times.append((run[0].start - 1) / 1000)
            rows.append((None, None, None))
        for dot in run:
            times.append(dot.middle / 1000)
            rows.append((dot.value, dot.least, dot.most))
    return {
        "begin": drawing.begin / 1000,
        "end": drawing.end / 1000,
        "times": times,
        "values": [row[0] for row in rows],
        "least": [row[1] for row in rows],
        "most": [row[2] for row in rows],
        "gaps": [(gap.start / 1000, gap.end / 1000) for gap in drawing.gaps],
    }


def strip(accounts: Sequence[Completeness], today: date, lang: str) -> list[dict[str, Any]]:
    """Each UTC day's share of packs that are here."""
    known = {account.day: account for account in accounts}
    found = []
    for back in range(DAYS - 1, -1, -1):
        day = today - timedelta(days=back)
        account = known.get(day.isoformat())
        counted = account is not None and account.numbered and account.expected > 0
        share = account.arrived / account.expected if account is not None and counted else None
        # Of 99.96 per cent nobody may read that all is there.
        per_cent = None if share is None else 100 if share == 1 else min(99, round(share * 100))
        found.append(
            {
                "day": day.strftime("%d.%m.") if lang == "de" else day.strftime("%d %b"),
                "iso": day.isoformat(),
                "per_cent": per_cent,
                "tone": "none"
                if share is None or account is None or not account.arrived
                else "full"
                if share == 1
                else "part",
                "account": account if counted else None,
            }
        )
    return found


def cases_of(store: Store, device: str) -> list[Case]:
    """The newest cases that name it."""
    with store.database.reading() as connection:
        found, _ = case_rows.listed(connection, CaseFilter(text=device), "newest", _MOST_CASES)
    return found


def config_text(one: Stand, *, full: bool) -> str | None:
    """The wanted configuration without its secrets; None: there is none, or it is not for everybody."""
    if one.config is None or one.config.text is None or not full:
        return None
    return json.dumps(_bare(json.loads(one.config.text)), ensure_ascii=False, indent=2)


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: "•••" if name in _SECRETS and isinstance(inner, str) else _bare(inner)
            for name, inner in value.items()
        }
    return [_bare(inner) for inner in value] if isinstance(value, list) else value


def _day_text(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
