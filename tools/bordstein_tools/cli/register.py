"""`bordstein register`: boards of a CSV file enter the gateway's register later than they were set up."""

from pathlib import Path
from typing import Annotated

import typer

from ..texts import Problem, pick
from .ca import FILE, Json
from .commands import verb
from .options import GatewayUrl, TokenFile
from .output import FAILED, answer, failed, misuse


def add_to(app: typer.Typer) -> None:
    """Make it a verb of the command line."""
    verb(app, "Die Geräte einer CSV-Datei beim Gateway eintragen.", "Enter the boards of a CSV file at the gateway.")(
        register
    )


def register(
    file: Annotated[
        Path,
        typer.Argument(
            metavar=FILE,
            help=pick("Die Datei, die „bordstein setup“ schreibt.", 'The file that "bordstein setup" writes.'),
        ),
    ],
    gateway: GatewayUrl = None,
    token_file: TokenFile = None,
    as_json: Json = False,
) -> None:
    from ..setup import registering

    if gateway is None:
        misuse("Wo eintragen? Bitte --gateway angeben.", "where to? Give --gateway.")
    done = new = 0
    refused: dict[str, str] = {}
    try:
        token = registering.check(gateway, token_file)
        for entry in registering.entries(file):
            try:
                new += registering.post(entry, gateway, token)
                done += 1
            except registering.Refused as problem:
                refused[entry.get("device", "")] = str(problem)
    except Problem as problem:
        failed(problem, as_json)
    lines = [f"{device}: {why}" for device, why in refused.items()]
    answer(
        as_json,
        {"registered": done, "new": new, "refused": refused},
        "\n".join([f"{done} Geräte eingetragen, davon {new} neu.", *lines]),
        "\n".join([f"{done} boards registered, {new} of them new.", *lines]),
    )
    if refused:
        raise typer.Exit(FAILED)
