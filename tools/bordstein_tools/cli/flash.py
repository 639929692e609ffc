"""`bordstein ports`, `bordstein images …`, `bordstein flash`: MicroPython onto a chip on a cable."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import boards
from ..board import images, ports
from ..texts import Problem, pick
from .ca import FILE, Json
from .commands import group, verb
from .options import BOARD, Image, Port
from .output import FAILED, answer, bar, failed, misuse

images_app = group("Images von MicroPython auf diesem Computer.", "Images of MicroPython on this computer.")


@verb(images_app, "Eine Image-Datei aufnehmen.", "Take an image file in.")
def add(
    file: Annotated[Path, typer.Argument(metavar=FILE, help=pick("Die .bin-Datei.", "The .bin file."))],
    as_json: Json = False,
) -> None:
    try:
        image = images.add(file)
    except Problem as problem:
        failed(problem, as_json)
    answer(
        as_json,
        _facts(image),
        f"{image.path.name} für {image.chip} aufgenommen, SHA-256 {image.sha256}.",
        f"{image.path.name} for {image.chip} taken in, SHA-256 {image.sha256}.",
    )


@verb(images_app, "Zeigen, welche Images da sind.", "Show which images are here.", "list")
def list_images(as_json: Json = False) -> None:
    found = images.listed()
    if as_json:
        typer.echo(json.dumps({"folder": str(images.folder()), "images": [_facts(image) for image in found]}))
    else:
        for image in found:
            spoilt = "" if image.sound else pick(" – BESCHÄDIGT, bitte löschen", " – DAMAGED, delete it")
            typer.echo(f"{image.path.name}  {image.chip}  {image.size} B  {image.sha256[:16]}…{spoilt}")
        if not found:
            typer.echo(
                pick(
                    "Keine Images da; mit Internet „bordstein images fetch“ ausführen.",
                    'No images here; run "bordstein images fetch" where there is internet.',
                )
            )
    if not all(image.sound for image in found):
        raise typer.Exit(FAILED)


@verb(images_app, "Images aus dem Internet holen, für später ohne.", "Get images from the internet, for later without.")
def fetch(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar=BOARD, help=pick("Für diese Geräte; sonst für alle.", "For these; else for all.")),
    ] = None,
    as_json: Json = False,
) -> None:
    try:
        with bar(as_json, "Herunterladen", "Downloading") as progress:
            new = images.fetch(names or [], progress)
    except Problem as problem:
        failed(problem, as_json)
    listed = ", ".join(image.path.name for image in new)
    answer(
        as_json,
        {"images": [_facts(image) for image in new]},
        f"Geholt: {listed}." if new else "Alles ist schon da.",
        f"Got {listed}." if new else "Everything is here already.",
    )


def list_ports(as_json: Json = False) -> None:
    found = ports.found()
    if as_json:
        typer.echo(json.dumps({"ports": [vars(port) for port in found]}))
        return
    for port in found:
        users = ports.users(port.device)
        used = pick(f"  benutzt von {', '.join(users)}", f"  used by {', '.join(users)}") if users else ""
        typer.echo(f"{port.device}  {port.what}  {port.serial_number}{used}".rstrip())
    if not found:
        typer.echo(
            pick(
                "Kein Gerät gefunden: Das Kabel einstecken (eines mit Datenleitungen, kein reines Ladekabel).",
                "No board found: plug the cable in (one with data lines, not a charging cable).",
            )
        )


def flash(
    port: Port = None,
    board: Annotated[
        str | None,
        typer.Option(
            "--board",
            metavar=BOARD,
            help=pick("Welches Gerät es ist, wie in boards/.", "Which board it is, as in boards/."),
        ),
    ] = None,
    image: Image = None,
    baud: Annotated[
        int,
        typer.Option(
            "--baud", metavar="BAUD", min=9600, max=2000000, help=pick("Geschwindigkeit.", "Speed of the transfer.")
        ),
    ] = ports.BAUD,
    as_json: Json = False,
) -> None:
    known = boards.known()
    if board is not None and "image" not in known.get(board, {}):
        names = ", ".join(name for name, what in known.items() if "image" in what)
        misuse(f"Ein Gerät {board} gibt es nicht; bekannt sind {names}.", f"No board {board}; known are {names}.")
    try:
        from ..board import micropython  # takes its time to load

        device = ports.choose(port)
        facts = micropython.put_on(device, known[board] if board else None, image, lambda: writing(as_json), baud)
    except Problem as problem:
        failed(problem, as_json)
    answer(
        as_json,
        facts,
        f"MicroPython ist auf {facts['device']} ({facts['chip']}) an {facts['port']}.",
        f"MicroPython is on {facts['device']} ({facts['chip']}) at {facts['port']}.",
    )


def add_to(app: typer.Typer) -> None:
    """The verbs that stand in no group."""
    verb(app, "Zeigen, an welchen Anschlüssen Geräte stecken.", "Show which ports boards are on.", "ports")(list_ports)
    verb(app, "MicroPython auf ein Gerät am Kabel schreiben.", "Write MicroPython onto a board on a cable.")(flash)


@contextmanager
def writing(as_json: bool) -> Iterator[Callable[[int, int], None]]:
    """The progress bar for what esptool writes."""
    with bar(as_json, "Schreiben", "Writing") as progress:
        yield lambda done, total: progress("", done, total)


def _facts(image: images.Image) -> dict[str, Any]:
    return {**vars(image), "path": str(image.path)}
