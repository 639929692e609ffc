"""`bordstein ports`, `bordstein images …`, `bordstein flash`: MicroPython onto a chip on a cable."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from . import boards, images
from .cli_ca import FILE, Json
from .commands import group, verb
from .options import BOARD, Image, Port
from .output import FAILED, answer, bar, failed, misuse
from .texts import Problem, pick

_BAUD = 460800

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
    from . import ports

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
    ] = _BAUD,
    as_json: Json = False,
) -> None:
    known = boards.known()
    if board is not None and "image" not in known.get(board, {}):
        names = ", ".join(name for name, what in known.items() if "image" in what)
        misuse(f"Ein Gerät {board} gibt es nicht; bekannt sind {names}.", f"No board {board}; known are {names}.")
    try:
        facts = flash_board(port, known[board] if board else None, image, as_json, baud)
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


def flash_board(
    wanted: str | None, board: dict[str, Any] | None, file: Path | None, as_json: bool, baud: int = _BAUD
) -> dict[str, Any]:
    """MicroPython onto the board on a port; what is known of it then. board: its file; file: the image. Problem."""
    # Loading esptool takes half a second, which no other verb should wait for.
    from . import flashing, ports

    # What is known to fail is said before the board is disturbed.
    content = images.read(file) if file else images.cached(board) if board else None
    device = ports.choose(wanted)
    with flashing.connected(device, board) as found:
        try:
            matched = _match(found.chip.kind, board, content is not None)
            content = content or images.cached(matched)
            made_for = images.chip_of(content, str(file or matched["image"]["name"]))
            if made_for != found.chip.kind:
                raise Problem(
                    f"Das Image ist für {made_for}, das Gerät ist ein {found.chip.kind}.",
                    f"The image is for {made_for}, the board is an {found.chip.kind}.",
                )
            with bar(as_json, "Schreiben", "Writing") as progress:
                found.write(
                    content, matched["flash"]["image_offset"], lambda done, total: progress("", done, total), baud
                )
        except Problem:
            with suppress(Problem):  # the first one counts
                found.restart()
            raise
        found.restart()
    return {
        "port": device,
        "device": found.chip.mac,
        "chip": found.chip.description,
        "flash_size": found.chip.flash_size,
        "board": board["name"] if board else None,
        "bytes": len(content),
    }


def _match(kind: str, board: dict[str, Any] | None, any_will_do: bool) -> dict[str, Any]:
    """The board file to go by: the named one if its chip is there, else the only one with this chip."""
    if board is not None:
        if board["chip"] != kind:
            raise Problem(
                f"Das Gerät ist ein {kind}, {board['name']} hat einen {board['chip']}: ist es das richtige Gerät, der "
                "richtige Anschluss?",
                f"The board is an {kind}, {board['name']} has an {board['chip']}: is it the right board, the right "
                "port?",
            )
        return board
    fitting = [what for what in boards.known().values() if what["chip"] == kind and "image" in what]
    if not fitting:
        raise Problem(f"Für einen {kind} ist kein Gerät bekannt.", f"No board is known that has an {kind}.")
    if len(fitting) > 1 and not any_will_do:
        names = ", ".join(what["name"] for what in fitting)
        raise Problem(
            f"Mit einem {kind} gibt es {names}: mit --board angeben, welches es ist.",
            f"With an {kind} there are {names}: say with --board which one it is.",
        )
    return fitting[0]


def _facts(image: images.Image) -> dict[str, Any]:
    return {**vars(image), "path": str(image.path)}
