"""Calls to other systems that failed and are made again, as the pages show them."""

from typing import Any

from ...store import errands
from ...store.errands import Waiting
from ...texts import both, said
from .office import OfficeView

_KINDS = {
    "mail": both("Mail an", "mail to"),
    "webhook": both("Nachricht (Webhook) an", "message (webhook) to"),
    "open311": both("Meldung (Open311) an", "request (Open311) to"),
    "engine": both("Prozess starten in", "start of a process in"),
    "ngsi-ld": both("Kontext aktualisieren in (NGSI-LD)", "update of the context in (NGSI-LD)"),
}


def waiting(office: OfficeView, lang: str, case: int | None = None) -> list[dict[str, Any]]:
    """All that are tried again, or a case's: what, why not yet, tries, `next` in ms, the case's id and number."""
    with office.site.store.database.reading() as connection:
        found = [one for one in errands.waiting(connection) if case is None or one.work == case]
    numbers = {id: one.number for id in {one.work for one in found} if id and (one := office.cases.get(id))}
    return [
        {
            "what": f"{said(_KINDS.get(one.kind, one.kind), lang)} {_target(one, office, lang)}",
            "why": _why(one, lang),
            "tries": one.tries,
            "next": one.next,
            "case": one.work,
            "number": numbers.get(one.work or 0, ""),
        }
        for one in found
    ]


def _target(one: Waiting, office: OfficeView, lang: str) -> str:
    return office.site.desk_title(one.target.removeprefix("desk:"), lang)


def _why(one: Waiting, lang: str) -> str:
    german, reason = one.reason.get("german", ""), one.reason.get("reason", "")
    return str((lang == "de" and german) or reason or german)
