"""A station's life on its page: who mounted it when, why here, visits, calibrations, repairs, photos."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...store import audit, station_notes
from ...store import cases as case_rows
from ...store.connection import Connection
from ...store.station_notes import KINDS, LONGEST, StationNote
from ...texts import Sentence, both, said
from ..access import Refused
from .moments import iso, now_ms, spoken_day, town_zone
from .rights import Right, User
from .site import Site
from .stands import Stand

TITLES: dict[str, Sentence] = {
    "mounted": both("Montiert", "Mounted"),
    "why_here": both("Warum hier", "Why here"),
    "visit": both("Besuch", "Visit"),
    "calibration": both("Kalibriert", "Calibrated"),
    "repair": both("Repariert", "Repaired"),
    "photo": both("Foto", "Photo"),
    "removed": both("Abgebaut", "Removed"),
}
_LARGEST = 11 * 1024 * 1024
_PHOTO_HEADERS = {
    "cache-control": "private, max-age=31536000, immutable",
    "content-security-policy": "default-src 'none'; sandbox",
}


def routes(site: Site, of: Callable[[Request], Stand]) -> list[Route]:
    """`of`: the station that an address names."""
    path = "/app/stations/{device}"

    async def note(request: Request, user: User) -> Response:
        one = await asyncio.to_thread(of, request)
        form = await site.form(request)
        here = f"/app/stations/{one.device}#life"
        at, problem = _moment(site, form)
        kind, text = str(form.get("kind", "")), str(form.get("text", "")).strip().replace("\r\n", "\n")
        photo = await _photo(form)
        if problem is None:
            problem = _problem(kind, text, photo)
        if problem is not None:
            return site.back(request, here, problem, bad=True)
        written = StationNote(0, one.device, at, user.name, kind, text, None)  # type: ignore[arg-type]
        try:
            await asyncio.to_thread(_keep, site, written, photo)
        except _NoPhoto as error:
            return site.back(request, here, error.sentence, bad=True)
        return site.back(request, here, both("Eingetragen.", "Entered."))

    async def show_photo(request: Request, user: User) -> Response:
        device, digest = request.path_params["device"], request.path_params["digest"]

        def read() -> tuple[str, bytes] | None:
            with site.store.database.reading() as connection:
                mine = any(one.photo == digest for one in station_notes.of(connection, device))
                return case_rows.photo(connection, digest) if mine else None

        found = await asyncio.to_thread(read)
        if found is None:
            raise Refused(404, both("Dieses Foto gibt es nicht.", "There is no such photo."))
        return Response(found[1], media_type=found[0], headers=_PHOTO_HEADERS)

    return [
        site.post(f"{path}/notes", note, Right.WORK, largest=_LARGEST),
        site.get(f"{path}/photos/{{digest}}", show_photo),
    ]


def content(site: Site, device: str, lang: str) -> dict[str, Any]:
    """What app/stations/_life.html needs."""
    zone = town_zone(site.config)
    with site.store.database.reading() as connection:
        found = station_notes.of(connection, device)
    return {
        "life": [{"note": note, "title": said(TITLES[note.kind], lang), "iso": iso(note.at)} for note in found],
        "life_kinds": [(kind, said(TITLES[kind], lang)) for kind in KINDS],
        "today": datetime.fromtimestamp(now_ms() / 1000, zone).date().isoformat(),
    }


class _NoPhoto(Exception):
    """What was sent is no photo."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def _moment(site: Site, form: FormData) -> tuple[int, Sentence | None]:
    """Today means now; another day its noon. What is wrong with it."""
    day = spoken_day(str(form.get("day", "")))
    now, zone = now_ms(), town_zone(site.config)
    today = datetime.fromtimestamp(now / 1000, zone).date()
    if day is None or day > today + timedelta(days=1):
        return 0, both("Bitte einen Tag nennen, der schon war.", "Please name a day that has been.")
    if day == today:
        return now, None
    return int(datetime(day.year, day.month, day.day, 12, tzinfo=zone).timestamp()) * 1000, None


def _problem(kind: str, text: str, photo: bytes | None) -> Sentence | None:
    if kind not in KINDS:
        return both("Bitte sagen, was war: montiert, Besuch, …", "Please say what it was: mounted, visit, …")
    if len(text) > LONGEST:
        return both(f"Höchstens {LONGEST} Zeichen.", f"{LONGEST} characters at most.")
    if kind == "photo" and not photo:
        return both("Bitte ein Foto auswählen.", "Please choose a photo.")
    if not text and not photo:
        return both("Bitte schreiben, was war.", "Please write what it was.")
    return None


async def _photo(form: FormData) -> bytes | None:
    given = form.get("photo")
    return await given.read() or None if isinstance(given, UploadFile) else None


def _keep(site: Site, note: StationNote, content: bytes | None) -> None:
    from ...cases import photos  # Pillow is large: not before somebody sends a photo
    from ...cases.states import CaseProblem

    try:
        photo = photos.prepared(content) if content else None
    except CaseProblem as problem:
        raise _NoPhoto(problem.args[0]) from None

    def job(connection: Connection) -> None:
        now = now_ms()
        if photo is not None:
            photos.keep(connection, photo, now, note.actor)
        written = note._replace(photo=photo.digest if photo else None)
        station_notes.add(connection, written)
        detail = {"kind": note.kind, "at": note.at, "text": note.text, "photo": written.photo}
        audit.enter(connection, now, note.actor, "noted", f"station {note.device}", detail)

    site.store.submit(job).result(30)
