"""`bordstein-gateway reader add|remove|list`: who may see what is not public."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..config.check import place_of
from ..texts import os_reason, pick
from ..web import readers
from .common import DEFAULT_CONFIG, ConfigOption, Failed, misuse, output

app = typer.Typer(
    help=pick(
        "Wer sehen darf, was nicht öffentlich ist. Namen und Passwörter der readers_file.",
        "Who may see what is not public. Names and passwords of the readers_file.",
    ),
    no_args_is_help=True,
)
_FileOption = Annotated[
    Path | None,
    typer.Option(
        "--file",
        metavar=pick("DATEI", "FILE"),
        help=pick(
            "Diese Datei; sonst die readers_file der Konfiguration.",
            "This file; else the configuration's readers_file.",
        ),
    ),
]
_NameArgument = Annotated[str, typer.Argument(metavar="NAME", help=pick("Wie im Anmeldefenster.", "As in the login."))]


@app.command(
    help=pick(
        "Einen Namen eintragen, oder ihm ein neues Passwort geben. Fragt nach dem Passwort; ohne Terminal liest es "
        "eine Zeile der Standardeingabe.",
        "Enter a name, or give it a new password. Asks for the password; without a terminal it reads a line of the "
        "standard input.",
    )
)
def add(name: _NameArgument, path: ConfigOption = DEFAULT_CONFIG, file: _FileOption = None) -> None:
    if not readers.NAME.fullmatch(name):
        misuse("nur Buchstaben, Ziffern und -_.@", "letters, digits and -_.@ only", "NAME")
    target = _file(path, file)
    known = _read(target)
    password = _password()
    if len(password) < readers.SHORTEST:
        raise Failed(
            pick(
                f"Das Passwort ist zu kurz; es braucht {readers.SHORTEST} Zeichen oder mehr.",
                f"The password is too short; it needs {readers.SHORTEST} characters or more.",
            )
        )
    _write(target, {**known, name: readers.hashed(password)})
    output(pick(f"{name} steht in {target}", f"{name} is in {target}"))


@app.command(help=pick("Einen Namen streichen. Er kommt ab sofort nicht mehr hinein.", "Take a name out, at once."))
def remove(name: _NameArgument, path: ConfigOption = DEFAULT_CONFIG, file: _FileOption = None) -> None:
    target = _file(path, file)
    known = _read(target)
    if known.pop(name, None) is None:
        raise Failed(pick(f"In {target} steht niemand, der {name} heißt.", f"Nobody in {target} is called {name}."))
    _write(target, known)
    output(pick(f"{name} steht nicht mehr in {target}", f"{name} is no longer in {target}"))


@app.command("list", help=pick("Die Namen.", "The names."))
def reader_list(path: ConfigOption = DEFAULT_CONFIG, file: _FileOption = None) -> None:
    known = _read(_file(path, file))
    output("\n".join(sorted(known)) or pick("niemand", "nobody"))


def _file(path: Path, file: Path | None) -> Path:
    if file is not None:
        return file
    named = place_of(path, "http", "readers_file")
    if named is None:
        raise Failed(
            pick(
                f"{path} nennt keine readers_file in [http]; eintragen, oder --file DATEI angeben.",
                f"{path} names no readers_file in [http]; write it there, or give --file FILE.",
            )
        )
    return named


def _read(path: Path) -> dict[str, str]:
    try:
        return readers.read(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        reason = os_reason(error) if isinstance(error, OSError) else "UTF-8"
        raise Failed(pick(f"{path}: nicht lesbar: {reason}", f"{path}: can't be read: {reason}")) from None


def _write(path: Path, known: dict[str, str]) -> None:
    try:
        readers.write(path, known)
    except OSError as error:
        raise Failed(
            pick(f"{path}: nicht schreibbar: {os_reason(error)}", f"{path}: can't be written: {error.strerror}")
        ) from None


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    return str(
        typer.prompt(
            pick("Passwort", "Password"), hide_input=True, confirmation_prompt=pick("noch einmal", "once more")
        )
    )
