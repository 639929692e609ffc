"""Times for people, in the town's time zone."""

import time
from datetime import date, datetime
from zoneinfo import ZoneInfo

from ...config.config import Config
from ...forward.times import zulu


def town_zone(config: Config) -> ZoneInfo:
    """The town's time zone."""
    return ZoneInfo(config.town.timezone)


def now_ms() -> int:
    """The time."""
    return int(time.time() * 1000)


def when(ms: int, lang: str, zone: ZoneInfo, *, seconds: bool = False) -> str:
    """Day and time of day."""
    moment = datetime.fromtimestamp(ms / 1000, zone)
    return moment.strftime(("%d.%m.%Y %H:%M" if lang == "de" else "%Y-%m-%d %H:%M") + (":%S" if seconds else ""))


def day_text(day: date, lang: str) -> str:
    """A day alone."""
    return day.strftime("%d.%m.%Y") if lang == "de" else day.isoformat()


def iso(ms: int) -> str:
    """RFC 3339 in UTC with whole seconds, for <time datetime>."""
    return zulu(ms // 1000 * 1000)


def age(ms: int, lang: str) -> str:
    """A span of time in one unit: "4 Min.", "3 Std.", "12 Tage"; "4 min", "3 h", "12 days"."""
    german = lang == "de"
    minutes = max(0, ms) // 60_000
    if minutes < 1:
        return "unter 1 Min." if german else "under 1 min"
    if minutes < 120:
        return f"{minutes} {'Min.' if german else 'min'}"
    if minutes < 48 * 60:
        return f"{minutes // 60} {'Std.' if german else 'h'}"
    days = minutes // 1440
    return f"{days} Tage" if german else f"{days} days"


def spoken_day(text: str | None) -> date | None:
    """A day of an address, such as 2026-11-24; None: it is none."""
    try:
        found = date.fromisoformat(text or "")
    except ValueError:
        return None
    return found if 2000 <= found.year < 2100 else None
