"""What the command's modules share."""

from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[
    Path,
    typer.Option("--config", "-c", envvar="BORDSTEIN_CONFIG", help="The configuration."),
]
DEFAULT_CONFIG = Path("/etc/bordstein/gateway.toml")


class Failed(Exception):
    """The command could not do what was asked; the text is the sentence to show."""


def output(text: str, *, end: str = "\n") -> None:
    """Prints to the standard output."""
    typer.echo(text, nl=end == "\n")
