"""Groups and verbs of the command line whose help and complaints are German too; Typer's own are English only."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from ..texts import language, pick

OPTIONS = pick("[OPTIONEN]", "[OPTIONS]")
FLAG = ""
"""The metavar of an option without a value."""

_COMPLAINTS = [
    (re.compile(english), german)
    for english, german in (
        (r"Missing argument '(.+)'\.", r"Es fehlt: \1."),
        (r"No such option: (\S+)", r"Die Option \1 gibt es nicht."),
        (r"No such option: (\S+) \(Possible options: (.+)\)", r"Die Option \1 gibt es nicht; ähnlich: \2."),
        (r"No such command '(.+)'\.", r"Den Befehl \1 gibt es nicht."),
        (r"No such command '(.+)'\. Did you mean '(.+)'\?", r"Den Befehl \1 gibt es nicht; gemeint ist vielleicht \2."),
        (r"Got unexpected extra argument\(s\) \((.+)\)", r"Das ist zu viel: \1."),
        (r"Option '(.+)' requires an argument\.", r"Die Option \1 braucht einen Wert."),
        (r"Option '(.+)' does not take a value\.", r"Die Option \1 hat keinen Wert."),
        (r"Invalid value for '(.+)': Input should be greater than or equal to (\d+)", r"\1: mindestens \2."),
        (r"Invalid value for '(.+)': Input should be less than or equal to (\d+)", r"\1: höchstens \2."),
        (r"Invalid value for '(.+)': Input should be a valid integer.*", r"\1: erwartet wird eine ganze Zahl."),
    )
]


def _german() -> None:
    """What Typer says around help and complaints; loaded when there are such, as it takes a quarter of a second."""
    if language() != "de":
        return
    from typer import rich_utils

    rich_utils.ARGUMENTS_PANEL_TITLE = "Angaben"
    rich_utils.OPTIONS_PANEL_TITLE = "Optionen"
    rich_utils.COMMANDS_PANEL_TITLE = "Befehle"
    rich_utils.ERRORS_PANEL_TITLE = "Fehler"
    rich_utils.DEFAULT_STRING = "[sonst: {}]"
    rich_utils.REQUIRED_LONG_STRING = "[nötig]"
    rich_utils.ABORTED_TEXT = "Abgebrochen."
    rich_utils.RICH_HELP = "Hilfe: [blue]{command_path} {help_option}[/]"


class _Complaint(typer.BadParameter):
    """A misuse whose sentence is complete."""

    def format_message(self) -> str:
        return self.message


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (typer.Abort, KeyboardInterrupt, EOFError):
        _german()
        raise
    except typer.TyperException as error:
        _german()
        for form, german in _COMPLAINTS if language() == "de" else ():
            match = form.fullmatch(error.format_message())
            if match:
                raise _Complaint(match.expand(german), ctx=getattr(error, "ctx", None)) from None
        raise


class _Shown:
    """What groups and verbs have in common."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        pieces: list[str] = self.collect_usage_pieces(ctx)  # type: ignore[attr-defined]
        formatter.write_usage(ctx.command_path, " ".join(pieces), prefix=pick("Aufruf: ", "Usage: "))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _german()
        super().format_help(ctx, formatter)  # type: ignore[misc]

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)  # type: ignore[misc]
        option.help, option.metavar = pick("Diese Hilfe zeigen.", "Show this help."), FLAG
        return option


class _Verb(_Shown, TyperCommand):
    pass


class _Group(_Shown, TyperGroup):
    def make_context(self, *arguments: Any, **more: Any) -> Any:
        with _translated():
            return super().make_context(*arguments, **more)

    def invoke(self, ctx: Any) -> Any:
        with _translated():
            return super().invoke(ctx)


def group(de: str, en: str, **settings: Any) -> typer.Typer:
    """A group of verbs or of groups."""
    return typer.Typer(
        cls=_Group,
        help=pick(de, en),
        options_metavar=OPTIONS,
        subcommand_metavar=pick("BEFEHL …", "COMMAND …"),
        no_args_is_help=True,
        **settings,
    )


def verb(
    of: typer.Typer, de: str, en: str, name: str | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorates a function that becomes a verb of the group; name: if it is not the function's."""
    return of.command(name, cls=_Verb, help=pick(de, en), options_metavar=OPTIONS)
