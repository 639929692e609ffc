"""`bordstein label`: what is stuck onto a board."""

import re
from pathlib import Path
from typing import Annotated

import typer

from ..keys import names
from ..texts import Problem, pick
from .commands import FLAG, verb
from .output import answer, failed, misuse

_SIZE = re.compile(r"(\d{2,3})\s*[x×]\s*(\d{2,3})")


def add_to(app: typer.Typer) -> None:
    """Make it a verb of the command line."""
    verb(app, "Das Etikett eines Geräts mit QR-Code.", "A board's label with its QR code.", "label")(make)


def make(
    device: Annotated[str, typer.Argument(metavar="MAC", help=pick("Basis-MAC des Geräts.", "The board's base MAC."))],
    asset: Annotated[
        str | None,
        typer.Option(metavar=pick("NUMMER", "NUMBER"), help=pick("Inventarnummer.", "Asset number.")),
    ] = None,
    place: Annotated[
        str | None, typer.Option(metavar=pick("ORT", "PLACE"), help=pick("Wo es hängt.", "Where it hangs."))
    ] = None,
    owner: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help=pick("Wem es gehört, mit Telefon.", "Whom it belongs to, with a telephone number.")
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar=pick("DATEI", "FILE"),
            help=pick(".svg oder .pdf; sonst etikett-MAC.pdf.", ".svg or .pdf; else label-MAC.pdf."),
        ),
    ] = None,
    size: Annotated[
        str, typer.Option(metavar="MMxMM", help=pick("Breite und Höhe in mm.", "Width and height in mm."))
    ] = "62x29",
    as_json: Annotated[
        bool, typer.Option("--json", metavar=FLAG, help=pick("Antwort als JSON-Objekt.", "Answer as a JSON object."))
    ] = False,
) -> None:
    from ..setup import label  # with what draws, which no other verb should wait for

    measures = _SIZE.fullmatch(size.strip())
    if not measures or not all(12 <= int(one) <= 300 for one in measures.groups()):
        misuse(
            f"--size {size}: erwartet werden Breite und Höhe in mm, 12 bis 300, zum Beispiel 62x29.",
            f"--size {size}: expected width and height in mm, 12 to 300, for example 62x29.",
        )
    try:
        number = names.device_id(device)
        path = out or Path(f"{pick('etikett', 'label')}-{number}.pdf")
        if path.suffix.lower() not in label.SUFFIXES:
            misuse(
                f"{path}: die Endung sagt, was daraus wird; bitte .svg oder .pdf.",
                f"{path}: its ending says what it becomes; use .svg or .pdf.",
            )
        label.make(path, number, (asset, place, owner), *map(int, measures.groups()))
    except Problem as problem:
        failed(problem, as_json)
    answer(
        as_json,
        {"device": number, "urn": label.urn(number), "file": str(path)},
        f"Das Etikett für {number} liegt in {path}; bitte in Originalgröße drucken (100 %).",
        f"the label for {number} is in {path}; print it in its own size (100 %).",
    )
