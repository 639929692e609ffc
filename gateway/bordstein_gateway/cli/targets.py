"""Targets as the command's modules name them."""

import difflib
from typing import Annotated

import typer

from ..config.config import Config
from ..texts import pick
from .common import Failed

Target = Annotated[
    str,
    typer.Argument(metavar="NAME", help=pick("Der Name in [forward.NAME].", "The name in [forward.NAME].")),
]


def known(settings: Config, name: str) -> str:
    """The name, if there is such a target; Failed, with what may be meant."""
    if name not in settings.forward:
        near = difflib.get_close_matches(name, settings.forward, 1)
        others = ", ".join(settings.forward) or pick("keines", "none")
        raise Failed(
            pick(
                f"[forward.{name}] gibt es nicht{f'; ist {near[0]} gemeint?' if near else f'; es gibt: {others}'}",
                f"there is no [forward.{name}]{f'; is {near[0]} meant?' if near else f'; there is: {others}'}",
            )
        )
    return name
