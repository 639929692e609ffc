"""What may stand behind the question mark of a feed's address. Refused (400) says what is wrong and what is right."""

import math
import re
import time
from datetime import UTC, date, datetime, timedelta

from starlette.requests import Request

from ..boards import devices
from ..config.words import nearest
from ..properties import TABLE
from ..texts import both
from ..web.access import Refused
from .view import Wanted

FIRST_MS = 1_577_836_800_000
"""2020-01-01: no reading is older."""
DAY_MS = 86_400_000
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def wanted(request: Request) -> Wanted:
    """device, series, property, licence and bbox; each may come again, or with commas."""
    named = {device for text in _listed(request, "device") for device in _device(text)}
    properties = _listed(request, "property")
    for name in properties:
        if name not in TABLE:
            near = nearest(name, list(TABLE))
            raise refused(
                f"property={name}: eine solche Größe gibt es nicht{near}.",
                f"property={name}: there is no such property{near}.",
            )
    bbox = request.query_params.get("bbox")
    return Wanted(
        frozenset(named),
        frozenset(_listed(request, "series")),
        frozenset(properties),
        request.query_params.get("licence") or None,
        _bbox(bbox) if bbox else None,
    )


def period(request: Request) -> tuple[int, int]:
    """from and to in ms, [from, to): RFC 3339, a day without a time is that whole day in UTC. Without: the last day."""
    now = int(time.time() * 1000)
    end = request.query_params.get("to")
    to_ms = _moment("to", end, last=True) if end else now + 1
    begin = request.query_params.get("from")
    from_ms = _moment("from", begin, last=False) if begin else to_ms - DAY_MS
    if from_ms >= to_ms:
        raise refused("from muss vor to liegen.", "from has to be before to.")
    return max(from_ms, FIRST_MS), min(to_ms, now + DAY_MS)


def refused(de: str, en: str) -> Refused:
    """400."""
    return Refused(400, both(de, en))


def _listed(request: Request, name: str) -> list[str]:
    return [part for text in request.query_params.getlist(name) for part in text.split(",") if part]


def _device(text: str) -> set[str]:
    """The ids that are meant: a URN (RFC 9039) may be that of a board and of another device."""
    bare = text.removeprefix("urn:dev:mac:").removeprefix("urn:dev:org:")
    if not devices.is_device(bare):
        raise refused(f"device={text}: erwartet: {devices.DE}.", f"device={text}: expected {devices.EN}.")
    mac = bare[:6] + bare[10:] if devices.is_eui64(bare) and bare[6:10] == "fffe" else bare
    return {bare, mac}


def _moment(name: str, text: str, *, last: bool) -> int:
    try:
        if _DAY.fullmatch(text):
            day = date.fromisoformat(text) + timedelta(days=last)
            return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
        # In an address a + is a space unless it is written as %2B.
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        if moment.tzinfo is not None:
            return math.floor(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        pass
    raise refused(
        f"{name}={text}: erwartet wird ein Tag wie 2026-07-01 oder eine Zeit mit Z wie 2026-07-01T06:00:00Z.",
        f"{name}={text}: expected is a day like 2026-07-01, or a time with Z like 2026-07-01T06:00:00Z.",
    )


def _bbox(text: str) -> tuple[float, float, float, float]:
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        west = south = east = north = math.nan
    if not (abs(west) <= 180 and abs(east) <= 180 and -90 <= south <= north <= 90):
        raise refused(
            f"bbox={text}: erwartet werden West,Süd,Ost,Nord in Grad, wie 9.9,53.5,10.1,53.6.",
            f"bbox={text}: expected are west,south,east,north in degrees, as in 9.9,53.5,10.1,53.6.",
        )
    return west, south, east, north
