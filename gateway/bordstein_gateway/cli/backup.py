"""The verbs that save the store to a file and bring it back."""

import shutil
import time
from pathlib import Path
from typing import Annotated

import typer

from ..config import config
from ..config.config import Config
from ..store.sqlite.owner import make_folder
from ..texts import os_reason, pick
from .common import DEFAULT_CONFIG, ConfigOption, Failed, misuse, output, store_place
from .progress import progress

_STORE = "store.sqlite"


def backup(
    target: Annotated[
        Path,
        typer.Argument(
            metavar=pick("DATEI|ORDNER", "FILE|FOLDER"),
            help=pick(
                "Wohin; in einem Ordner bekommt die Sicherung Tag und Uhrzeit als Namen.",
                "Where to; in a folder the backup is named by day and time.",
            ),
        ),
    ],
    path: ConfigOption = DEFAULT_CONFIG,
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help=pick(
                "Auch Konfiguration, Regelblätter und Software für Geräte, in einem Ordner. Keine Geheimnisse.",
                "The configuration, rule sheets and boards' software too, together in a folder. No secrets.",
            ),
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help=pick("Eine vorhandene Datei ersetzen.", "Replace a file that is there."))
    ] = False,
) -> None:
    from ..store.backup import make

    settings = config.load(path)
    name = "bordstein-" + time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    if everything:
        if target.exists() and not target.is_dir():
            misuse("--all braucht einen Ordner", "--all needs a folder", "--all")
        file = target / name / _STORE
    else:
        file = target / f"{name}.sqlite" if target.is_dir() else target
    if file.exists() and not force:
        raise Failed(
            pick(f"{file} gibt es schon; --force ersetzt es.", f"{file} is there already; --force replaces it.")
        )
    try:
        if everything:
            file.parent.mkdir(parents=True)
            shutil.copyfile(path, file.parent / "gateway.toml")
            for part, folder in _folders(settings).items():
                if folder.is_dir():
                    # A dot begins the name of what is being written.
                    shutil.copytree(folder, file.parent / part, ignore=shutil.ignore_patterns(".*"))
    except OSError as error:
        raise Failed(f"{error.filename}: {pick(os_reason(error), error.strerror or str(error))}") from None
    with progress(pick("Sicherung", "Backup")) as done:
        made = make(store_place(settings), file, done)
    output(
        pick(
            f"{file.parent if everything else file}: {made.readings} Messwerte, {made.size >> 20} MB, geprüft",
            f"{file.parent if everything else file}: {made.readings} readings, {made.size >> 20} MB, verified",
        )
    )


def restore(
    source: Annotated[
        Path,
        typer.Argument(
            metavar=pick("DATEI|ORDNER", "FILE|FOLDER"),
            help=pick("Die Sicherung; von --all der Ordner.", "The backup; of --all the folder."),
        ),
    ],
    path: ConfigOption = DEFAULT_CONFIG,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help=pick("Ersetzen, was im Speicher schon ist.", "Replace what is in the store already.")
        ),
    ] = False,
) -> None:
    from ..store.backup import bring_back

    settings = config.load(path)
    file = source / _STORE if source.is_dir() else source
    place = settings.store_place
    if isinstance(place, Path):
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Failed(f"{place.parent}: {pick(os_reason(error), error.strerror or str(error))}") from None
    with progress(pick("Zurückspielen", "Restore")) as done:
        aside = bring_back(file, place, force=force, progress=done)
    for part, folder in _folders(settings).items():
        if not (source / part).is_dir():
            continue
        try:
            make_folder(folder)
            shutil.copytree(source / part, folder, dirs_exist_ok=True)
        except OSError as error:
            raise Failed(f"{error.filename}: {pick(os_reason(error), error.strerror or str(error))}") from None
    name = place if isinstance(place, Path) else place.name
    output(pick(f"{name}: zurückgespielt und geprüft", f"{name}: restored and verified"))
    if aside is not None:
        output(pick(f"Was vorher da war, liegt in {aside}", f"What was there before is in {aside}"))


def _folders(settings: Config) -> dict[str, Path]:
    """What lies beside the store, by its name in a backup."""
    return {"releases": settings.releases_path, "rules": settings.rules_path}
