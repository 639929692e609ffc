"""`bordstein config …`: a board's configuration file."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import boards
from ..config import firmware_rules, json_mistakes, town
from ..config import mistakes as config_mistakes
from ..keys.keyfiles import PRIVATE, check_target, read, write_new
from ..texts import Problem, pick
from .ca import FILE, Json
from .commands import group, verb
from .output import FAILED, answer, failed

app = group("Konfigurationsdateien schreiben und prüfen.", "Write and check configuration files.")


@verb(
    app,
    "Ein vollständiges Beispiel schreiben: config.json eines Geräts, oder bordstein.toml der Stadt.",
    "Write a complete example: a device's config.json, or the town's bordstein.toml.",
)
def init(
    file: Annotated[Path, typer.Argument(metavar=FILE, help=pick("Die neue Datei.", "The new file."))],
    as_json: Json = False,
) -> None:
    content = town.EXAMPLE.encode() if file.suffix == ".toml" else firmware_rules.example()
    try:
        if file.exists():
            raise Problem(
                f"{file} gibt es schon und wird nicht überschrieben; bitte einen anderen Namen angeben.",
                f"{file} is there and will not be overwritten; give another name.",
            )
        check_target(file)
        write_new(file.parent, {file.name: (content, PRIVATE)})  # it will hold a Wi-Fi password
    except Problem as problem:
        failed(problem, as_json)
    answer(
        as_json,
        {"file": str(file)},
        f"{file}: geschrieben; streichen, was nicht da ist, und den Rest anpassen.",
        f"{file}: written; cut what is not there and adapt the rest.",
    )


@verb(app, "Alle Fehler einer config.json auf einmal nennen.", "Say all mistakes of a config.json at once.")
def check(
    file: Annotated[Path, typer.Argument(metavar=FILE, help=pick("Die Datei.", "The file."))],
    as_json: Json = False,
) -> None:
    try:
        config = parsed(file, read(file, "Die Konfiguration", "the configuration"))
    except Problem as problem:
        failed(problem, as_json)
    report(str(file), config, as_json)


def report(name: str, config: Any, as_json: bool) -> None:
    """Say all mistakes of a configuration, and end with exit code 1 if there are any. name: where it was."""
    problems = config_mistakes.problems(config)
    if as_json:
        typer.echo(json.dumps({"file": name, "problems": problems}, ensure_ascii=False))
    else:
        for line in problems or [pick("keine Fehler.", "no mistakes.")]:
            typer.echo(f"{name}: {line}")
        if isinstance(config, dict) and "board" not in config:
            typer.echo(
                pick(
                    '! Ohne "board" sind die Pins nicht geprüft; bitte angeben, welches Gerät es ist: ',
                    '! without "board" the pins are not checked; say which device it is: ',
                )
                + ", ".join(boards.known())
            )
    if problems:
        raise typer.Exit(FAILED)


def parsed(file: Path, content: bytes) -> Any:
    """The JSON in it; Problem with the place of the mistake."""
    try:
        return firmware_rules.parse(content.decode())
    except RecursionError:
        raise Problem(
            f"{file} ist zu tief verschachtelt für ein Gerät.", f"{file} is too deeply nested for a device."
        ) from None
    except ValueError as error:
        raise _no_json(file, error) from None


def _no_json(file: Path, error: ValueError) -> Problem:
    if file.suffix == ".toml":
        return Problem(
            f"{file} ist keine config.json eines Geräts. Die Konfiguration des Gateways prüft „bordstein-gateway check "
            f"--config {file}“.",
            f"{file} is no config.json of a device. The gateway's configuration is checked by \"bordstein-gateway "
            f'check --config {file}".',
        )
    if isinstance(error, json.JSONDecodeError):
        return json_mistakes.problem(file, error)
    return Problem(
        f"{file} enthält Zeichen, die kein UTF-8 sind; bitte als UTF-8 speichern.",
        f"{file} has characters that are not UTF-8; save it as UTF-8.",
    )
