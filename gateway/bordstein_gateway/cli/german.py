"""Typer's own words in German: it has no translations of its own for most of them."""

import io
import re
from typing import Any

import typer

_WORDS = [
    (r"^Usage: ", "Aufruf: "),
    (r"^Try '(.*)' for help\.$", r"Hilfe gibt: \1"),
    (r"^Error: ", "Fehler: "),
    (r"Missing argument '(.*)'\.", r"Fehlendes Argument „\1“."),
    (r"Missing option '(.*)'\.", r"Fehlende Option „\1“."),
    (r"Missing command\.", "Fehlender Befehl."),
    (r"No such command '(.*)'\.", r"Den Befehl „\1“ gibt es nicht."),
    (r"No such option: (\S+)", r"Die Option \1 gibt es nicht."),
    (r"Invalid value for '?([^':]*)'?: ", r"Ungültiger Wert für \1: "),
    (r"Input should be a valid integer\b.*", "erwartet: eine ganze Zahl"),
    (r"Input should be greater than or equal to (\S+)", r"erwartet: mindestens \1"),
    (r"Input should be less than or equal to (\S+)", r"erwartet: höchstens \1"),
    (r"Got unexpected extra argument\S* \((.*)\)", r"Zu viele Argumente (\1)"),
    (r"Option '(.*)' requires an argument\.", r"Die Option „\1“ braucht einen Wert."),
]

_HELP = [
    (r"^Usage: ", "Aufruf: "),
    (r"^Arguments:$", "Argumente:"),
    (r"^Options:$", "Optionen:"),
    (r"^Commands:$", "Befehle:"),
    (r"\[env var: ", "[Umgebung: "),
    (r"([;\[]\s*)default:(?=\s)", r"\1Vorgabe:"),
    (r"([;\[]\s*)required\]", r"\1nötig]"),
]
"""What stands in a help text between the commands' own words."""


def prepare(command: Any) -> None:
    """The parts of a help text that are settings of the commands."""
    command.options_metavar = "[OPTIONEN]"
    option = command.get_help_option(typer.Context(command))
    if option is not None:
        option.help = "Diese Hilfe zeigen."
    english = command.get_help
    command.get_help = lambda context: _words(english(context), _HELP)
    if hasattr(command, "commands"):
        command.subcommand_metavar = "BEFEHL [ARGUMENTE]..."
        for one in command.commands.values():
            prepare(one)


def misuse(error: Any) -> str:
    """What typer says of a command line that makes no sense."""
    said = io.StringIO()
    error.show(file=said)
    return _words(said.getvalue(), _WORDS)


def _words(text: str, words: list[tuple[str, str]]) -> str:
    for pattern, german in words:
        text = re.sub(pattern, german, text, flags=re.MULTILINE)
    return text
