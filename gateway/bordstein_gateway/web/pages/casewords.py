"""What the pages say of cases and rules, German and English: states, times, values, what happened."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ...cases.types import Case
from ...properties import TABLE, Property, row_of
from ...rules.sheet import Sheet, Signal, Stage, words
from ..pagetexts import number

STATES: Mapping[str, tuple[str, str]] = {
    "new": ("neu", "new"),
    "taken": ("übernommen", "taken"),
    "in_work": ("in Arbeit", "in work"),
    "done": ("erledigt", "done"),
    "false_alarm": ("Fehlalarm", "false alarm"),
    "closed": ("geschlossen", "closed"),
}
PRIORITIES: Mapping[str, tuple[str, str]] = {
    "low": ("gering", "low"),
    "normal": ("normal", "normal"),
    "high": ("dringend", "urgent"),
}
STEP_STATES: Mapping[str, tuple[str, str]] = {
    "waiting": ("kommt noch", "to come"),
    "ready": ("jetzt", "now"),
    "done": ("erledigt", "done"),
    "skipped": ("entfällt", "not needed"),
    "failed": ("fehlgeschlagen", "failed"),
}
_TAKES: Mapping[str, tuple[str, str]] = {
    "last": ("", ""),
    "mean": ("Mittel", "mean"),
    "median": ("Median", "median"),
    "min": ("kleinster Wert", "least"),
    "max": ("größter Wert", "greatest"),
    "sum": ("Summe", "sum"),
    "count": ("Anzahl", "count"),
    "rate": ("Änderung je Stunde", "change per hour"),
    "change": ("Änderung", "change"),
    "silence": ("Stunden ohne Nachricht", "hours without a message"),
}
_ACTIONS: Mapping[str, tuple[str, str]] = {
    "opened": ("Vorgang eröffnet", "case opened"),
    "stage rises": ("Stufe gestiegen", "stage has risen"),
    "recovers": ("Auslöser ist vorbei", "the cause is over"),
    "fires again": ("Auslöser ist wieder da", "the cause is back"),
    "escalated": ("an die Vertretung gegeben", "escalated to the deputy"),
    "taken": ("übernommen", "taken"),
    "given": ("weitergegeben", "given on"),
    "started": ("Arbeit begonnen", "work begun"),
    "step": ("Schritt erledigt", "step done"),
    "comment": ("Bemerkung", "comment"),
    "photo": ("Foto", "photo"),
    "differently": ("anders gemacht", "done differently"),
    "done": ("erledigt", "done"),
    "false alarm": ("Fehlalarm", "false alarm"),
    "closed": ("geschlossen", "closed"),
    "reopened": ("wieder geöffnet", "opened again"),
    "held back": ("nicht eröffnet, weil stummgeschaltet", "not opened, as it is silenced"),
    "proposal accepted": ("Vorschlag angenommen", "proposal accepted"),
    "proposal declined": ("Vorschlag abgelehnt", "proposal declined"),
    "silenced": ("stummgeschaltet", "silenced"),
    "silence ended": ("Stummschaltung beendet", "silence ended"),
    "procedure": ("Ablauf begonnen", "procedure begun"),
    "procedure ended": ("Ablauf zu Ende", "procedure ended"),
    "procedure stuck": ("Ablauf kommt nicht weiter", "procedure is stuck"),
    "put in force": ("Fassung in Kraft gesetzt", "version put in force"),
    "taken out of force": ("außer Kraft gesetzt", "taken out of force"),
    "stopped": ("Verteilung angehalten", "roll-out stopped"),
    "dead letters dropped": ("Abgelehntes verworfen", "dead letters dropped"),
    "dead letters sent again": ("Abgelehntes noch einmal gesendet", "dead letters sent again"),
    "paused": ("Weitergabe angehalten", "forward paused"),
    "resumed": ("Weitergabe läuft wieder", "forward resumed"),
    "read again": ("Unlesbares noch einmal gelesen", "quarantine read again"),
    "logged out everywhere": ("überall abgemeldet", "logged out everywhere"),
    "keepers": ("eingetragen, wer es hat", "entered who has it"),
    "noted": ("Lebenslauf ergänzt", "life record added to"),
    "notified": ("benachrichtigt", "notified"),
    "notice failed": ("Benachrichtigung gescheitert", "notice failed"),
    "called": ("anderes System aufgerufen", "other system called"),
    "call failed": ("Aufruf gescheitert", "call failed"),
    "account added": ("Konto angelegt", "account created"),
    "account changed": ("Konto geändert", "account changed"),
    "password set": ("Passwort gesetzt", "password set"),
}

REASONS: Mapping[str, tuple[str, str]] = {
    "recovered": ("der Auslöser ist vorbei", "the cause is over"),
    "procedure ended": ("der Ablauf ist zu Ende", "the procedure has ended"),
    "changed in the folder": ("im Ordner geändert", "changed in the folder"),
    "taken out of the folder": ("aus dem Ordner genommen", "taken out of the folder"),
}
"""Why something happened by itself."""


class Values(NamedTuple):
    """A signal as people read it: `key` of the sheet, `label`, `shown` with its unit."""

    key: str
    label: str
    shown: str


def named(table: Mapping[str, tuple[str, str]], key: str, lang: str) -> str:
    """The words for a key; one that is not known as it is."""
    pair = table.get(key)
    return key if pair is None else pair[lang == "en"]


def action_words(action: str, lang: str) -> str:
    """What an audit entry says was done."""
    return named(_ACTIONS, action.replace("_", " "), lang)


class Clock:
    """Times as people read them: the town's local time, now fixed when made. Times are ms UTC."""

    def __init__(self, timezone: str, lang: str, now_ms: int) -> None:
        self.zone, self.lang, self.now = ZoneInfo(timezone), lang, now_ms

    def local(self, ms: int) -> datetime:
        """The local time."""
        return datetime.fromtimestamp(ms / 1000, UTC).astimezone(self.zone)

    def when(self, ms: int | None) -> str:
        """Date and time to the minute; empty for none."""
        if ms is None:
            return ""
        return self.local(ms).strftime("%d.%m.%Y %H:%M" if self.lang == "de" else "%Y-%m-%d %H:%M")

    def iso(self, ms: int) -> str:
        """RFC 3339, for <time datetime>."""
        return self.local(ms).isoformat(timespec="seconds")

    def ago(self, ms: int) -> str:
        """How long before now, in its two largest units, as in 2 Std. 10 Min."""
        return lasted(max(0, self.now - ms), self.lang)

    def today(self) -> int:
        """When the local day began."""
        start = self.local(self.now).replace(hour=0, minute=0, second=0, microsecond=0)
        return int(start.timestamp() * 1000)

    def typed(self, text: str) -> int | None:
        """ms of what a date or datetime-local field holds; None where it is no time."""
        try:
            return int(datetime.fromisoformat(text.strip()).replace(tzinfo=self.zone).timestamp() * 1000)
        except (ValueError, OverflowError):
            return None

    @staticmethod
    def read(text: str) -> int:
        """ms of an RFC 3339 time."""
        return int(datetime.fromisoformat(text).timestamp() * 1000)

    def field(self, ms: int, *, day: bool = False) -> str:
        """A time as a datetime-local field (or a date field) takes it."""
        return self.local(ms).strftime("%Y-%m-%d" if day else "%Y-%m-%dT%H:%M")


