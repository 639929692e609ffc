"""Who is told of a case: mail and webhook to its desk, as errands. Pure.

An errand's key is the case and what happened, so nobody is told twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from ..config.config import Config
from ..forward.times import zulu
from ..procedures.progress import Errand
from ..rules.sheet import Sheet, words
from .types import Case

Told = Literal["opened", "rises", "escalated", "stuck", "given"]
DESK = "desk:"
"""How a webhook errand's target begins that is a desk's own; else it is a [forward.x]."""
_WHAT: Mapping[Told, str] = {
    "opened": "neuer Vorgang",
    "rises": "Stufe gestiegen",
    "escalated": "niemand hat übernommen",
    "stuck": "Ablauf nicht begonnen",
    "given": "weitergegeben",
}


def notices(config: Config, case: Case, sheet: Sheet | None, told: Told, desks: Sequence[str]) -> list[Errand]:
    """Errands of kind mail and webhook, to those of the desks that have an address for it."""
    often = {"rises": case.stage, "escalated": str(case.escalated), "given": str(case.changed)}
    event = f"{told}-{often[told]}" if told in often else told
    found: list[Errand] = []
    for name in dict.fromkeys(desks):
        desk = config.desk.get(name)
        if desk is None:
            continue
        key = f"case-{case.id}:{event}:{name}"
        if desk.mail is not None and config.mail is not None:
            found.append(Errand(f"{key}:mail", "", "", "mail", name, _mail(config, case, sheet, told)))
        if desk.webhook is not None or desk.webhook_file is not None:
            found.append(Errand(f"{key}:webhook", "", "", "webhook", DESK + name, _webhook(config, case, sheet, told)))
    return found


def address(config: Config, case: Case) -> str:
    """The case's page; empty where the pages' address is not known."""
    return f"{config.pages.url.rstrip('/')}/app/cases/{case.id}" if config.pages.url else ""


def _mail(config: Config, case: Case, sheet: Sheet | None, told: Told) -> dict[str, Any]:
    urgent = "DRINGEND: " if case.priority == "high" else ""
    subject = f"{urgent}{case.title}: {case.place} ({_WHAT[told]}, {case.number})"
    return {"subject": " ".join(subject.split()), "body": "\n".join(_lines(config, case, sheet, told))}


def _lines(config: Config, case: Case, sheet: Sheet | None, told: Told) -> Iterator[str]:
    since = datetime.fromtimestamp(int(case.event.get("since", case.opened)) / 1000, ZoneInfo(config.town.timezone))
    yield f"{case.title}: {case.place}"
    yield ""
    yield f"Vorgang {case.number}, {_WHAT[told]}, seit {since:%d.%m.%Y %H:%M}."
    stage = next((one for one in sheet.stages if one.name == case.stage), None) if sheet else None
    if stage is not None:
        yield f"Stufe: {words(stage.title, 'de')}"
    seen = ", ".join(f"{name} {_shown(value)}" for name, value in case.event.get("signals", {}).items())
    if seen:
        yield f"Gemessen: {seen}"
    stands = int(case.event.get("stands_for", 1))
    if stands > 1:
        yield f"Das steht für {stands} gleiche."
    if told == "escalated":
        yield "Die zuständige Stelle hat den Vorgang nicht übernommen; bitte als Vertretung übernehmen."
    if sheet is not None:
        yield ""
        yield f"Warum: {words(sheet.why, 'de')}"
        if sheet.steps:
            first = sheet.steps[0]
            do = words(first.do, "de")
            yield f"Erster Schritt: {words(first.title, 'de')}" + (f". {do}" if do else "")
    link = address(config, case)
    if link:
        yield ""
        yield link


def _webhook(config: Config, case: Case, sheet: Sheet | None, told: Told) -> dict[str, Any]:
    """CloudEvents 1.0 without id, which is the errand's key, and source, which is the gateway."""
    return {
        "type": f"de.bordstein.case.{told}.v1",
        "subject": case.number,
        "time": zulu(case.changed),
        "data": {
            "case": case.number,
            "rule": case.rule,
            "title": case.title,
            "place": case.place,
            "object": case.object,
            "stage": case.stage,
            "priority": case.priority,
            "desk": case.desk,
            "since": zulu(int(case.event.get("since", case.opened))),
            "signals": dict(case.event.get("signals", {})),
            "stands_for": int(case.event.get("stands_for", 1)),
            "why": words(sheet.why, "de") if sheet is not None else "",
            "url": address(config, case) or None,
        },
    }


def _shown(value: Any) -> str:
    if value is None:
        return "unbekannt"
    if isinstance(value, bool):
        return "ja" if value else "nein"
    return f"{value:.6g}".replace(".", ",")
