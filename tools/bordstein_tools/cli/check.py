"""`bordstein selftest`, `watch` and `console`: is the board on the cable good, and what does it do?"""

import contextlib
import math
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from ..board import ports
from ..texts import pick
from .attached import board as board_on_cable
from .attached import problems
from .ca import Json
from .commands import verb
from .options import Port
from .output import FAILED, misuse

if TYPE_CHECKING:
    from ..checks.watching import View

_YEAR_S = 365 * 86400
SECONDS = pick("SEKUNDEN", "SECONDS")


def add_to(app: typer.Typer) -> None:
    """Adds the verbs to the command line."""
    verb(app, "Das Gerät am Kabel prüfen.", "Test the board on the cable.")(selftest)
    verb(app, "Laufend zeigen, was das Gerät misst.", "Show what the board measures, as it goes.")(watch)
    verb(app, "Die Eingabe des Geräts in diesem Terminal.", "The board's prompt in this terminal.")(console)


def selftest(
    port: Port = None,
    wait: Annotated[
        int,
        typer.Option(
            metavar=SECONDS,
            min=5,
            max=3600,
            help=pick("So lange auf eine Quittung warten.", "Wait so long for a receipt."),
        ),
    ] = 120,
    as_json: Json = False,
) -> None:
    from ..checks import report as selftest_report
    from ..checks import selftest as tests

    with problems(as_json), board_on_cable(port) as board:
        results = tests.run(board, wait, lambda de, en: _step(de, en, as_json))
    selftest_report.show(results, as_json)
    if any(result.state == tests.BAD for result in results):
        raise typer.Exit(FAILED)


def watch(
    port: Port = None,
    seconds: Annotated[
        int | None,
        typer.Option(
            metavar=SECONDS,
            min=1,
            max=3500,
            help=pick("So lange, sonst bis Strg-C.", "For so long, else until Ctrl-C."),
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    from ..checks.observing import observe
    from ..checks.on_board import AWAKE_S
    from ..checks.watching import View

    view, end = View(), math.inf
    with problems(as_json), contextlib.suppress(KeyboardInterrupt), board_on_cable(port) as board:
        _step("Bis Strg-C; danach startet das Gerät neu", "until Ctrl-C; then the board restarts", as_json)
        with contextlib.closing(observe(board, lambda: True)) as events, _table(view, as_json) as refresh:
            for event in events:
                if event:
                    view.take(event)
                    for line in () if refresh else view.object(event) if as_json else view.line(event):
                        typer.echo(line)
                    sys.stdout.flush()
                if refresh:
                    refresh()
                if view.seen.status and end == math.inf:  # its software is there
                    sleeps = view.seen.status["sleeps"]
                    end = time.monotonic() + (seconds or (AWAKE_S if sleeps else _YEAR_S))
                    if sleeps:
                        _step(
                            "Dieses Gerät schläft sonst zwischen den Messungen; jetzt bleibt es wach",
                            "this board sleeps between its readings; now it stays awake",
                            as_json,
                        )
                if time.monotonic() >= end:
                    break


@contextlib.contextmanager
def _table(view: "View", as_json: bool) -> Iterator[Callable[[], None] | None]:
    """On a terminal: what brings the table up to date."""
    if as_json or not sys.stdout.isatty():
        yield None
        return
    from rich.live import Live

    with Live(view.table(), auto_refresh=False) as live:
        yield lambda: live.update(view.table(), refresh=True)


def console(port: Port = None) -> None:
    from ..board import terminal

    if not sys.stdin.isatty():
        misuse("„console“ braucht ein Terminal.", '"console" needs a terminal.')
    with problems(False):
        terminal.run(ports.choose(port))


def _step(de: str, en: str, as_json: bool) -> None:
    if not as_json:
        typer.echo(pick(de, en) + " …", err=True)
