"""bordstein-gateway rules: the rule sheets (Regelblätter)."""

import json
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..config import config
from ..config.check import unreadable
from ..texts import language, os_reason, pick, said
from .common import DEFAULT_CONFIG, ConfigOption, Failed, JsonOption, iso, misuse, moment, open_store, output, show

if TYPE_CHECKING:
    from ..rules.rehearse import Rehearsed
    from ..rules.shelf import InForce

app = typer.Typer(
    help=pick(
        "Regelblätter: was wann, warum und wie zu tun ist.",
        "Rule sheets: what has to be done when, why and how.",
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


@app.command(
    "list",
    help=pick(
        "Die Regelblätter mit ihrer Fassung. Und was an ihnen nicht stimmt.",
        "The rule sheets with their versions. And what is wrong with them.",
    ),
)
def list_(path: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    from ..rules.sheet import words
    from ..rules.shelf import Shelf

    settings = config.load(path)
    with open_store(settings) as store:
        shelf = Shelf(settings, store)
        found = shelf.sheets()
    rows = [
        {
            "sheet": name,
            "version": one.version,
            "state": _state(one, as_json),
            "owner": one.sheet.owner if one.sheet else "",
            "title": words(one.sheet.title, language()) if one.sheet else "",
        }
        for name, one in found.items()
    ]
    if as_json:
        rows = [{**row, "problems": list(found[str(row["sheet"])].problems)} for row in rows]
    show(rows, as_json, pick(f"{shelf.folder}: hier liegt kein Regelblatt", f"{shelf.folder}: no rule sheet lies here"))
    if shelf.trouble:
        raise Failed(said(shelf.trouble))
    problems = [f"{shelf.path(name)}:{said(text)}" for name, one in found.items() for text in one.problems]
    if problems and not as_json:
        raise Failed("\n".join(problems))


@app.command(
    "show",
    help=pick(
        "Den Text eines Regelblatts zeigen, das in Kraft ist. Oder einer früheren Fassung.",
        "Show a rule sheet's text that is in force. Or that of a version before.",
    ),
)
def show_(
    name: Annotated[str, typer.Argument(metavar=pick("BLATT", "SHEET"))],
    version: Annotated[
        int | None, typer.Option(metavar=pick("ZAHL", "NUMBER"), help=pick("Diese Fassung.", "This version."))
    ] = None,
    versions: Annotated[
        bool,
        typer.Option("--versions", help=pick("Wer es wann geändert hat und warum.", "Who changed it, when and why.")),
    ] = False,
    path: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    from ..rules.shelf import Shelf

    settings = config.load(path)
    with open_store(settings) as store:
        shelf = Shelf(settings, store)
        shelf.sheets()
        found = shelf.versions(name)
    if not found:
        known = pick("bordstein-gateway rules list nennt sie", "bordstein-gateway rules list names them")
        raise Failed(pick(f"{name}: ein solches Regelblatt gibt es nicht; {known}", f"{name}: no such sheet; {known}"))
    if versions:
        rows = [
            {
                "version": one.version,
                "time": iso(one.at / 1000),
                "actor": one.actor,
                "reason": one.reason or ("" if one.text else pick("außer Kraft", "out of force")),
            }
            for one in found
        ]
        show(rows, as_json, "")
        return
    chosen = [one for one in found if version in (None, one.version)]
    if not chosen:
        raise Failed(
            pick(
                f"{name}: Fassung {version} gibt es nicht; die neueste ist {found[0].version}",
                f"{name}: there is no version {version}; the newest is {found[0].version}",
            )
        )
    if as_json:
        output(json.dumps(chosen[0]._asdict(), ensure_ascii=False))
    elif chosen[0].text:
        output(chosen[0].text, end="")
    else:
        raise Failed(
            pick(
                f"{name}: in Fassung {chosen[0].version} wurde das Blatt außer Kraft gesetzt",
                f"{name}: with version {chosen[0].version} the sheet was taken out of force",
            )
        )


@app.command(
    help=pick(
        "Ein Regelblatt anlegen, das mitgeliefert wird. Zum Anpassen an die Stadt.",
        "Begin with a rule sheet that comes with the gateway. To be fitted to the town.",
    )
)
def new(
    name: Annotated[str, typer.Argument(metavar=pick("BLATT", "SHEET"))],
    ready: Annotated[
        str, typer.Option("--from", metavar="NAME", help=pick("Eines der mitgelieferten.", "One of those."))
    ],
    path: ConfigOption = DEFAULT_CONFIG,
) -> None:
    from ..rules import readymade
    from ..rules.reading import read
    from ..store.sqlite.owner import make_folder

    known = ", ".join(readymade.names())
    if ready not in readymade.names():
        misuse(f"{ready} gibt es nicht; es gibt {known}", f"there is no {ready}; there are {known}", "--from")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", name):
        misuse(
            f"{name}: nur Buchstaben, Ziffern und -_.", f"{name}: letters, digits and -_. only", pick("BLATT", "SHEET")
        )
    settings = config.load(path)
    text = readymade.text(ready, name)
    file = settings.rules_path / f"{name}.toml"
    try:
        make_folder(file.parent)
        with file.open("x", encoding="utf-8") as made:
            made.write(text)
    except OSError as error:
        raise Failed(f"{file}: {os_reason(error)}") from None
    sheet, mistakes = read(text, settings, name)
    output(pick(f"{file} ist angelegt.", f"{file} is made."))
    if sheet is None:
        output(pick("Vor dem Inkrafttreten fehlt:", "Before it can be in force:"))
        output("\n".join(f"{file}:{said(mistake)}" for mistake in mistakes))


@app.command(
    help=pick(
        "Ein Regelblatt in Kraft setzen. Mit dem Grund, der in seiner Geschichte steht.",
        "Put a rule sheet in force. With the reason, for its history.",
    )
)
def put(
    file: Annotated[Path, typer.Argument(metavar=pick("DATEI", "FILE"))],
    reason: Annotated[str, typer.Option(metavar=pick("GRUND", "REASON"), help=pick("Warum.", "Why."))],
    path: ConfigOption = DEFAULT_CONFIG,
) -> None:
    from ..rules.shelf import Shelf
    from ..store.audit import COMMAND_LINE

    settings = config.load(path)
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise Failed(f"{file}: {unreadable(error)}") from None
    except UnicodeDecodeError:
        raise Failed(f"{file}: {pick('ist keine Textdatei in UTF-8', 'is not a text file in UTF-8')}") from None
    with open_store(settings) as store:
        shelf = Shelf(settings, store)
        mistakes = shelf.put(file.stem, text, COMMAND_LINE, reason)
        version = 0 if mistakes else shelf.sheets()[file.stem].version
    if mistakes:
        raise Failed("\n".join(f"{file}:{said(text)}" for text in mistakes))
    output(pick(f"{file.stem}: Fassung {version} ist in Kraft", f"{file.stem}: version {version} is in force"))


@app.command(
    help=pick(
        "Ein Regelblatt an gespeicherten Messwerten proben. Daneben, was das in Kraft getan hätte und was es gab.",
        "Rehearse a rule sheet on stored readings. Beside it what the one in force would do, and what there was.",
    )
)
def rehearse(
    sheet: Annotated[
        Path, typer.Argument(metavar=pick("BLATT", "SHEET"), help=pick("Datei oder Name.", "A file or a name."))
    ],
    from_: Annotated[
        str, typer.Option("--from", metavar=pick("TAG", "DAY"), help=pick("Ab diesem Tag.", "From this day on."))
    ],
    to: Annotated[
        str,
        typer.Option("--to", metavar=pick("TAG", "DAY"), help=pick("Bis vor diesen Tag.", "Until before this day.")),
    ],
    path: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    from ..rules import rehearse as rehearsing
    from ..rules.reading import read
    from ..rules.shelf import Shelf

    settings = config.load(path)
    span = moment(from_, "--from"), moment(to, "--to")
    if span[1] <= span[0]:
        misuse("--to liegt nicht nach --from", "--to is not after --from", "--to")
    file = _file(sheet, settings.rules_path)
    if file == sheet and not file.exists():
        file = settings.rules_path / f"{sheet.name}.toml"
    try:
        tried, mistakes = read(file.read_text(encoding="utf-8"), settings, None)
    except OSError as error:
        raise Failed(f"{file}: {unreadable(error)}") from None
    except UnicodeDecodeError:
        raise Failed(f"{file}: {pick('ist keine Textdatei in UTF-8', 'is not a text file in UTF-8')}") from None
    if tried is None:
        raise Failed("\n".join(f"{file}:{said(text)}" for text in mistakes))
    with open_store(settings) as store:
        in_force = Shelf(settings, store).sheets().get(tried.name)
        found = rehearsing.rehearse(tried, in_force.sheet if in_force else None, settings, store, *span)
    if as_json:
        output(json.dumps(rehearsing.as_json(found), ensure_ascii=False))
    else:
        _show_cases(pick("dieses Blatt", "this sheet"), found.cases)
        if found.before is not None:
            _show_cases(pick("das Blatt in Kraft", "the sheet in force"), found.before)
        _show_cases(pick("was es gab", "what there was"), found.real)
        output(said(found.summary))
    if found.trouble:
        raise Failed(said(found.trouble))


def _show_cases(title: str, cases: "list[Rehearsed]") -> None:
    rows = [
        {
            "object": case.object,
            "begin": iso(case.begin / 1000),
            "end": pick("offen", "open") if case.end is None else iso(case.end / 1000),
            "stage": case.stage,
            "signals": ", ".join(
                f"{name} {'?' if value is None else f'{value:.4g}'}" for name, value in case.signals.items()
            ),
        }
        for case in cases
    ]
    output(f"{title}:")
    show(rows, False, pick("kein Vorgang", "no case"))
    output("")


def _state(one: "InForce", as_json: bool) -> str:
    if one.sheet is None:
        state = "mistakes", pick("fehlerhaft", "mistakes")
    elif one.stale:
        state = "stale", pick("in Kraft, Datei fehlerhaft", "in force, mistakes in its file")
    elif not one.sheet.enabled:
        state = "off", pick("abgeschaltet", "off")
    else:
        state = "in_force", pick("in Kraft", "in force")
    return state[0] if as_json else state[1]


def _file(sheet: Path, folder: Path) -> Path:
    """A name alone is a sheet of the folder."""
    named = folder / f"{sheet.name}.toml"
    return named if len(sheet.parts) == 1 and not sheet.exists() and named.exists() else sheet
