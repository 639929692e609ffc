"""The board's console and prompt in this terminal, on mpremote's own console, which works on Windows, too."""

import time
from types import SimpleNamespace
from typing import Any

import typer
from mpremote.console import Console  # type: ignore[import-untyped]
from mpremote.repl import do_repl_main_loop  # type: ignore[import-untyped]

from ..texts import pick
from .cable import Cable

_TURN_S = 0.01
_PROMPTS = (b">>> ", b"... ")


class _Keys:
    """What is typed; waits beside any kind of port, also one over the network, which mpremote's console can't."""

    def __init__(self, console: Any) -> None:
        self._console, self._pressed = console, b""

    def waitchar(self, port: Any) -> None:
        while not port.in_waiting:
            self._pressed = self._console.readchar() or b""
            if self._pressed:
                break
            time.sleep(_TURN_S)

    def readchar(self) -> bytes:
        pressed, self._pressed = self._pressed or self._console.readchar() or b"", b""
        return pressed


def run(port: str) -> None:
    """Until Ctrl-]. A board that was left at its prompt restarts then. Problem: no such port, it went away."""
    with Cable.attach(port) as cable:
        typer.echo(
            pick(
                f"Verbunden mit {port}. Strg-C hält die Software des Geräts an, Strg-D startet sie wieder; Strg-] "
                "(oder Strg-X) beendet.",
                f"Connected to {port}. Ctrl-C stops the board's software, Ctrl-D starts it again; Ctrl-] (or Ctrl-X) "
                "leaves.",
            )
        )
        said = b""
        console = Console()

        def write(data: bytes) -> None:
            nonlocal said
            said = (said + data)[-100:]
            console.write(data)

        def loop(transport: Any) -> bool:
            return bool(
                do_repl_main_loop(
                    SimpleNamespace(transport=transport),
                    _Keys(console),
                    write,
                    escape_non_printable=False,
                    code_to_inject=None,
                    file_to_inject=None,
                )
            )

        console.enter()
        try:
            cable.talk(loop)
        finally:
            console.exit()
        if said.endswith(_PROMPTS):
            cable.interrupt()
            cable.reset()
            typer.echo(pick("\nDas Gerät startet neu.", "\nthe board restarts."))
        else:
            typer.echo()