def lasted(ms: int, lang: str) -> str:
    """A span in its two largest units."""
    minutes = ms // 60_000
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    de = lang == "de"
    if days >= 3:
        return f"{days} Tage" if de else f"{days} days"
    if days:
        day = ("Tag" if days == 1 else "Tage") if de else ("day" if days == 1 else "days")
        return f"{days} {day} {hours} {'Std.' if de else 'h'}" if hours else f"{days} {day}"
    if hours:
        return f"{hours} {'Std.' if de else 'h'} {minutes} {'Min.' if de else 'min'}"
    if not minutes:
        return "unter 1 Min." if de else "under 1 min"
    return f"{minutes} {'Min.' if de else 'min'}"


def row(signal: Signal) -> Property | None:
    """The property table's row that a signal is measured by."""
    if signal.property is not None:
        return TABLE.get(signal.property)
    return row_of(signal.series) if signal.series else None


def value(signal: Signal | None, amount: float | bool | None, lang: str) -> str:
    """A signal's value with its unit, with as many digits as its kind has."""
    if amount is None:
        return "unbekannt" if lang == "de" else "unknown"
    found = None if signal is None else row(signal)
    if isinstance(amount, bool) or (found is not None and found.kind == "boolean" and amount in (0, 1)):
        return number(bool(amount), lang)
    if found is None or (signal is not None and signal.take in ("count", "silence")):
        return number(round(amount, 2), lang)
    shown = found.shown
    decimals = shown.decimals + (signal is not None and signal.take in ("rate", "change", "mean"))
    text = number(round(amount * shown.factor, decimals) + 0.0, lang)
    hourly = "" if signal is None or signal.take != "rate" else "/h"
    return f"{text} {shown.symbol}{hourly}".rstrip()


