"""`bordstein config …`: a board's configuration file."""

import json
from pathlib import Path
from typing import Annotated

import typer

from .cli_ca import Json
from .firmware_rules import checker
from .keyfiles import read
from .output import FAILED, answer, failed
from .texts import Problem, pick

app = typer.Typer(help=pick("Die Konfiguration eines Geräts.", "A board's configuration."), no_args_is_help=True)


@app.callback()
def _group() -> None:
    """More verbs will follow; without this, typer would make the only one the group itself."""


@app.command(
    help=pick("Alle Fehler einer config.json auf einmal nennen.", "Say all mistakes of a config.json at once.")
)
def check(
    file: Annotated[Path, typer.Argument(help=pick("Die Datei.", "The file."))],
    as_json: Json = False,
) -> None:
    try:
        text = read(file, "Die Konfiguration", "the configuration")
        try:
            config = json.loads(text)
        except ValueError as error:
            raise Problem(f"{file} ist kein JSON: {error}.", f"{file} is not JSON: {error}.") from None
    except Problem as problem:
        failed(problem, as_json)
    problems = checker()(config, None)
    if not problems:
        answer(as_json, {"file": str(file), "problems": []}, f"{file}: keine Fehler.", f"{file}: no mistakes.")
        return
    if as_json:
        typer.echo(json.dumps({"file": str(file), "problems": problems}, ensure_ascii=False))
    else:
        for line in problems:
            typer.echo(f"{file}: {line}")
    raise typer.Exit(FAILED)
