"""What a procedure knows of its case: the names in the templates of `fields` and in conditions, each with an example.

Beside them each signal of the sheet by its key, as it was when the rule fired, and each step's answers in a table of
the step's id: {{ look.full }}. After a service call that table has ok, and what the other side said: id, reason.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ..boards.stations import Station
from ..cases.types import Case
from ..config.config import Config
from ..forward.times import zulu
from ..rules.sheet import Sheet, words

NAMES: Mapping[str, Any] = {
    "case": "2026-17",
    "title": "Papierkorb voll",
    "place": "Marktplatz 7",
    "object": "24a160123456/bin",
    "device": "24a160123456",
    "description": "Papierkorb vor der Apotheke",
    "asset": "PK-12",
    "latitude": 53.5511,
    "longitude": 9.9937,
    "rule": "bin-full",
    "stage": "high",
    "priority": "normal",
    "desk": "depot",
    "why": "Ab vier Fünfteln liegt am nächsten Tag etwas daneben.",
    "legal_basis": "§ 17 KrWG",
    "time": "24.11.2026 12:00",
    "iso": "2026-11-24T11:00:00Z",
    "stands_for": 1,
    "url": "https://bordstein.musterstadt.de/app/cases/17",
    "gateway": "bordstein",
}
"""`time`, in the town's time zone, and `iso`: since when it is so. `device`, `description`, `asset`, `latitude`,
`longitude`: of the first board that fires."""


def values(case: Case, sheet: Sheet, config: Config, places: Mapping[str, Station]) -> dict[str, Any]:
    """A value for each of NAMES and each signal."""
    devices = case.event.get("devices") or [case.object.partition("/")[0]]
    device = str(devices[0])
    place = places.get(device)
    since = int(case.event.get("since", case.opened))
    pages = (config.pages.url or "").rstrip("/")
    return {
        **case.event.get("signals", {}),
        "case": case.number,
        "title": case.title,
        "place": case.place,
        "object": case.object,
        "device": device,
        "description": (place and place.description) or "",
        "asset": (place and place.asset) or "",
        "latitude": place.latitude if place else None,
        "longitude": place.longitude if place else None,
        "rule": case.rule,
        "stage": case.stage,
        "priority": case.priority,
        "desk": case.desk,
        "why": words(sheet.why, "de"),
        "legal_basis": words(sheet.legal_basis, "de"),
        "time": f"{datetime.fromtimestamp(since / 1000, ZoneInfo(config.town.timezone)):%d.%m.%Y %H:%M}",
        "iso": zulu(since),
        "stands_for": int(case.event.get("stands_for", 1)),
        "url": f"{pages}/app/cases/{case.id}" if pages else "",
        "gateway": config.gateway.name,
    }
