"""What the start page says, German and English, and how numbers and times are written there."""

from datetime import datetime
from typing import Any

from ..properties import row_of

_LARGEST = 1e15
"""From here on a number is written as it is: its digits are noise."""
_GROUPED = 10_000
"""Four digits are read at a glance."""
_GERMAN_ZONES = {"CET": "MEZ", "CEST": "MESZ"}

TEXTS: dict[str, dict[str, str]] = {
    "de": {
        "title": "Stationen",
        "other": "English",
        "other_lang": "en",
        "broker_up": "Verbindung zum Broker steht",
        "unreadable": "unlesbare Nachrichten",
        "unreadable_one": "unlesbare Nachricht",
        "see_quarantine": "zu sehen mit",
        "seen": "zuletzt gehört",
        "complete": "Vollständigkeit, 7 Tage",
        "missing": "fehlen",
        "missing_one": "fehlt",
        "of": "von",
        "packs": "Paketen",
        "none": "Noch hat sich keine Station gemeldet.",
        "targets": "Weitergabe",
        "target": "Ziel",
        "backlog": "wartet",
        "state": "Zustand",
        "running": "läuft",
        "paused": "Pause",
        "trouble": "Störung",
        "since": "seit",
        "paused_since": "Pause seit",
        "until": "bis",
        "backfill": "Wird nachgeholt, das Neueste zuerst",
        "left": "Messwerten stehen aus",
        "sent": "gesendet",
        "dead": "abgelehnt",
        "last": "zuletzt angenommen",
        "never": "noch nie",
        "no_targets": "Es ist kein Ziel eingerichtet.",
        "true": "ja",
        "false": "nein",
        "away": "meldet sich nicht",
        "reporting": "meldet sich",
        "unnumbered": "nicht zählbar, das Gerät nummeriert nicht",
        "init": "startet",
        "ready": "bereit",
        "sleeping": "schläft",
        "asleep_until": "schläft bis",
        "overdue": "überfällig seit",
        "alert": "Störung",
        "lost": "Verbindung verloren",
        "disconnected": "abgemeldet",
        "decommissioned": "außer Betrieb",
        "silent": "hat sich noch nie gemeldet",
        "unknown": "unbekannt",
        "out_of_range": "unplausibel",
        "stuck": "hängt",
        "clock_unsure": "Uhrzeit unsicher",
        "unknown_property": "unbekannte Größe",
        "unit_mismatch": "andere Einheit",
        "wrong_type": "falsche Art",
        "as_of": "Stand",
        "data": "Als JSON",
        "metrics": "Metriken",
        "open": "Offene Daten",
        "app": "Vorgänge, Regeln, Karte (Anmeldung)",
    },
    "en": {
        "title": "Stations",
        "other": "Deutsch",
        "other_lang": "de",
        "broker_up": "Connected to the broker",
        "unreadable": "unreadable messages",
        "unreadable_one": "unreadable message",
        "see_quarantine": "shown by",
        "seen": "last heard",
        "complete": "Completeness, 7 days",
        "missing": "missing",
        "missing_one": "missing",
        "of": "of",
        "packs": "packs",
        "none": "No station has reported yet.",
        "targets": "Passed on to",
        "target": "Target",
        "backlog": "waiting",
        "state": "State",
        "running": "running",
        "paused": "paused",
        "trouble": "fault",
        "since": "since",
        "paused_since": "Paused since",
        "until": "until",
        "backfill": "Catching up, the newest first",
        "left": "readings to go",
        "sent": "sent",
        "dead": "refused",
        "last": "last accepted",
        "never": "never yet",
        "no_targets": "No target is set up.",
        "true": "yes",
        "false": "no",
        "away": "not reporting",
        "reporting": "reporting",
        "unnumbered": "can't be counted, the device sends no numbers",
        "init": "starting",
        "ready": "ready",
        "sleeping": "asleep",
        "asleep_until": "asleep until",
        "overdue": "overdue since",
        "alert": "fault",
        "lost": "connection lost",
        "disconnected": "signed off",
        "decommissioned": "decommissioned",
        "silent": "has never reported",
        "unknown": "unknown",
        "out_of_range": "implausible",
        "stuck": "stuck",
        "clock_unsure": "time unsure",
        "unknown_property": "unknown property",
        "unit_mismatch": "other unit",
        "wrong_type": "wrong type",
        "as_of": "As of",
        "data": "As JSON",
        "metrics": "Metrics",
        "open": "Open data",
        "app": "Cases, rules, map (login)",
    },
}


def number(value: Any, lang: str) -> str:
    """A value for people: decimal comma and thousands in groups in German."""
    if isinstance(value, bool):
        return TEXTS[lang]["true" if value else "false"]
    if not isinstance(value, int | float):
        return str(value)
    return _grouped(f"{value:,}", lang)


def measured(value: dict[str, Any], lang: str) -> str:
    """A value of overview() with its unit, as people read it: with as many digits after the point as its kind has."""
    row, amount, symbol = row_of(value["series"]), value["value"], value["symbol"]
    plain = isinstance(amount, bool) or not isinstance(amount, int | float) or abs(amount) >= _LARGEST
    if row is None or plain or value["unit"] != row.unit:
        return f"{number(amount, lang)} {symbol}".rstrip()
    shown = row.shown
    rounded = round(amount * shown.factor, shown.decimals) + 0.0  # no -0
    comma = "," if abs(rounded) >= _GROUPED else ""
    return f"{_grouped(f'{rounded:{comma}.{shown.decimals}f}', lang)} {shown.symbol}".rstrip()


def _grouped(text: str, lang: str) -> str:
    return text.translate(str.maketrans(",.", ".,")) if lang == "de" else text


def zone(text: str, lang: str) -> str:
    """The name of the gateway's time zone at an RFC 3339 time."""
    name = _local(text).tzname() or ""
    return _GERMAN_ZONES.get(name, name) if lang == "de" else name


def when(text: str, lang: str) -> str:
    """An RFC 3339 time as local time of the gateway."""
    moment = _local(text)
    return moment.strftime("%d.%m.%Y %H:%M:%S" if lang == "de" else "%Y-%m-%d %H:%M:%S")


def clock(text: str, lang: str, now: str, day: str = "%H:%M:%S") -> str:
    """The time of day where it is of the same day as now, written as in `day`, else the date too."""
    moment = _local(text)
    if moment.date() == _local(now).date():
        return moment.strftime(day)
    return moment.strftime("%d.%m.%y %H:%M" if lang == "de" else "%Y-%m-%d %H:%M")


def sleep(wake: str, lang: str, now: str, *, overdue: bool) -> str:
    """What a board that sleeps does, or fails to do."""
    return f"{TEXTS[lang]['overdue' if overdue else 'asleep_until']} {clock(wake, lang, now, '%H:%M')}"


def _local(text: str) -> datetime:
    """Local time; of a moment that has none, for instance the last hours of the year 9999, UTC."""
    moment = datetime.fromisoformat(text)
    try:
        return moment.astimezone()
    except (OverflowError, ValueError, OSError):
        return moment
