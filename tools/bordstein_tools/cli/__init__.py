"""The command `bordstein`. Each group of verbs is a module of its own; this one joins them.

Exit codes: 0 done, 1 failed, 2 misuse.
"""

import sys
import traceback
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from .. import __version__
from ..texts import Problem, pick
from . import batch as cli_batch
from . import board as cli_board
from . import ca_list as cli_ca_list
from . import check as cli_check
from . import commands
from . import config as cli_config
from . import configure as cli_configure
from . import flash as cli_flash
from . import label as cli_label
from . import register as cli_register
from . import setup as cli_setup
from . import signing as cli_signing
from . import support as cli_support
from . import wipe as cli_wipe
from .output import FAILED, complain, failed

app = commands.group(
    "Bordstein-Straßensensoren: Schlüssel und Geräte.",
    "Bordstein street sensors: keys and devices.",
    name="bordstein",
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(cli_ca_list.app, name="ca")
app.add_typer(cli_config.app, name="config")
app.add_typer(cli_flash.images_app, name="images")
app.add_typer(cli_signing.app, name="signing")
cli_setup.add_to(app)
cli_batch.add_to(app)
cli_label.add_to(app)
cli_board.add_to(app)
cli_check.add_to(app)
cli_wipe.add_to(app)
app.add_typer(cli_configure.app, name="configure")
cli_flash.add_to(app)
cli_register.add_to(app)
cli_support.add_to(app)

# As --help shows them.
_PANELS = {
    pick("Ein Gerät fertig machen", "Make a board ready"): ("setup", "batch", "label", "register"),
    pick("Das Gerät am Kabel", "The board on the cable"): (
        *("show", "selftest", "watch", "logs", "console", "configure", "deploy", "flash", "reset", "decommission"),
        *("diagnose",),
    ),
    pick("Schlüssel und Zertifikate", "Keys and certificates"): ("ca", "signing"),
    pick("Dieser Computer", "This computer"): ("doctor", "ports", "images", "config"),
}
for _panel, _verbs in _PANELS.items():
    for _command in app.registered_commands:
        if (_command.name or getattr(_command.callback, "__name__", "")) in _verbs:
            _command.rich_help_panel = _panel
    for _group in app.registered_groups:
        if _group.name in _verbs:
            _group.rich_help_panel = _panel


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bordstein {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool,
        typer.Option(
            "--version",
            metavar=commands.FLAG,
            callback=_version,
            is_eager=True,
            help=pick("Die Version zeigen.", "Show the version."),
        ),
    ] = False,
) -> None:
    pass


_INTERRUPTED = 130  # Typer's exit code after Ctrl-C


def main() -> None:
    """Entry point of the console script."""
    try:
        app()
    except SystemExit as end:
        if end.code != _INTERRUPTED:
            raise
        complain(Problem("Abgebrochen; derselbe Befehl macht weiter.", "Ended; the same command goes on."))
        sys.exit(FAILED)
    except Exception as error:  # noqa: BLE001  # nobody in a van reads a traceback, and there may be a password in it
        unforeseen(error)


def unforeseen(error: Exception) -> NoReturn:
    """Ends the program with where it failed, and nothing of what it worked on."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = Path(__file__).parents[1]
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(ours)]
    file = Path(own[-1].filename).relative_to(ours).as_posix() if own else Path(frames[-1].filename).name
    place = f"{type(error).__name__}, {file}:{(own or frames)[-1].lineno}"
    problem = Problem(
        f"Das hätte nicht geschehen dürfen ({place}). Denselben Befehl noch einmal geben; bleibt es so, bitte diese "
        "Zeile melden, mit der Datei von „bordstein diagnose“.",
        f"this should not have happened ({place}). Give the same command once more; if it stays so, report this line, "
        'with the file of "bordstein diagnose".',
    )
    try:
        failed(problem, "--json" in sys.argv[1:])
    except typer.Exit:
        sys.exit(FAILED)
