"""The results of a self-test for people (a table on a terminal) and for programs."""

import json
import sys

import typer
from rich.console import Console
from rich.table import Table

from ..texts import pick
from .result import BAD, OK, WARN, Result

_MARKS = {OK: "✓", WARN: "!", BAD: "✗"}
_PLAIN = {OK: "ok", WARN: "!", BAD: "x"}
_COLOURS = {OK: "green", WARN: "yellow", BAD: "red"}


def show(results: list[Result], as_json: bool) -> None:
    """Prints them, and the verdict."""
    if as_json:
        good = not any(result.state == BAD for result in results)
        print_json = {"good": good, "results": [result._asdict() for result in results]}
        typer.echo(json.dumps(print_json, ensure_ascii=False))
        return
    listed(results)
    typer.echo(verdict(results))


def listed(results: list[Result]) -> None:
    """Prints them for people."""
    marks = _marks()
    if sys.stdout.isatty():
        table = Table(show_header=False, box=None, padding=(0, 1))
        table.add_column()
        table.add_column(style="bold")
        table.add_column(overflow="fold")
        for result in results:
            hint = f"\n→ {result.hint}" if result.hint else ""
            table.add_row(
                f"[{_COLOURS[result.state]}]{marks[result.state]}[/]", result.name, _escaped(result.value + hint)
            )
        Console().print(table)
    else:
        for result in results:
            typer.echo(f"{marks[result.state]} {result.name}: {result.value}")
            if result.hint:
                typer.echo(f"    {result.hint}")


def verdict(results: list[Result]) -> str:
    """One sentence."""
    bad = [result.name for result in results if result.state == BAD]
    if bad:
        names = ", ".join(dict.fromkeys(bad))
        return pick(f"NICHT in Ordnung: {names}.", f"NOT good: {names}.")
    if any(result.state == WARN for result in results):
        return pick("In Ordnung, mit Hinweisen (!).", "Good, with remarks (!).")
    return pick("Alles in Ordnung.", "All good.")


def _marks() -> dict[str, str]:
    try:
        "✓✗".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):  # a pipe on Windows
        return _PLAIN
    return _MARKS


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
