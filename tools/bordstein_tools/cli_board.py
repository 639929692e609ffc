"""`bordstein deploy`, `show`, `logs`, `reset` and `configure …`: a board with MicroPython on the cable."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from . import board_report, configuring, deploying, ports, software
from .cable import Cable
from .cli_ca import DEFAULT_CA, FILE, FOLDER, Json
from .cli_config import parsed
from .commands import FLAG, group, verb
from .keyfiles import read
from .options import PUBLIC, Port, Public, Release
from .output import answer, bar, failed, misuse
from .texts import Problem, pick

configure = group("Die Konfiguration auf dem angeschlossenen Gerät.", "The configuration on the board on the cable.")


def add_to(app: typer.Typer) -> None:
    """Adds the verbs to the command line."""
    verb(app, "Die Software auf das Gerät bringen.", "Put the software onto the board.")(deploy)
    verb(app, "Zeigen, was auf dem Gerät ist.", "Show what is on the board.")(show)
    verb(app, "Die letzten Zeilen des Protokolls zeigen.", "Show the last lines of the log.")(logs)
    verb(app, "Das Gerät neu starten.", "Restart the board.")(reset)
    app.add_typer(configure, name="configure")


def deploy(
    port: Port = None,
    release: Release = None,
    public: Public = None,
    as_json: Json = False,
) -> None:
    with problems(as_json):
        if public is None and PUBLIC.is_file():
            public = PUBLIC
        keys = read(public, "Der öffentliche Schlüssel", "the public key") if public else None
        wanted = software.own() if release is None else None
        with board_on_cable(port, as_json) as board, bar(as_json, "Software", "Software") as progress:
            if release is not None:
                wanted = software.release(release, keys or _its_own(board))
            assert wanted is not None  # noqa: S101  # one of the two
            done = deploying.deploy(board, wanted, keys, lambda done, total: progress("", done, total))
    facts = {"port": board.port, "version": wanted.version, **done._asdict()}
    if not done.written and not done.removed:
        answer(
            as_json, facts, f"Software {wanted.version} ist schon da.", f"software {wanted.version} is there already."
        )
        return
    answer(
        as_json,
        facts,
        f"Software {wanted.version} ist auf dem Gerät (Dateien: {done.written}, {done.bytes // 1024} kB).",
        f"software {wanted.version} is on the board (files: {done.written}, {done.bytes // 1024} kB).",
    )


def show(port: Port = None, as_json: Json = False) -> None:
    with problems(as_json), board_on_cable(port, as_json) as board:
        facts = board_report.collect(board)
    answer(as_json, facts, board_report.lines(facts), board_report.lines(facts))


def logs(port: Port = None, as_json: Json = False) -> None:
    with problems(as_json), board_on_cable(port, as_json) as board:
        found = board.log()
    answer(
        as_json,
        {"port": board.port, "lines": found},
        "\n".join(found) or "Das Protokoll ist leer; das Gerät ist eben erst gestartet.",
        "\n".join(found) or "the log is empty; the board has just started.",
    )


def reset(
    port: Port = None,
    hard: Annotated[
        bool,
        typer.Option("--hard", metavar=FLAG, help=pick("Wie mit dem Taster EN (RST).", "As with the button EN (RST).")),
    ] = False,
    as_json: Json = False,
) -> None:
    if not hard:
        misuse("Bitte --hard angeben; es wird nur neu gestartet.", "give --hard; it only restarts.")
    with problems(as_json), board_on_cable(port, as_json) as board:
        pass
    answer(as_json, {"port": board.port}, "Das Gerät startet neu.", "the board restarts.")


@verb(
    configure,
    "Die Konfiguration des Geräts ohne Geheimnisse zeigen.",
    "Show the board's configuration, without secrets.",
    name="show",
)
def show_configuration(port: Port = None, as_json: Json = False) -> None:
    with problems(as_json), board_on_cable(port, as_json) as board:
        config = configuring.on_board(board)
        if config is None:
            raise Problem("Auf dem Gerät ist keine Konfiguration.", "there is no configuration on the board.")
    text = board_report.as_text(config)
    answer(as_json, {"port": board.port, "config": config}, text, text)


@verb(configure, "Eine Konfiguration prüfen und auf das Gerät schreiben.", "Check a configuration and write it.")
def apply(
    file: Annotated[Path, typer.Argument(metavar=FILE, help=pick("Die config.json.", "The config.json."))],
    port: Port = None,
    keys: Annotated[
        Path | None,
        typer.Option(
            metavar=FOLDER,
            help=pick(
                f"Ordner mit Zertifikaten und Schlüssel; sonst neben der Datei und in {DEFAULT_CA}.",
                f"Folder with certificates and key; else beside the file and in {DEFAULT_CA}.",
            ),
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    with problems(as_json):
        content = read(file, "Die Konfiguration", "the configuration")
        config = parsed(file, content)
        configuring.check(config)
        with board_on_cable(port, as_json) as board:
            done = configuring.apply(board, config, content, (keys,) if keys else (file.parent, DEFAULT_CA))
    facts = {"port": board.port, **done._asdict()}
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


@contextlib.contextmanager
def problems(as_json: bool) -> Iterator[None]:
    """A Problem ends the program with exit code 1 and its sentence."""
    try:
        yield
    except Problem as problem:
        failed(problem, as_json)


@contextlib.contextmanager
def board_on_cable(port: str | None, as_json: bool) -> Iterator[Cable]:
    """The board, interrupted; it restarts at the end, so that it works on, if there is still a connection."""
    with Cable.open(ports.choose(port)) as board:
        try:
            yield board
        except BaseException:  # Ctrl-C, too
            with contextlib.suppress(Problem):
                board.reset()
            raise
        board.reset()


def _its_own(board: Cable) -> bytes:
    if board.exists(deploying.KEYS):
        return board.read(deploying.KEYS)
    raise Problem(
        f"Kein Schlüssel, um die Software zu prüfen: weder {PUBLIC} noch eine {deploying.KEYS} auf dem Gerät; bitte "
        "--public angeben.",
        f"no key to check the software with: neither {PUBLIC} nor a {deploying.KEYS} on the board; give --public.",
    )
