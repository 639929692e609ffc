"""The board on the cable, as the verbs use it."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..board import ports
from ..texts import Problem
from .output import failed

if TYPE_CHECKING:
    from ..board.cable import Cable


@contextlib.contextmanager
def problems(as_json: bool) -> Iterator[None]:
    """A Problem ends the verb: its sentence, exit code 1."""
    try:
        yield
    except Problem as problem:
        failed(problem, as_json)


@contextlib.contextmanager
def board(port: str | None, kind: str | None = None) -> Iterator["Cable"]:
    """The board, interrupted; it restarts at the end, so that it works on, if there is still a connection.

    port: as the user gave it. kind: of board, for the names of its buttons.
    """
    from ..board.cable import Cable  # takes its time to load

    with Cable.open(ports.choose(port), kind=kind) as found, found.working_on():
        yield found
