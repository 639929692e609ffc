"""Options that the verbs for a board on a cable have in common."""

from pathlib import Path
from typing import Annotated

import typer

from .. import boards
from ..config import town
from ..texts import pick
from .ca import FILE
from .commands import FLAG
from .output import misuse

BOARD = pick("GERÄT", "BOARD")
PUBLIC = Path("bordstein-signing/release.pub")
"""Where `bordstein signing init` puts the key that releases are checked with."""
REGISTER = Path(pick("geraete.csv", "boards.csv"))
CONFIG = Path("config.json")
WAIT_S = 120


def _known(kind: str | None) -> str | None:
    if kind is not None and kind not in boards.known():
        names = ", ".join(boards.known())
        misuse(f"Ein Gerät {kind} gibt es nicht; bekannt sind {names}.", f"No board {kind}; known are {names}.")
    return kind


Port = Annotated[
    str | None,
    typer.Option(
        "--port",
        metavar=pick("ANSCHLUSS", "PORT"),
        envvar="BORDSTEIN_PORT",
        show_envvar=False,
        help=pick(
            "Anschluss, zum Beispiel /dev/ttyUSB0 oder COM3, oder rfc2217://-Adresse; sonst BORDSTEIN_PORT, sonst der "
            "einzige, an dem ein Gerät steckt.",
            "Port, for example /dev/ttyUSB0 or COM3, or rfc2217:// URL; else BORDSTEIN_PORT, else the only one that a "
            "board is on.",
        ),
    ),
]
Image = Annotated[
    Path | None,
    typer.Option(
        "--image",
        metavar=FILE,
        help=pick("MicroPython aus dieser Datei, nicht aus dem Vorrat.", "MicroPython from this file, not from stock."),
    ),
]
GatewayUrl = Annotated[
    str | None,
    typer.Option(
        "--gateway",
        metavar=pick("ADRESSE", "ADDRESS"),
        help=pick(
            "Gateway, bei dem Geräte eingetragen werden, wie http://localhost:8080.",
            "Gateway at which boards are entered, as in http://localhost:8080.",
        ),
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar=FILE,
        help=pick(
            "Datei mit dem Token dafür (register_token_file des Gateways).",
            "File with the token for that (the gateway's register_token_file).",
        ),
    ),
]
Release = Annotated[
    Path | None,
    typer.Option(
        "--release",
        metavar=FILE,
        help=pick("Signierte Software (.pack); sonst die mitgelieferte.", "Signed software (.pack); else our own."),
    ),
]
Public = Annotated[
    Path | None,
    typer.Option(
        "--public",
        metavar=FILE,
        help=pick(
            f"release.pub mit den Schlüsseln, denen vertraut wird; sonst {PUBLIC}, sonst die des Geräts.",
            f"release.pub with the keys that are believed; else {PUBLIC}, else the board's own.",
        ),
    ),
]
Lists = Annotated[
    Path | None,
    typer.Option(
        "--town",
        metavar=FILE,
        help=pick(
            f"Netze, Bausätze und Gebiete der Stadt; sonst {town.FILE}.",
            f"The town's networks, kits and sites; else {town.FILE}.",
        ),
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar=FILE,
        help=pick(
            f"Fertige Konfiguration; sonst {CONFIG}, wenn es kein {town.FILE} gibt.",
            f"A configuration as it is; else {CONFIG}, where there is no {town.FILE}.",
        ),
    ),
]
Kind = Annotated[
    str | None,
    typer.Option(
        "--board",
        metavar=BOARD,
        callback=_known,
        help=pick("Welches Gerät es ist, wie in boards/.", "Which board it is, as in boards/."),
    ),
]
Yes = Annotated[bool, typer.Option("--yes", metavar=FLAG, help=pick("Nichts fragen.", "Ask nothing."))]
Register = Annotated[
    Path | None,
    typer.Option(
        "--register",
        metavar=FILE,
        help=pick("CSV-Datei mit den Geräten der Stadt.", "CSV file with the town's boards."),
    ),
]
Wait = Annotated[
    int,
    typer.Option(
        "--wait",
        metavar=pick("SEKUNDEN", "SECONDS"),
        min=10,
        max=3600,
        help=pick("So lange auf die ersten Messwerte warten.", "Wait so long for the first readings."),
    ),
]
