"""`bordstein selftest`, `watch` and `console`: is the board on the cable good, and what does it do?"""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from . import ports
from .cli_board import board_on_cable, problems
from .cli_ca import Json
from .commands import verb
from .options import Port
from .output import FAILED, misuse
from .texts import pick

if TYPE_CHECKING:
    from .watching import View

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
    from . import selftest as tests
    from . import selftest_report

    with problems(as_json), board_on_cable(port, as_json) as board:
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
    from .observing import observe
    from .watching import View

    view, end = View(), None if seconds is None else time.monotonic() + seconds
    with problems(as_json), board_on_cable(port, as_json) as board, contextlib.suppress(KeyboardInterrupt):
        _step("Bis Strg-C; danach startet das Gerät neu", "until Ctrl-C; then the board restarts", as_json)
        with _table(view, as_json) as refresh:
            told = False
            for event in observe(board, lambda: end is None or time.monotonic() < end):
                if event:
                    view.take(event)
                    if refresh is None:
                        for line in view.object(event) if as_json else view.line(event):
                            typer.echo(line)
                        sys.stdout.flush()
                if refresh:
                    refresh()
                if not told and view.seen.status and view.seen.status["sleeps"]:
                    told = True
                    _step(
                        "Dieses Gerät schläft sonst zwischen den Messungen; hier bleibt es höchstens eine Stunde wach",
                        "this board sleeps between its readings; here it stays awake, for an hour at most",
                        as_json,
                    )


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
    from . import terminal

    if not sys.stdin.isatty():
        misuse("„console“ braucht ein Terminal.", '"console" needs a terminal.')
    with problems(False):
        terminal.run(ports.choose(port))


def _step(de: str, en: str, as_json: bool) -> None:
    if not as_json:
        typer.echo(pick(de, en) + " …", err=True)
