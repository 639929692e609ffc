"""How the command line answers: a sentence for people, one JSON object for machines, and an exit code."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import typer

from ..texts import Problem, pick

DONE, FAILED, MISUSE = 0, 1, 2


def answer(as_json: bool, facts: dict[str, Any], de: str, en: str) -> None:
    """The result of a command that worked."""
    typer.echo(json.dumps(facts, ensure_ascii=False) if as_json else pick(de, en))


def failed(problem: Problem, as_json: bool) -> NoReturn:
    """End with exit code 1 and the problem's sentence; with --json it is the object's `error`."""
    if as_json:
        typer.echo(json.dumps({"error": str(problem)}, ensure_ascii=False))
    else:
        complain(problem)
    raise typer.Exit(FAILED)


def complain(problem: Problem) -> None:
    """A sentence for people that does not end the command yet."""
    print(f"bordstein: {problem}", file=sys.stderr)  # noqa: T201


def misuse(de: str, en: str) -> NoReturn:
    """End with exit code 2: the command line itself does not make sense."""
    print(f"bordstein: {pick(de, en)}", file=sys.stderr)  # noqa: T201
    raise typer.Exit(MISUSE)


@contextmanager
def bar(as_json: bool, de: str, en: str) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar with the remaining time, on a terminal and without --json; it is gone at the end.

    What it gives is called with what is being worked on, how much is done, and of how much (0: not known).
    """
    if as_json or not sys.stderr.isatty():
        yield lambda name, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn(pick("noch", "remaining")),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(pick(de, en), total=None)

        def update(name: str, done: int, total: int) -> None:
            shown.update(task, description=name or pick(de, en), completed=done, total=total or None)

        yield update
