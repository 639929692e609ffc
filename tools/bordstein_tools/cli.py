"""The command `bordstein`. Each group of verbs is a module of its own; this one joins them.

Exit codes: 0 done, 1 failed, 2 misuse.
"""

from typing import Annotated

import typer

from . import (
    __version__,
    cli_batch,
    cli_board,
    cli_ca_list,
    cli_check,
    cli_config,
    cli_configure,
    cli_flash,
    cli_label,
    cli_register,
    cli_setup,
    cli_signing,
    cli_support,
    cli_wipe,
    commands,
)
from .texts import pick

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


def main() -> None:
    """Entry point of the console script."""
    app()
