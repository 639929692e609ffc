"""How the command line answers: a sentence for people, one JSON object for machines, and an exit code."""

import json
import sys
from typing import Any, NoReturn

import typer

from .texts import Problem, pick

DONE, FAILED, MISUSE = 0, 1, 2


def answer(as_json: bool, facts: dict[str, Any], de: str, en: str) -> None:
    """The result of a command that worked."""
    typer.echo(json.dumps(facts, ensure_ascii=False) if as_json else pick(de, en))


def failed(problem: Problem, as_json: bool) -> NoReturn:
    """End with exit code 1 and the problem's sentence; with --json it is the object's `error`."""
    if as_json:
        typer.echo(json.dumps({"error": str(problem)}, ensure_ascii=False))
    else:
        print(f"bordstein: {problem}", file=sys.stderr)  # noqa: T201
    raise typer.Exit(FAILED)


def misuse(de: str, en: str) -> NoReturn:
    """End with exit code 2: the command line itself does not make sense."""
    print(f"bordstein: {pick(de, en)}", file=sys.stderr)  # noqa: T201
    raise typer.Exit(MISUSE)
