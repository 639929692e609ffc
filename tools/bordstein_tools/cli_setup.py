"""`bordstein setup`: one command from a blank board on a cable to «mounted and reporting»."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from . import boards, configuring, pki
from .cli_ca import DEFAULT_CA, FILE, CaFolder, Json, PassphraseFile, opened
from .cli_config import parsed
from .cli_flash import flash_board
from .commands import FLAG, verb
from .keyfiles import read
from .options import BOARD, PUBLIC, Image, Port, Public, Release
from .output import FAILED, answer, bar, failed, misuse
from .texts import Problem, pick

_REGISTER = Path(pick("geraete.csv", "boards.csv"))


def add_to(app: typer.Typer) -> None:
    """Make it a verb of the command line."""
    verb(app, "Ein Gerät am Kabel fertig zur Montage machen.", "Make a board on a cable ready to mount.", "setup")(
        setup
    )


def setup(
    port: Port = None,
    config: Annotated[
        Path,
        typer.Option(
            metavar=FILE,
            help=pick(
                "Konfiguration für Geräte dieser Art; „bordstein config init“ schreibt eine.",
                'Configuration for boards of this kind; "bordstein config init" writes one.',
            ),
        ),
    ] = Path("config.json"),
    place: Annotated[
        str | None, typer.Option(metavar=pick("ORT", "PLACE"), help=pick("Wo es hängen wird.", "Where it will hang."))
    ] = None,
    asset: Annotated[
        str | None, typer.Option(metavar=pick("NUMMER", "NUMBER"), help=pick("Inventarnummer.", "Asset number."))
    ] = None,
    board: Annotated[
        str | None,
        typer.Option(
            metavar=BOARD,
            help=pick("Welches Gerät es ist; sonst das konfigurierte.", "Which board it is; else as configured."),
        ),
    ] = None,
    image: Image = None,
    release: Release = None,
    public: Public = None,
    ca: CaFolder = DEFAULT_CA,
    passphrase_file: PassphraseFile = None,
    register: Annotated[
        Path | None,
        typer.Option(
            metavar=FILE,
            help=pick(
                "CSV-Datei, in die das Gerät eingetragen wird.",
                "CSV file that the board is entered into.",
            ),
        ),
    ] = _REGISTER,
    label: Annotated[
        Path | None,
        typer.Option(metavar=FILE, help=pick("Etikett als .pdf oder .svg.", "Label as .pdf or .svg.")),
    ] = None,
    wait: Annotated[
        int,
        typer.Option(
            metavar=pick("SEKUNDEN", "SECONDS"),
            min=10,
            max=3600,
            help=pick("So lange auf die ersten Messwerte warten.", "Wait so long for the first readings."),
        ),
    ] = 120,
    yes: Annotated[
        bool,
        typer.Option("--yes", metavar=FLAG, help=pick("Nichts fragen.", "Ask nothing.")),
    ] = False,
    as_json: Json = False,
) -> None:
    from . import ports, setting_up, software
    from .label import SUFFIXES

    if label is not None and label.suffix.lower() not in SUFFIXES:
        misuse(f"{label}: bitte .svg oder .pdf.", f"{label}: use .svg or .pdf.")
    try:
        if not config.exists():
            raise Problem(
                f"{config} gibt es nicht; „bordstein config init {config}“ schreibt eine zum Anpassen.",
                f'there is no {config}; "bordstein config init {config}" writes one to be adapted.',
            )
        # What is known to fail is said before anything is asked or changed.
        made = parsed(config, read(config, "Die Konfiguration", "the configuration"))
        configuring.check(made)
        keys_from = public or (PUBLIC if PUBLIC.is_file() else None)
        keys = read(keys_from, "Der öffentliche Schlüssel", "the public key") if keys_from else None
        if release is not None and keys is None:
            raise Problem(
                f"Um {release} zu prüfen, fehlt release.pub; bitte --public angeben.",
                f"release.pub is missing to check {release} with; give --public.",
            )
        wanted = software.release(release, keys or b"") if release is not None else software.own()
        device_port = ports.choose(port)
        ask = sys.stdin.isatty() and not yes and not as_json
        place = (
            place if place is not None else _asked(ask, "Wo wird es hängen?", "Where will it hang?", made.get("name"))
        )
        asset = asset if asset is not None else _asked(ask, "Inventarnummer", "Asset number", None)
        kind = board or made.get("board")
        if not setting_up.has_micropython(device_port):
            _step("MicroPython aufspielen", "putting MicroPython on", as_json)
            flash_board(device_port, boards.known().get(kind) if kind else None, image, as_json)
        verdict = setting_up.set_up(
            device_port,
            setting_up.Wanted(
                config=made,
                place=place,
                asset=asset,
                software=wanted,
                keys=keys,
                authority=_Authority(ca, passphrase_file),
                register=register,
                label=label,
                wait_s=wait,
            ),
            lambda de, en: _step(de, en, as_json),
            lambda: _bar(as_json),
        )
    except Problem as problem:
        failed(problem, as_json)
    text = setting_up.sentence(verdict)
    answer(
        as_json, {"port": device_port, "ready": verdict.ready, "said": verdict.complaints, **verdict.facts}, text, text
    )
    if not verdict.ready:
        raise typer.Exit(FAILED)


class _Authority:
    """Opened, and its passphrase asked for, only when something is to be signed."""

    def __init__(self, folder: Path, passphrase_file: Path | None) -> None:
        self._folder, self._passphrase_file = folder, passphrase_file

    def __call__(self) -> pki.Authority:
        return opened(self._folder, self._passphrase_file)


@contextlib.contextmanager
def _bar(as_json: bool) -> Iterator[Callable[[int, int], None]]:
    with bar(as_json, "Software", "Software") as progress:
        yield lambda done, total: progress("", done, total)


def _asked(ask: bool, de: str, en: str, known: Any) -> str:
    default = str(known or "")
    return str(typer.prompt(pick(de, en), default=default, show_default=bool(default))) if ask else default


def _step(de: str, en: str, as_json: bool) -> None:
    if not as_json:
        typer.echo(pick(de, en) + " …", err=True)
