"""MicroPython on the board at a port: is it there, which chip is it, and put on what is missing."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from .. import boards
from ..texts import Problem
from . import images, ports
from .cable import Cable

OLDEST = (1, 25)
OpenBar = Callable[[], AbstractContextManager[Callable[[int, int], None]]]
"""Opens a progress bar, which gets how much is done and of how much."""


class Found(NamedTuple):
    """chip: family as in board files. fits: a MicroPython is there on which the software runs. device: its id.

    silent: only the chip's loader answered, as of a blank chip.
    """

    chip: str
    fits: bool
    device: str
    silent: bool = False


def look(port: str, kind: str | None = None) -> Found:
    """What is on the board at a port. kind: of board, for the names of its buttons. Problem: nothing answers."""
    # Loading esptool takes half a second, which no other verb should wait for.
    from . import flashing

    with suppress(Problem, ValueError), Cable.open(port, patience_s=4) as cable:
        facts = cable.facts()
        version = tuple(int(part) for part in str(facts["micropython"]).split(".")[:2])
        if chip := _chip(str(facts["machine"])):
            return Found(chip, version >= OLDEST, str(facts["device"]))
    with flashing.connected(port, boards.known().get(kind or "")) as found:
        return Found(found.chip.kind, False, found.chip.mac, silent=True)


def image(board: dict[str, Any] | None, file: Path | None) -> bytes | None:
    """What put_on() would write; None: that depends on the chip. Problem: it is not here, or none."""
    return images.read(file) if file else images.cached(board) if board else None


def let_run(port: str, found: Found) -> None:
    """A board that was looked at, and that nothing is done to, works on."""
    from . import flashing

    with suppress(Problem):
        if found.silent:
            with flashing.connected(port, attempts=1) as chip:
                chip.restart()
        else:
            with Cable.open(port) as cable:
                cable.reset()


def put_on(
    port: str, board: dict[str, Any] | None, file: Path | None, bar: OpenBar, baud: int = ports.BAUD
) -> dict[str, Any]:
    """MicroPython onto the board at a port; what is known of it then. board: its file; file: the image. Problem."""
    from . import flashing

    # What is known to fail is said before the board is disturbed.
    content = image(board, file)
    with flashing.connected(port, board) as found:
        try:
            matched = match(found.chip.kind, board, content is not None)
            content = content or images.cached(matched)
            made_for = images.chip_of(content, str(file or matched["image"]["name"]))
            if made_for != found.chip.kind:
                raise Problem(
                    f"Das Image ist für {made_for}, das Gerät ist ein {found.chip.kind}. Das richtige nennt --image.",
                    f"The image is for {made_for}, the board is an {found.chip.kind}. --image names the right one.",
                )
            with bar() as progress:
                found.write(content, matched["flash"]["image_offset"], progress, baud)
        except Problem:
            with suppress(Problem):  # the first one counts
                found.restart()
            raise
        port = found.restart()
    return {
        "port": port,
        "device": found.chip.mac,
        "chip": found.chip.description,
        "flash_size": found.chip.flash_size,
        "board": board["name"] if board else None,
        "bytes": len(content),
    }


def match(chip: str, board: dict[str, Any] | None, any_will_do: bool = False) -> dict[str, Any]:
    """The board file to go by: the named one if its chip is there, else the only one with this chip. Problem."""
    if board is not None:
        if board["chip"] != chip:
            raise Problem(
                f"Das Gerät ist ein {chip}, {board['name']} hat einen {board['chip']}: ist es das richtige Gerät, der "
                "richtige Anschluss?",
                f"The board is an {chip}, {board['name']} has an {board['chip']}: is it the right board, the right "
                "port?",
            )
        return board
    fitting = boards.with_chip(chip)
    if not fitting:
        raise Problem(f"Für einen {chip} ist kein Gerät bekannt.", f"No board is known that has an {chip}.")
    if len(fitting) > 1 and not any_will_do:
        names = ", ".join(what["name"] for what in fitting)
        raise Problem(
            f"Mit einem {chip} gibt es {names}: mit --board angeben, welches es ist.",
            f"With an {chip} there are {names}: say with --board which one it is.",
        )
    return fitting[0]


def _chip(machine: str) -> str:
    """«Generic ESP32C3 module with ESP32C3» → esp32c3; "" for what is no ESP32."""
    found = re.search(r"with (ESP32\w*)", machine)
    return found[1].lower() if found else ""