def label(key: str, signal: Signal | None, lang: str) -> str:
    """What a signal is called: its property's name, and how it is taken."""
    if signal is None:
        return key
    found, take = row(signal), named(_TAKES, signal.take, lang)
    if found is None:
        return take or key
    name = found.de if lang == "de" else found.en
    return f"{name} ({take})" if take else name


def values(sheet: Sheet | None, event: Mapping[str, Any], lang: str) -> list[Values]:
    """What the condition saw."""
    signals = event.get("signals") or {}
    known = sheet.signal if sheet is not None else {}
    return [
        Values(key, label(key, known.get(key), lang), value(known.get(key), amount, lang))
        for key, amount in signals.items()
    ]


def stage(sheet: Sheet | None, key: str, lang: str) -> str:
    """A stage's title; empty without one."""
    found = stage_of(sheet, key)
    return words(found.title, lang) if found is not None else key


def stage_of(sheet: Sheet | None, key: str) -> Stage | None:
    """A sheet's stage by its key."""
    return next((one for one in sheet.stages if one.name == key), None) if sheet is not None else None


def happened(case: Case, sheet: Sheet | None, clock: Clock) -> str:
    """What happened, in one sentence or two."""
    lang, seen = clock.lang, values(sheet, case.event, clock.lang)
    since = clock.when(int(case.event.get("since") or case.opened))
    listed = ", ".join(f"{one.label} {one.shown}" for one in seen[:3])
    place = case.place or case.object
    devices: Sequence[str] = case.event.get("devices") or ()
    stands = int(case.event.get("stands_for") or 1)
    if lang == "de":
        text = f"{place}: {listed}, so seit {since}." if listed else f"{place}: {case.title}, so seit {since}."
        if len(devices) > 1:
            text += f" Betroffen sind {len(devices)} Stationen."
        if stands > 1:
            text += f" Das steht für {stands} gleiche."
    else:
        text = f"{place}: {listed}, so since {since}." if listed else f"{place}: {case.title}, so since {since}."
        if len(devices) > 1:
            text += f" It is about {len(devices)} stations."
        if stands > 1:
            text += f" That stands for {stands} alike."
    if case.recovered is not None:
        over = clock.when(case.recovered)
        text += f" Der Auslöser ist seit {over} vorbei." if lang == "de" else f" The cause is over since {over}."
    return text


def device_of(object_: str) -> str | None:
    """The device that an object's name names; None for a group."""
    return None if object_.startswith("group:") else object_.partition("/")[0]
