"""The verb that moves a town to another store, while its gateway runs."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ..config import config
from ..config.files import find
from ..store import Where, where
from ..store.types import StoreError, StoreTaken
from ..texts import pick
from .common import DEFAULT_CONFIG, ConfigOption, JsonOption, misuse, output, store_place
from .progress import progress

_LOOK_S = 1.0


def migrate_store(
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="URL",
            help=pick(
                "Wohin: postgresql://RECHNER/DATENBANK, oder eine SQLite-Datei.",
                "Where to: postgresql://HOST/DATABASE, or an SQLite file.",
            ),
        ),
    ] = None,
    password_file: Annotated[
        Path | None,
        typer.Option(
            metavar=pick("DATEI", "FILE"),
            help=pick("Die Datei mit dem Passwort für --to.", "The file with the password for --to."),
        ),
    ] = None,
    stay: Annotated[
        bool,
        typer.Option(
            "--stay",
            help=pick(
                "Doch beim Speicher der Konfiguration bleiben.", "Stay with the configuration's store after all."
            ),
        ),
    ] = False,
    path: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    from ..store.copying import mark_moved
    from ..store.opening import opened

    settings = config.load(path)
    source = store_place(settings)
    if stay == (to is not None):
        misuse("entweder --to oder --stay", "either --to or --stay", "--to")
    if to is None:
        with opened(source, alone=True) as database:
            mark_moved(database, None)
        output(pick("Das Gateway darf wieder mit diesem Speicher laufen.", "The gateway may run on this store again."))
        return
    try:
        target = where(to, str(find(str(password_file), Path.cwd())) if password_file else None)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--to") from None
    if target == source or (isinstance(target, Path) and target.absolute() == source):
        misuse("das ist der Speicher selbst", "that is the store itself", "--to")
    _move(source, target, as_json)


def _move(source: Where, target: Where, as_json: bool) -> None:
    from ..store.copying import Copying, mark_moved
    from ..store.opening import opened

    with opened(source) as old, opened(target, alone=True) as new:
        copying = Copying(old, new)
        with progress(pick("Umzug", "Moving")) as done:
            copying.log(progress=done)
        with ExitStack() as held:
            told = False
            while True:
                try:
                    held.enter_context(opened(source, alone=True))
                    break
                except StoreTaken:
                    if not told:
                        told = True
                        _say(
                            pick(
                                "Alles bis jetzt ist kopiert, und was noch kommt, kommt nach. Nun das Gateway beenden "
                                "(systemctl stop bordstein-gateway); hier geht es dann von selbst weiter.",
                                "Everything up to now is copied, and what still comes follows. Now stop the gateway "
                                "(systemctl stop bordstein-gateway); this then goes on by itself.",
                            )
                        )
                copying.log()
                time.sleep(_LOOK_S)
            # First the mark: should this be the moment of a crash, then neither store is taken for the living one.
            mark_moved(old, new.name)
            try:
                with old.snapshot() as connection, progress(pick("Umzug", "Moving")) as done:
                    found = copying.rest(connection, done)
            except StoreError:
                mark_moved(old, None)
                raise
    if as_json:
        import json

        for copied in found:
            output(json.dumps(copied._asdict()))
        return
    table = Table(box=None, pad_edge=False)
    for name in (pick("Tabelle", "table"), pick("Zeilen", "rows"), pick("Prüfsumme", "digest")):
        table.add_column(name)
    for copied in found:
        table.add_row(copied.table, str(copied.rows), copied.digest)
    Console(highlight=False).print(table)
    setting = f'path = "{target.absolute()}"' if isinstance(target, Path) else f'url = "{target.url}"'
    output(
        pick(
            f"Alles ist da und geprüft. In gateway.toml unter [store] nun: {setting}; dann das Gateway starten.",
            f"Everything is there and verified. Now in gateway.toml in [store]: {setting}; then start the gateway.",
        )
    )


def _say(text: str) -> None:
    typer.echo(text, err=True)
