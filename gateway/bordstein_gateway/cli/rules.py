"""bordstein-gateway rules: the rule sheets (Regelblätter)."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from ..config import config
from ..config.check import unreadable
from ..texts import pick
from .common import DEFAULT_CONFIG, ConfigOption, Failed, output

app = typer.Typer(
    help=pick(
        "Regelblätter: wann etwas zu tun ist, warum, von wem und wie.",
        "Rule sheets: when something has to be done, why, by whom, and how.",
    ),
    no_args_is_help=True,
)


@app.command(
    help=pick(
        "Alle Fehler in Regelblättern nennen, jeden mit seiner Zeile. Ohne BLATT: alle des Ordners.",
        "Say all mistakes in rule sheets, each with its line. Without SHEET: all of the folder.",
    )
)
def check(
    sheets: Annotated[
        list[Path] | None,
        typer.Argument(metavar=pick("[BLATT]…", "[SHEET]…"), help=pick("Dateien oder Namen.", "Files or names.")),
    ] = None,
    path: ConfigOption = DEFAULT_CONFIG,
) -> None:
    from ..rules.reading import read, warnings

    settings = config.load(path)
    folder = settings.rules_path
    files = [_file(sheet, folder) for sheet in sheets or []] or sorted(folder.glob("*.toml"))
    if not files:
        raise Failed(pick(f"{folder}: hier liegt kein Regelblatt", f"{folder}: no rule sheet lies here"))
    problems: list[str] = []
    for file in files:
        try:
            sheet, found = read(file.read_text(encoding="utf-8"), settings, file.stem)
        except OSError as error:
            problems.append(f"{file}: {unreadable(error)}")
            continue
        except UnicodeDecodeError:
            problems.append(f"{file}: {pick('ist keine Textdatei in UTF-8', 'is not a text file in UTF-8')}")
            continue
        problems += [f"{file}:{problem}" for problem in found]
        for warning in warnings(sheet, date.today()) if sheet else ():
            typer.echo(f"! {warning}", err=True)
    if problems:
        raise Failed("\n".join(problems))
    one = len(files) == 1
    output(
        pick(
            "1 Regelblatt, keine Fehler" if one else f"{len(files)} Regelblätter, keine Fehler",
            "1 rule sheet, no mistakes" if one else f"{len(files)} rule sheets, no mistakes",
        )
    )


def _file(sheet: Path, folder: Path) -> Path:
    """A name alone is a sheet of the folder."""
    named = folder / f"{sheet.name}.toml"
    return named if len(sheet.parts) == 1 and not sheet.exists() and named.exists() else sheet
