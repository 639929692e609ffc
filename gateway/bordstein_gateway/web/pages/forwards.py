"""/app/forwards: what waits, what targets refused, pauses, what became of events; and what could not be read."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...boards.stations import Station
from ...forward.events import links
from ...forward.standing import Standing, standings
from ...store import audit
from ...store.types import Latest, Quarantined
from ...texts import Sentence, both
from ..access import Refused
from ..overview import value_row
from ..pagetexts import measured
from .errands import waiting
from .moments import age, now_ms
from .office import OfficeView
from .rights import Right, User
from .site import Site

PATH = "/app/forwards"
PAGE = 100
_MOST_TEXT = 400
STATES: dict[str, tuple[Sentence, str]] = {
    "running": (both("läuft", "running"), "good"),
    "paused": (both("Pause", "paused"), "warn"),
    "trouble": (both("Störung", "fault"), "bad"),
}


def routes(site: Site) -> list[Route]:
    store, office = site.store, OfficeView(site)

    def known(request: Request) -> str:
        name = str(request.path_params["name"])
        if name not in site.config.forward:
            raise Refused(404, both(f"Ein Ziel {name} gibt es nicht.", f"There is no target {name}."))
        return name

    async def show(request: Request, user: User) -> Response:
        lang, now = site.language(request), now_ms()
        stand, kept, count, errands = await asyncio.to_thread(
            lambda: (
                standings(site.config.forward, store),
                store.quarantined(_number(request, "after"), PAGE),
                store.quarantine_count(),
                waiting(office, lang),
            )
        )
        return site.page(
            *(request, user, "forwards/forwards.html"),
            targets=[target(site, one, lang, now) for one in stand.values()],
            states=STATES,
            errands=errands,
            quarantine=[message(one, site.config.mqtt.topic) for one in kept],
            quarantine_count=count,
            after=kept[-1].id if len(kept) == PAGE else None,
        )

    async def one(request: Request, user: User) -> Response:
        name, lang = known(request), site.language(request)
        after = _number(request, "after")
        stand, dead, events = await asyncio.to_thread(
            lambda: (standings([name], store)[name], dead_rows(site, name, after, lang), links(store, name))
        )
        return site.page(
            *(request, user, "forwards/target.html"),
            target=target(site, stand, lang, now_ms()),
            states=STATES,
            dead=dead,
            after=dead[-1]["id"] if len(dead) == PAGE else None,
            events=events,
        )

    async def dead_letters(request: Request, user: User) -> Response:
        name, form = known(request), await site.form(request)
        here = f"{PATH}/{name}"
        ids = None if form.get("which") == "all" else _ids(form)
        if ids is not None and not ids:
            return site.back(
                request, here, both("Bitte zuerst etwas auswählen.", "Please choose something first."), bad=True
            )
        if form.get("what") == "drop":
            count = await _done(site, user, "dead letters dropped", name, lambda: store.dead_drop(name, ids))
            words = both(
                f"Aufgegeben: {count}. Die Messwerte selbst bleiben.", f"Given up: {count}. The readings stay."
            )
        else:
            count = await _done(site, user, "dead letters sent again", name, lambda: store.dead_retry(name, ids))
            words = both(f"Werden noch einmal gesendet: {count}.", f"Are sent once more: {count}.")
        return site.back(request, here, words)

    async def pause(request: Request, user: User) -> Response:
        name, form = known(request), await site.form(request)
        reason = str(form.get("reason", "")).strip()[:200]
        hours = {"1": 1, "8": 8, "24": 24, "168": 168}.get(str(form.get("hours", "")))
        until = None if hours is None else now_ms() + hours * 3_600_000
        await _done(site, user, "paused", name, lambda: store.pause_set(name, until, reason), reason=reason)
        return site.back(request, f"{PATH}/{name}", both("Es wird nichts mehr gesendet.", "Nothing is sent any more."))

    async def resume(request: Request, user: User) -> Response:
        name = known(request)
        await _done(site, user, "resumed", name, lambda: store.pause_end(name))
        return site.back(request, f"{PATH}/{name}", both("Es geht weiter.", "It goes on."))

    async def read_again(request: Request, user: User) -> Response:
        form = await site.form(request)
        ids = None if form.get("which") == "all" else _ids(form)
        if ids is not None and not ids:
            return site.back(
                request, PATH, both("Bitte zuerst etwas auswählen.", "Please choose something first."), bad=True
            )
        count = await _done(site, user, "read again", "quarantine", lambda: store.quarantine_retry(ids))
        words = both(f"Werden noch einmal gelesen: {count}.", f"Are read once more: {count}.")
        return site.back(request, f"{PATH}#quarantine", words)

    return [
        site.get(PATH, show),
        site.post(f"{PATH}/quarantine", read_again, Right.DISPATCH),
        site.get(f"{PATH}/{{name}}", one),
        site.post(f"{PATH}/{{name}}/dead", dead_letters, Right.DISPATCH),
        site.post(f"{PATH}/{{name}}/pause", pause, Right.DISPATCH),
        site.post(f"{PATH}/{{name}}/resume", resume, Right.DISPATCH),
    ]


async def _done(
    site: Site, user: User, action: str, subject: str, order: Callable[[], "Future[Any]"], **detail: str
) -> Any:
    """Have the store do it, and the audit log say who ordered it."""

    def act() -> Any:
        done = order()
        entry = site.store.submit(
            lambda connection: audit.enter(connection, now_ms(), user.name, action, f"forward {subject}", detail)
        )
        entry.result(30)
        return done.result(30)

    return await asyncio.to_thread(act)


def target(site: Site, one: Standing, lang: str, now: int) -> dict[str, Any]:
    """A target as the pages show it."""
    settings = site.config.forward[one.name]
    return {
        "name": one.name,
        "kind": str(type(settings).__struct_config__.tag),
        "state": one.state,
        "pause": one.pause,
        "trouble": one.trouble,
        "next_try": None if one.next_try is None else int(one.next_try * 1000),
        "waiting": one.waiting,
        "waiting_age": None if one.oldest_since is None else age(now - one.oldest_since * 1000, lang),
        "backfill": one.backfill,
        "dead": one.dead,
        "refills": len(one.refills),
        "last_success": None if one.last_success is None else int(one.last_success * 1000),
    }


def dead_rows(site: Site, name: str, after: int, lang: str) -> list[dict[str, Any]]:
    """A page of what a target refused, with the readings."""
    store, stations = site.store, site.state.stations.all()
    letters = store.dead_letters(name, after_id=after, limit=PAGE)
    readings = {reading.id: reading for reading in store.readings_by_id([letter.reading_id for letter in letters])}
    rows = []
    for letter in letters:
        reading = readings.get(letter.reading_id)
        line = None
        if reading is not None:
            line = value_row(Latest(*reading[1:]))
        rows.append(
            {
                "id": letter.reading_id,
                "reason": letter.reason,
                "tries": letter.tries,
                "retry": letter.retry,
                "since": letter.since,
                "device": reading.device if reading else None,
                "station": _name(stations, reading.device) if reading else None,
                "time": reading.time if reading else None,
                "label": line["label"][lang] if line else None,
                "value": measured(line, lang) if line else None,
            }
        )
    return rows


def _name(stations: Mapping[str, Station], device: str) -> str:
    station = stations.get(device)
    return (station.name if station else None) or device


def message(one: Quarantined, topic: str) -> Mapping[str, Any]:
    """What could not be read, as far as it can be shown."""
    text = one.payload[:_MOST_TEXT].decode("utf-8", "backslashreplace")
    return {
        "id": one.id,
        "topic": one.topic.removeprefix(f"{topic}/"),
        "reason": one.reason,
        "received": one.received * 1000,
        "last": one.last * 1000,
        "times": one.times,
        "bytes": len(one.payload),
        "text": "".join(sign if sign.isprintable() or sign == "\n" else "·" for sign in text),
        "cut": len(one.payload) > _MOST_TEXT,
    }


def _ids(form: FormData) -> list[int]:
    return [int(text) for text in form.getlist("id") if isinstance(text, str) and text.isdecimal() and len(text) < 19]


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 19 else 0
