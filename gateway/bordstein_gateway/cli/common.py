"""What the command's modules share."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from ..config.config import Config
from ..config.words import visible
from ..store import Store, Where
from ..texts import os_reason, pick

if TYPE_CHECKING:
    from rich.console import Console

ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        metavar=pick("DATEI", "FILE"),
        envvar="BORDSTEIN_CONFIG",
        help=pick("Die Konfiguration.", "The configuration."),
    ),
]
DEFAULT_CONFIG = Path("/etc/bordstein/gateway.toml")
JsonOption = Annotated[bool, typer.Option("--json", help=pick("Ein JSON-Objekt je Zeile.", "One JSON object a line."))]
LARGEST = (1 << 63) - 1
"""The largest number of a row in the store."""
Limit = Annotated[
    int,
    typer.Option(
        metavar=pick("ZAHL", "NUMBER"), min=1, max=LARGEST, help=pick("Höchstens so viele.", "So many at most.")
    ),
]
SOME = pick("Nur diese; sonst alle.", "Only these; else all.")
WAIT_S = 60
"""Seconds a write may take beside a busy gateway."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GERMAN = {
    "name": "Ziel",
    "target": "Ziel",
    "waiting": "wartet",
    "dead": "abgelehnt",
    "refills": "Nachsendungen",
    "reading": "Messwert",
    "device": "Gerät",
    "series": "Reihe",
    "time": "Zeit",
    "tries": "Versuche",
    "reason": "Grund",
    "id": "Nr.",
    "topic": "Topic",
    "received": "empfangen",
    "times": "Mal",
    "bytes": "Bytes",
    "day": "Tag",
    "expected": "erwartet",
    "arrived": "da",
    "missing": "fehlt",
    "late": "spät",
    "double": "doppelt",
    "refused": "unlesbar",
    "stored": "gespeichert",
    "there": "dort",
    "different": "abweichend",
    "doubled": "dort doppelt",
    "first_missing": "fehlt ab",
    "conflict": "Widerspruch",
    "gaps": "Lücken",
    "order": "Auftrag",
    "version": "Version",
    "sheet": "Blatt",
    "owner": "Stelle",
    "title": "Titel",
    "actor": "wer",
    "object": "Objekt",
    "begin": "Beginn",
    "end": "Ende",
    "stage": "Stufe",
    "signals": "Signale",
    "under_way": "unterwegs",
    "done": "fertig",
    "failed": "gescheitert",
    "wanted": "gewollt",
    "reported": "gemeldet",
    "state": "Zustand",
    "running": "in Betrieb",
    "problems": "Gründe",
    "certificate": "Zertifikat bis",
    "station": "Station",
    "asset": "Inventarnr.",
    "age": "Alter",
    "rate": "je s",
    "note": "Hinweis",
    "seen": "zuletzt gehört",
    "result": "Ergebnis",
    "case": "Vorgang",
    "place": "Wo",
    "desk": "Stelle",
    "since": "seit",
    "rule": "Regel",
    "target_id": "Nr. dort",
    "notes": "Bemerkung",
    "property": "Größe",
    "readings": "Messwerte",
    "hours": "Stunden",
    "days": "Tage",
    "login": "Konto",
    "full_name": "voller Name",
    "role": "Rolle",
    "desks": "Stellen",
    "mail": "E-Mail",
    "last_login": "zuletzt da",
    "disabled": "Sperre",
}


_LONG = ("reason", "gaps", "result", "note", "notes", "station")


class Failed(Exception):
    """The command could not do what was asked; the text is the sentence to show."""


def misuse(de: str, en: str, where: str) -> NoReturn:
    """End with exit code 2: the command line itself does not make sense; `where`: the option."""
    raise typer.BadParameter(pick(de, en), param_hint=where)


def output(text: str, *, end: str = "\n") -> None:
    """Prints to the standard output."""
    typer.echo(text, nl=end == "\n")


@contextmanager
def open_store(settings: Config) -> Iterator[Store]:
    """The gateway's store, beside a running gateway or without one."""
    store = Store.open(store_place(settings))
    try:
        yield store
    finally:
        store.close()


def store_place(settings: Config) -> Where:
    """Where the store is; Failed: it is a file that is not there."""
    place = settings.store_place
    if isinstance(place, Path):
        _check_there(place)
    return place


def _check_there(path: Path) -> None:
    try:
        there = path.exists()
    except OSError as error:
        raise Failed(
            pick(
                f"{path} ist nicht zugänglich ({os_reason(error)}); mit sudo geht es.",
                f"{path} can't be reached ({error.strerror}); use sudo.",
            )
        ) from None
    if not there:
        raise Failed(
            pick(
                f"{path}: es gibt noch keinen Speicher; lief das Gateway schon?",
                f"{path}: there is no store yet; has the gateway run?",
            )
        )


def iso(seconds: float) -> str:
    """RFC 3339 in UTC; OverflowError."""
    return (_EPOCH + timedelta(seconds=int(seconds))).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def moment(text: str, where: str) -> int:
    """Milliseconds UTC of an ISO 8601 date or time; without an offset it is UTC. `where`: the option."""
    try:
        found = datetime.fromisoformat(text)
        number = round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
        iso(number / 1000)  # an offset may lead out of the calendar
        return number
    except (ValueError, OverflowError):
        misuse(
            f"„{text}“ ist weder Tag noch Zeit wie 2026-07-01 oder 2026-07-01T12:00+02:00",
            f'"{text}" is no date or time like 2026-07-01 or 2026-07-01T12:00+02:00',
            where,
        )


def show(rows: list[dict[str, Any]], as_json: bool, nothing: str) -> None:
    """A table; or a JSON object for each row."""
    if as_json:
        for row in rows:
            output(json.dumps(row, ensure_ascii=False))
        return
    if not rows:
        output(nothing)
        return
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table

    titles = [pick(_GERMAN.get(name, name), name) for name in rows[0]]
    cells = [[visible(str(value)) for value in row.values()] for row in rows]
    # Topics and reasons come from outside: nothing in them is a colour, an icon or a command for the terminal.
    console = Console(markup=False, emoji=False, highlight=False)
    widths = [max(map(cell_len, column)) for column in zip(titles, *cells, strict=True)]
    fixed = sum(width + 2 for name, width in zip(rows[0], widths, strict=True) if name not in _LONG)
    if fixed + 18 * sum(name in _LONG for name in rows[0]) > console.width + 2:
        _records(console, titles, cells)
        return
    table = Table(box=None, pad_edge=False)
    for name, title in zip(rows[0], titles, strict=True):
        if name in _LONG:
            table.add_column(title, overflow="fold", min_width=16)
        else:  # in pieces it could not be copied
            table.add_column(title, no_wrap=True)
    for cell in cells:
        table.add_row(*cell)
    console.print(table)


def _records(console: "Console", titles: list[str], cells: list[list[str]]) -> None:
    """Rows that are wider than the terminal, a line for each value: nothing is cut off."""
    from rich.cells import cell_len, set_cell_size

    width = max(map(cell_len, titles)) + 2
    for place, row in enumerate(cells):
        if place:
            console.print()
        for title, value in zip(titles, row, strict=True):
            if value:
                console.print(f"{set_cell_size(title, width)}{value}", soft_wrap=True)
