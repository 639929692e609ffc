"""`bordstein configure …`: the configuration on the board on the cable."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..board import report as board_report
from ..config import configuring, editing, exporting
from ..config import mistakes as config_mistakes
from ..keys.keyfiles import read
from ..texts import Problem, pick
from . import attached
from . import config as cli_config
from .ca import DEFAULT_CA, FILE, FOLDER, Json
from .commands import FLAG, group, verb
from .options import Kind, Port, Yes
from .output import answer

if TYPE_CHECKING:
    from ..board.cable import Cable

app = group("Die Konfiguration auf dem angeschlossenen Gerät.", "The configuration on the board on the cable.")
Keys = Annotated[
    Path | None,
    typer.Option(
        "--keys",
        metavar=FOLDER,
        help=pick(
            f"Ordner mit Zertifikaten und Schlüssel; sonst neben der Datei und in {DEFAULT_CA}.",
            f"Folder with certificates and key; else beside the file and in {DEFAULT_CA}.",
        ),
    ),
]


@verb(
    app,
    "Die Konfiguration des Geräts ohne Geheimnisse zeigen.",
    "Show the board's configuration, without secrets.",
    name="show",
)
def show(port: Port = None, board: Kind = None, as_json: Json = False) -> None:
    with attached.problems(as_json), attached.board(port, board) as found:
        config = configuring.on_board(found)
        if config is None:
            raise exporting.none_there()
    text = board_report.as_text(config)
    answer(as_json, {"port": found.port, "config": config}, text, text)


@verb(
    app,
    "Alle Fehler der Konfiguration auf dem Gerät oder in einer Datei nennen.",
    "Say all mistakes of the configuration on the board, or in a file.",
)
def validate(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar=f"[{FILE}]",
            help=pick("Eine config.json; sonst die des Geräts.", "A config.json; else the board's."),
        ),
    ] = None,
    port: Port = None,
    board: Kind = None,
    as_json: Json = False,
) -> None:
    if file is not None:
        cli_config.check(file, as_json)
        return
    with attached.problems(as_json), attached.board(port, board) as found:
        if not found.exists(configuring.CONFIG):
            raise exporting.none_there()
        config = cli_config.parsed(Path(configuring.CONFIG), found.read(configuring.CONFIG))
    cli_config.report(configuring.CONFIG, config, as_json)


@verb(app, "Eine Konfiguration prüfen und auf das Gerät schreiben.", "Check a configuration and write it.")
def apply(
    file: Annotated[Path, typer.Argument(metavar=FILE, help=pick("Die config.json.", "The config.json."))],
    port: Port = None,
    board: Kind = None,
    keys: Keys = None,
    as_json: Json = False,
) -> None:
    with attached.problems(as_json):
        content = read(file, "Die Konfiguration", "the configuration")
        config = cli_config.parsed(file, content)
        configuring.check(config)
        with attached.board(port, board or config.get("board")) as found:
            done = configuring.apply(found, config, content, _folders(keys, file), _asking(not as_json))
    _applied(found, done, as_json)


@verb(app, "Die Konfiguration des Geräts bearbeiten.", "Edit the board's configuration.")
def edit(port: Port = None, board: Kind = None, keys: Keys = None, as_json: Json = False) -> None:
    with attached.problems(as_json):
        with attached.board(port, board) as found:
            own = configuring.raw(found)
            if own is None:
                raise exporting.none_there()
            device = str(found.facts()["device"])
        # Meanwhile the board works on.
        with editing.draft(f"config-{device}", configuring.as_file(configuring.without_secrets(own))) as path:
            content = editing.revised(path, lambda text: _mistakes(path, text, own), _again)
            done = configuring.Applied(device, [])
            if content is not None:
                with attached.board(found.port, board or own.get("board")) as found:
                    if found.facts()["device"] != device or configuring.raw(found) != own:
                        raise Problem(
                            f"Die Konfiguration von Gerät {device} ist inzwischen eine andere.",
                            f"the configuration of device {device} has changed meanwhile.",
                        )
                    config = cli_config.parsed(path, content)
                    done = configuring.apply(found, config, content, _folders(keys, path))
    _applied(found, done, as_json)


@verb(app, "Die Konfiguration des Geräts in eine Datei sichern.", "Keep the board's configuration in a file.")
def export(
    port: Port = None,
    board: Kind = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar=FILE,
            help=pick(
                f"Die neue Datei; sonst die Kennung des Geräts und {exporting.SUFFIX}.",
                f"The new file; else the device's id and {exporting.SUFFIX}.",
            ),
        ),
    ] = None,
    with_secrets: Annotated[
        bool,
        typer.Option("--with-secrets", metavar=FLAG, help=pick("Auch Passwörter und PIN.", "Passwords and PINs, too.")),
    ] = False,
    as_json: Json = False,
) -> None:
    with attached.problems(as_json):
        with attached.board(port, board) as found:
            made = exporting.made(found, with_secrets)
        path = out or Path(made.device + exporting.SUFFIX)
        exporting.write(path, made)
    answer(
        as_json,
        {"port": found.port, "device": made.device, "file": str(path), "secrets": with_secrets},
        f"{path}: geschrieben"
        + (", mit Passwörtern; nur für Sie lesbar." if with_secrets else "; Passwörter sind darin verborgen."),
        f"{path}: written" + (", with passwords; only you can read it." if with_secrets else "; passwords are hidden."),
    )


@verb(
    app,
    "Eine gesicherte Konfiguration wieder auf das Gerät schreiben.",
    "Write a configuration that was kept onto the board again.",
    name="import",
)
def import_file(
    file: Annotated[
        Path, typer.Argument(metavar=FILE, help=pick("Von „configure export“.", 'From "configure export".'))
    ],
    port: Port = None,
    board: Kind = None,
    as_new: Annotated[
        bool,
        typer.Option(
            "--as-new",
            metavar=FLAG,
            help=pick("Dieses Gerät ersetzt das andere.", "This board replaces the other one."),
        ),
    ] = False,
    keys: Keys = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    with attached.problems(as_json):
        kept = exporting.read(file)
        configuring.check(kept.config)
        with attached.board(port, board or kept.board) as found:
            exporting.check_device(kept, str(found.facts()["device"]), as_new)
            content = configuring.as_file(kept.config)
            ask = _asking(not yes and not as_json)
            done = configuring.apply(found, kept.config, content, _folders(keys, file), ask)
    _applied(found, done, as_json)


def _folders(keys: Path | None, file: Path) -> tuple[Path, ...]:
    return (keys,) if keys else (file.parent, DEFAULT_CA)


def _mistakes(path: Path, text: bytes, own: dict[str, Any]) -> list[str]:
    try:
        config = cli_config.parsed(path, text)
        return config_mistakes.problems(configuring.revealed(config, own))
    except Problem as problem:
        return [str(problem)]


def _again(mistakes: list[str]) -> bool:
    for line in mistakes:
        typer.echo(line, err=True)
    return typer.confirm(pick("Weiter bearbeiten?", "Go on editing?"), default=True, err=True)


def _asking(allowed: bool) -> Callable[[str], str]:
    if not allowed or not sys.stdin.isatty():
        return configuring.refuse
    return lambda path: str(typer.prompt(path, hide_input=True, err=True))


def _applied(found: "Cable", done: configuring.Applied, as_json: bool) -> None:
    facts = {"port": found.port, **done._asdict()}
    if not done.written:
        answer(as_json, facts, "Das ist schon alles auf dem Gerät.", "all of that is on the board already.")
        return
    names = ", ".join(done.written)
    answer(
        as_json,
        facts,
        f"Gerät {done.device}: {names} geschrieben; es startet neu.",
        f"device {done.device}: {names} written; it restarts.",
    )
