"""`bordstein deploy`, `show` and `logs`: a board with MicroPython on the cable."""

from typing import TYPE_CHECKING

import typer

from ..board import report as board_report
from ..keys.keyfiles import read
from ..texts import Problem
from . import attached
from .ca import Json
from .commands import verb
from .options import PUBLIC, Kind, Port, Public, Release
from .output import answer, bar

if TYPE_CHECKING:
    from ..board.cable import Cable


def add_to(app: typer.Typer) -> None:
    """Adds the verbs to the command line."""
    verb(app, "Die Software auf das Gerät bringen.", "Put the software onto the board.")(deploy)
    verb(app, "Zeigen, was auf dem Gerät ist.", "Show what is on the board.")(show)
    verb(app, "Die letzten Zeilen des Protokolls zeigen.", "Show the last lines of the log.")(logs)


def deploy(
    port: Port = None,
    board: Kind = None,
    release: Release = None,
    public: Public = None,
    as_json: Json = False,
) -> None:
    from ..board import deploying, software  # they take their time to load

    with attached.problems(as_json):
        if public is None and PUBLIC.is_file():
            public = PUBLIC
        keys = read(public, "Der öffentliche Schlüssel", "the public key") if public else None
        wanted = software.own() if release is None else None
        if release is not None and keys is not None:
            wanted = software.release(release, keys)
        with attached.board(port, board) as found, bar(as_json, "Software", "Software") as progress:
            if release is not None and wanted is None:
                wanted = software.release(release, _its_own(found))
            assert wanted is not None  # noqa: S101  # one of the two
            done = deploying.deploy(found, wanted, keys, lambda done, total: progress("", done, total))
    facts = {"port": found.port, "version": wanted.version, **done._asdict()}
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


def show(port: Port = None, board: Kind = None, as_json: Json = False) -> None:
    with attached.problems(as_json), attached.board(port, board) as found:
        facts = board_report.collect(found)
    answer(as_json, facts, board_report.lines(facts), board_report.lines(facts))


def logs(port: Port = None, board: Kind = None, as_json: Json = False) -> None:
    with attached.problems(as_json), attached.board(port, board) as found:
        lines = found.log()
    answer(
        as_json,
        {"port": found.port, "lines": lines},
        "\n".join(lines) or "Das Protokoll ist leer; das Gerät ist eben erst gestartet.",
        "\n".join(lines) or "the log is empty; the board has just started.",
    )


def _its_own(board: "Cable") -> bytes:
    from ..board import deploying

    if board.exists(deploying.KEYS):
        return board.read(deploying.KEYS)
    raise Problem(
        f"Kein Schlüssel, um die Software zu prüfen: weder {PUBLIC} noch eine {deploying.KEYS} auf dem Gerät; bitte "
        "--public angeben.",
        f"no key to check the software with: neither {PUBLIC} nor a {deploying.KEYS} on the board; give --public.",
    )
