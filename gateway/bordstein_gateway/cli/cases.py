"""`bordstein-gateway case`, `audit` and `report`: what was to be done, what was done, and what it brought."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from zoneinfo import ZoneInfo

import typer

from ..config import config
from ..config.config import Config
from ..config.office import desk_title
from ..config.words import visible
from ..texts import language, os_reason, pick, said
from .common import DEFAULT_CONFIG, ConfigOption, Failed, JsonOption, Limit, moment, open_store, output, show

if TYPE_CHECKING:
    from ..cases.types import Case
    from ..rules.sheet import Sheet
    from ..store import Store

case = typer.Typer(
    help=pick("Vorgänge: was zu tun ist und war.", "Cases: what is and was to be done."), no_args_is_help=True
)
audit = typer.Typer(
    help=pick("Das Protokoll: wer wann was tat. Es wächst nur.", "The audit log: who did what when. It only grows."),
    no_args_is_help=True,
)
_STATES = {
    "new": "neu",
    "taken": "übernommen",
    "in_work": "in Arbeit",
    "done": "erledigt",
    "false_alarm": "Fehlalarm",
    "closed": "geschlossen",
}
_FromOption = Annotated[
    str | None,
    typer.Option(
        "--from", metavar=pick("TAG", "DATE"), help=pick("Ab diesem Tag oder Zeitpunkt.", "From this day or time on.")
    ),
]
_ToOption = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar=pick("TAG", "DATE"),
        help=pick("Bis vor diesen Tag oder Zeitpunkt.", "Until before this day or time."),
    ),
]


@case.command("list", help=pick("Die offenen Vorgänge; oder alle.", "The open cases, or all."))
def case_list(
    path: ConfigOption = DEFAULT_CONFIG,
    everything: Annotated[
        bool, typer.Option("--all", help=pick("Auch beendete.", "Also those that have ended."))
    ] = False,
    rule: Annotated[
        str, typer.Option("--rule", metavar="NAME", help=pick("Nur dieser Regel.", "Of this rule only."))
    ] = "",
    desk: Annotated[
        str, typer.Option("--desk", metavar="NAME", help=pick("Nur dieser Stelle.", "Of this desk only."))
    ] = "",
    limit: Limit = 100,
    as_json: JsonOption = False,
) -> None:
    from ..cases.types import OPEN
    from ..store.cases import CaseFilter, listed

    settings = config.load(path)
    wanted = CaseFilter(states=() if everything else OPEN, rule=rule, desks=(desk,) if desk else ())
    with open_store(settings) as store, store.database.reading() as connection:
        found, _ = listed(connection, wanted, "newest", limit)
    show([_row(one, settings, as_json) for one in found], as_json, pick("kein Vorgang", "no case"))


@case.command("show", help=pick("Einen Vorgang, mit Schritten und Verlauf.", "One case, with its steps and history."))
def case_show(
    number: Annotated[str, typer.Argument(metavar=pick("NUMMER", "NUMBER"), help=pick("Wie 2026-17.", "As 2026-17."))],
    path: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    from ..store import audit as lines
    from ..store import cases as rows
    from ..web.pages.casewords import action_words

    settings = config.load(path)
    with open_store(settings) as store, store.database.reading() as connection:
        found = rows.by_number(connection, number)
        if found is None:
            raise Failed(pick(f"Einen Vorgang {number} gibt es nicht.", f"There is no case {number}."))
        steps, notes = rows.steps(connection, found.id), rows.notes(connection, found.id)
        history = [row.entry() for row in reversed(lines.newest(connection, 500, subject=f"case {found.id}"))]
    if as_json:
        parts = {"steps": steps, "notes": notes, "history": history}
        listed = {name: [one._asdict() for one in part] for name, part in parts.items()}  # type: ignore[attr-defined]
        output(json.dumps({**found._asdict(), **listed}, ensure_ascii=False))
        return
    output(visible(f"{found.number}  {found.title}: {found.place}"))
    for name, value in _row(found, settings, False).items():
        if name not in ("case", "title", "place") and value:
            output(f"  {visible(str(value))}")
    for step in steps:
        mark = {"done": "✓", "ready": "→", "skipped": "–", "failed": "✗"}.get(step.state, " ")
        who = f" ({step.actor}, {_local(step.at, settings)})" if step.actor and step.at else ""
        output(visible(f"  {mark} {step.number}. {step.title}{who} {step.note}".rstrip()))
    for entry in history:
        text = str(entry.detail.get("reason") or entry.detail.get("text") or entry.detail.get("note") or "")
        done = action_words(entry.action, language())
        output(visible(f"  {_local(entry.at, settings)}  {entry.actor}: {done} {text}".rstrip()))


@audit.command(
    "verify",
    help=pick(
        "Prüfen, ob jede Zeile ist, was geschrieben wurde, und keine fehlt. Zeigt die neueste Prüfsumme: anderswo "
        "notiert, beweist sie später, dass auch am Ende nichts fehlt.",
        "Check that each line is what was written, and none is missing. Shows the newest hash: noted elsewhere, it "
        "proves later that nothing is missing at the end either.",
    ),
)
def audit_verify(
    path: ConfigOption = DEFAULT_CONFIG,
    expect: Annotated[
        str,
        typer.Option(
            "--expect",
            metavar=pick("PRÜFSUMME", "HASH"),
            help=pick("Eine früher notierte; sie muss vorkommen.", "One noted earlier; it has to be there."),
        ),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    from ..cases.audit import verify

    with open_store(config.load(path)) as store:
        found = verify(store, expect.strip())
    if as_json:
        output(json.dumps({**found._asdict(), "whole": found.broken is None}, ensure_ascii=False))
        raise typer.Exit(0 if found.broken is None else 1)
    if found.broken is not None:
        raise Failed(said(found.broken))
    if not found.lines:
        output(pick("Das Protokoll ist noch leer.", "The audit log is still empty."))
        return
    output(pick(f"{found.lines} Zeilen, alle unverändert.", f"{found.lines} lines, all unchanged."))
    if found.expected is not None:
        output(
            pick(
                f"Die notierte Prüfsumme ist die von Zeile {found.expected}.",
                f"The hash noted is line {found.expected}'s.",
            )
        )
    output(pick(f"Neueste Prüfsumme: {found.newest}", f"Newest hash: {found.newest}"))


@audit.command(
    "export",
    help=pick(
        "Das Protokoll als Beweis: was die Stadt wann wusste und tat, nach Zeit, Straße oder Vorgang.",
        "The audit log as evidence: what the town knew and did when, by time, street or case.",
    ),
)
def audit_export(
    path: ConfigOption = DEFAULT_CONFIG,
    from_: _FromOption = None,
    to: _ToOption = None,
    subject: Annotated[
        str,
        typer.Option(
            "--subject",
            metavar=pick("WOVON", "WHAT"),
            help=pick(
                "Nur von: einem Vorgang (2026-17), „sheet bin-full“ …",
                'Of this only: a case (2026-17), "sheet bin-full", …',
            ),
        ),
    ] = "",
    place: Annotated[
        str,
        typer.Option(
            "--place",
            metavar=pick("ORT", "PLACE"),
            help=pick("Nur Vorgänge dort, etwa einer Straße.", "Cases there only, as of a street."),
        ),
    ] = "",
    form: Annotated[
        Literal["csv", "jsonl"], typer.Option("--format", help=pick("CSV, oder JSON je Zeile.", "CSV, or JSON a line."))
    ] = "csv",
    file: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar=pick("DATEI", "FILE"),
            help=pick("Dorthin; sonst zeigen.", "Write it there; else print it."),
        ),
    ] = None,
) -> None:
    from ..cases.audit import END, entries, written

    start = moment(from_, "--from") if from_ else 0
    end = moment(to, "--to") if to else END
    with open_store(config.load(path)) as store:
        text = written(entries(store, start, end, subject=subject.strip(), place=place.strip()), form)
        if file is None:
            for line in text:
                output(line, end="")
            return
        try:
            with file.open("w", encoding="utf-8", newline="") as opened:
                opened.writelines(text)
        except OSError as error:
            reason = pick(os_reason(error), error.strerror or "")
            raise Failed(pick(f"{file}: nicht schreibbar: {reason}", f"{file}: can't be written: {reason}")) from None


def report(
    year: Annotated[
        int, typer.Argument(metavar=pick("JAHR", "YEAR"), min=2000, max=2200, help=pick("Wie 2026.", "As 2026."))
    ],
    path: ConfigOption = DEFAULT_CONFIG,
    form: Annotated[
        Literal["text", "csv", "json"],
        typer.Option("--format", help=pick("Text, CSV oder JSON.", "Text, CSV or JSON.")),
    ] = "text",
) -> None:
    from ..cases import ledger

    settings = config.load(path)
    with open_store(settings) as store:
        found = ledger.report(store, year, _sheets(settings, store))
    if form == "csv":
        output(ledger.table(found, language()), end="")
    elif form == "json":
        output(json.dumps(ledger.plain(found, language()), ensure_ascii=False))
    else:
        _print(found)


def _print(found: Any) -> None:
    hours = f"{found.minutes / 60:.1f}"
    output(
        pick(
            f"{found.year}: {_many(found.alarms, 'Vorgang', 'Vorgänge')}, davon "
            f"{_many(found.false_alarms, 'Fehlalarm', 'Fehlalarme')}; gespart: "
            f"{_many(found.trips, 'Fahrt', 'Fahrten')}, {hours.replace('.', ',')} Stunden.",
            f"{found.year}: {_many(found.alarms, 'case', 'cases')}, "
            f"{_many(found.false_alarms, 'false alarm', 'false alarms')} among them; saved: "
            f"{_many(found.trips, 'trip', 'trips')}, {hours} hours.",
        )
    )
    for one in found.rules:
        taken = "–" if one.to_taken is None else f"{one.to_taken:g} min"
        done = "–" if one.to_done is None else f"{one.to_done:g} min"
        output("")
        output(visible(f"{one.title} ({one.rule})"))
        output(
            pick(
                f"  {_many(one.alarms, 'Vorgang', 'Vorgänge')}: {one.done} erledigt, "
                f"{_many(one.false_alarms, 'Fehlalarm', 'Fehlalarme')}, {one.closed} von selbst "
                f"oder anders zu Ende, {one.open} offen; {one.escalated} an die Vertretung.",
                f"  {_many(one.alarms, 'case', 'cases')}: {one.done} done, "
                f"{_many(one.false_alarms, 'false alarm', 'false alarms')}, {one.closed} over by "
                f"themselves or otherwise, {one.open} open; {one.escalated} escalated.",
            )
        )
        output(
            pick(
                f"  Übernommen nach {taken}, erledigt nach {done} (Median).",
                f"  Taken after {taken}, done after {done} (median).",
            )
        )
        output(f"  {said(one.judgement)}")


def _many(count: float, one: str, more: str) -> str:
    return f"{count:g} {one if count == 1 else more}"


def _sheets(settings: Config, store: "Store") -> "dict[str, Sheet]":
    from ..rules.reading import read
    from ..store.sheets import newest_sheets

    found = {}
    for name, one in newest_sheets(store).items():
        sheet = read(one.text, settings, name)[0] if one.text else None
        if sheet is not None:
            found[name] = sheet
    return found


def _row(one: "Case", settings: Config, as_json: bool) -> dict[str, Any]:
    if as_json:
        return one._asdict()
    return {
        "case": one.number,
        "state": pick(_STATES[one.state], one.state.replace("_", " ")),
        "title": one.title,
        "place": one.place,
        "desk": desk_title(settings.desk, one.desk, language()),
        "account": one.account or "",
        "since": _local(one.opened, settings),
    }


def _local(ms: int, settings: Config) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC).astimezone(ZoneInfo(settings.town.timezone)):%Y-%m-%d %H:%M}"
