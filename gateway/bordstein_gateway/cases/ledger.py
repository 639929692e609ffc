"""What rules brought in a year: alarms, false alarms, trips and minutes saved, how long it took. By rule, never by
person: who did what is no part of it."""

import csv
import io
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..rules.sheet import Sheet, words
from ..store import Store
from ..store import cases as rows
from ..texts import Sentence, both
from ..web.spreadsheets import no_formula
from .types import OPEN

COLUMNS = (
    *("rule", "title", "alarms", "done", "false_alarms", "closed", "open", "escalated"),
    *("trips", "minutes", "minutes_to_taken", "minutes_to_done", "judgement"),
)


class RuleYear(NamedTuple):
    """One rule's year. `closed`: without work: it was over by itself, or ended otherwise. `escalated`: cases. `trips`,
    `minutes`: saved. `to_taken`, `to_done`: medians, minutes; None: there was none. `nothing`: it brought nothing.
    """

    rule: str
    title: str
    alarms: int
    done: int
    false_alarms: int
    closed: int
    open: int
    escalated: int
    trips: float
    minutes: float
    to_taken: float | None
    to_done: float | None
    nothing: bool
    judgement: Sentence


class Report(NamedTuple):
    """A town's year. `rules`: those with the most alarms first, then those that are in force and never fired."""

    year: int
    rules: list[RuleYear]
    alarms: int
    false_alarms: int
    trips: float
    minutes: float


def report(store: Store, year: int, sheets: Mapping[str, Sheet]) -> Report:
    """The ledger of a year. `sheets`: those in force. StoreError."""
    with store.database.reading() as connection:
        found = rows.of_year(connection, year)
    by_rule: dict[str, list[tuple[Any, ...]]] = {name: [] for name in sheets}
    for rule, *rest in found:
        by_rule.setdefault(rule, []).append(tuple(rest))
    rules = [_of_rule(rule, cases, sheets.get(rule)) for rule, cases in by_rule.items()]
    rules.sort(key=lambda one: (-one.alarms, one.rule))
    return Report(
        year=year,
        rules=rules,
        alarms=sum(one.alarms for one in rules),
        false_alarms=sum(one.false_alarms for one in rules),
        trips=sum(one.trips for one in rules),
        minutes=sum(one.minutes for one in rules),
    )


def years(store: Store) -> list[int]:
    """Those that have cases, the newest first."""
    with store.database.reading() as connection:
        return rows.years(connection)


def plain(found: Report, language: str) -> dict[str, Any]:
    """As JSON says it."""
    return {
        "year": found.year,
        "alarms": found.alarms,
        "false_alarms": found.false_alarms,
        "trips": found.trips,
        "minutes": found.minutes,
        "rules": [dict(zip(COLUMNS, _values(one, language), strict=True)) for one in found.rules],
    }


def table(found: Report, language: str) -> str:
    """As CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for one in found.rules:
        writer.writerow(["" if value is None else no_formula(value) for value in _values(one, language)])
    return out.getvalue()


def _values(one: RuleYear, language: str) -> Sequence[Any]:
    judgement = one.judgement.de if language == "de" else str(one.judgement)
    return (*one[:12], judgement)


def _of_rule(rule: str, cases: list[tuple[Any, ...]], sheet: Sheet | None) -> RuleYear:
    states = [state for state, *_ in cases]
    # What was done, or a false alarm, stays that after it was put away.
    false = sum("false_alarm" in ledger for *_, ledger in cases)
    saved = [ledger for *_, ledger in cases if "trips" in ledger]
    done = len(saved)
    trips = sum(float(one.get("trips", 0)) for one in saved)
    minutes = sum(float(one.get("minutes", 0)) for one in saved)
    taken = [(taken - opened) / 60_000 for _, opened, taken, *_ in cases if taken is not None]
    ended = [
        (ended - opened) / 60_000
        for _, opened, _, ended, *_, ledger in cases
        if "trips" in ledger and ended is not None
    ]
    nothing, judgement = _judged(len(cases), done, false, trips, minutes, sheet)
    return RuleYear(
        rule=rule,
        title=words(sheet.title, "de") if sheet is not None else rule,
        alarms=len(cases),
        done=done,
        false_alarms=false,
        closed=len(cases) - done - false - sum(state in OPEN for state in states),
        open=sum(state in OPEN for state in states),
        escalated=sum(1 for *_, escalated, _, _ in cases if escalated),
        trips=trips,
        minutes=minutes,
        to_taken=round(statistics.median(taken), 1) if taken else None,
        to_done=round(statistics.median(ended), 1) if ended else None,
        nothing=nothing,
        judgement=judgement,
    )


def _judged(
    alarms: int, done: int, false: int, trips: float, minutes: float, sheet: Sheet | None
) -> tuple[bool, Sentence]:
    """(whether it brought nothing, the honest sentence)."""
    if not alarms:
        return False, both(
            "Hat nie ausgelöst: prüfen, ob Schwelle und Sensoren stimmen.",
            "Never fired: see whether threshold and sensors are right.",
        )
    if not done and not false:
        return False, both("Noch ist kein Vorgang zu Ende gebracht.", "No case has been brought to its end yet.")
    if false > done:
        return True, both(
            f"Diese Regel hat nichts gebracht: mehr Fehlalarme ({false}) als echte ({done}); abschalten oder ändern.",
            f"This rule brought nothing: more false alarms ({false}) than real ones ({done}); switch off or change it.",
        )
    if trips > 0 or minutes > 0:
        return False, both(
            f"Gespart: {_many(trips, 'Fahrt', 'Fahrten')} und {_many(minutes, 'Minute', 'Minuten')}.",
            f"Saved: {_many(trips, 'trip', 'trips')} and {_many(minutes, 'minute', 'minutes')}.",
        )
    if sheet is not None and not sheet.benefit.trips and not sheet.benefit.minutes:
        return False, both(
            "Spart keine Fahrt und will das nicht: ob sie nötig ist, sagt ihre Rechtsgrundlage.",
            "Saves no trip and is not meant to: its legal basis says whether it is needed.",
        )
    return True, both(
        "Diese Regel hat nichts gebracht: keine Fahrt und keine Minute gespart; abschalten oder ändern.",
        "This rule brought nothing: no trip and no minute saved; switch it off or change it.",
    )


def _many(count: float, one: str, more: str) -> str:
    return f"{f'{count:.1f}'.rstrip('0').rstrip('.')} {one if count == 1 else more}"
