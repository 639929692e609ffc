"""`bordstein batch`: many boards out of a list, at several ports side by side."""

import functools
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..batch import protocol
from ..batch import rows as batch_list
from ..batch.assigning import Book
from ..batch.recipes import Recipes
from ..batch.rows import Row
from ..board import images
from ..config import composing
from ..texts import Problem, pick
from .ca import DEFAULT_CA, FILE, FOLDER, CaFolder, Json, PassphraseFile
from .commands import verb
from .options import REGISTER, WAIT_S, Config, GatewayUrl, Image, Lists, Public, Register, Release, TokenFile, Wait
from .output import FAILED, answer, failed
from .setup import Authority, gateway_and_token, software_and_keys, town_and_base

if TYPE_CHECKING:
    from ..batch.batching import Batch, Bench


def add_to(app: typer.Typer) -> None:
    """Make it a verb of the command line."""
    verb(app, "Viele Geräte nach einer Liste fertig machen.", "Make many boards ready out of a list.", "batch")(batch)


def batch(
    file: Annotated[
        Path,
        typer.Argument(
            metavar=FILE,
            help=pick(
                "CSV mit den Spalten inventarnummer, gebiet, ort, netz, sensoren, board, geraet.",
                "CSV with the columns asset, site, place, network, sensors, board, device.",
            ),
        ),
    ],
    port: Annotated[
        list[str] | None,
        typer.Option(
            metavar=pick("ANSCHLUSS", "PORT"),
            help=pick(
                "Anschluss, mehrmals möglich; sonst alle, an denen Geräte stecken.",
                "Port, may be given several times; else all that boards are on.",
            ),
        ),
    ] = None,
    redo: Annotated[
        list[str] | None,
        typer.Option(
            metavar=pick("NUMMER", "NUMBER"),
            help=pick(
                "Inventarnummer einer Zeile, die ein anderes Gerät bekommen darf.",
                "Asset number of a row that another board may get.",
            ),
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar=FOLDER,
            help=pick(
                "Etiketten als PDF in diesen Ordner, jedes für sich und alle zusammen.",
                "Labels as PDF into this folder, each by itself and all together.",
            ),
        ),
    ] = None,
    lists: Lists = None,
    config: Config = None,
    image: Image = None,
    release: Release = None,
    public: Public = None,
    ca: CaFolder = DEFAULT_CA,
    passphrase_file: PassphraseFile = None,
    register: Register = REGISTER,
    gateway: GatewayUrl = None,
    token_file: TokenFile = None,
    wait: Wait = WAIT_S,
    patience: Annotated[
        int | None,
        typer.Option(
            metavar=pick("SEKUNDEN", "SECONDS"),
            min=1,
            max=86400,
            help=pick(
                "Aufhören, wenn so lange kein Gerät mehr kommt; sonst mit Strg-C.",
                "End when no board has come for so long; else with Ctrl-C.",
            ),
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    from ..batch import labels as batch_labels
    from ..setup import registering

    try:
        # What is known to fail is said before anything is asked or changed.
        registering.known(register)
        town, base = town_and_base(lists, config)
        recipes = Recipes(town, base, composing.brokers(ca))
        rows = batch_list.read(
            file,
            lambda row: recipes.mistakes(row) + (batch_labels.mistakes(row, town.owner) if labels else []),
        )
        pdfs = batch_labels.Labels(labels, rows, town.owner) if labels else None
        from ..batch import batching
        from ..batch import table as batch_table
        from ..keys import revocation
        from ..setup import setting_up  # what needs a board takes its time to load

        keys, software = software_and_keys(release, public)
        url, token = gateway_and_token(gateway, token_file, town)
        if image:
            images.read(image)
        authority = Authority(ca, passphrase_file)

        def compose(row: Row, chip: str) -> setting_up.Wanted:
            return setting_up.Wanted(
                config=recipes.config(row, chip),
                asset=row.asset,
                site=recipes.answers(row).site,
                software=software,
                keys=keys,
                authority=authority,
                image=image,
                owner=town.owner,
                register=register,
                gateway=url,
                token_file=token,
                label=pdfs.file[row.asset] if pdfs else None,
                wait_s=wait,
                counts=functools.partial(revocation.counts, ca),
            )

        with protocol.Protocol(protocol.beside(file)) as noted:
            book = Book(rows, noted, redo or [])
            if not book.over and recipes.needs_keys:
                authority()  # asks for the passphrase once, before the table stands
            told = _Told(as_json)
            run = batching.Batch(book, compose, list(dict.fromkeys(port or [])), told.changed, patience)
            interrupted = not book.over and _ran(run, told)
        if pdfs:
            pdfs.write(book)
    except Problem as problem:
        failed(problem, as_json)
    if interrupted:
        told.say(
            pick(
                "Abgebrochen. Derselbe Befehl macht weiter, wo es aufhörte.",
                "Ended. The same command goes on where it stopped.",
            )
        )
    unfinished = batch_table.unfinished(book)
    total = batch_table.total(book, 0)
    if unfinished and not as_json:
        if sys.stdout.isatty():
            batch_table.show(unfinished)
        else:
            for line in unfinished:
                typer.echo("  ".join(line))
    answer(as_json, {"protocol": str(noted.path), **batch_table.facts(book)}, total + ".", total + ".")
    if book.count("ready") < len(rows):
        raise typer.Exit(FAILED)


class _Told:
    """A live table on a terminal, else a line for each thing that happens; nothing with --json."""

    def __init__(self, as_json: bool) -> None:
        self.table = sys.stderr.isatty() and not as_json
        self._as_json = as_json
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        if not self._as_json:
            with self._lock:
                typer.echo(text, err=True)

    def changed(self, bench: "Bench") -> None:
        if not self.table:
            asset = f" {bench.standing.row.asset}" if bench.standing else ""
            self.say(f"{bench.port}{asset}: {bench.text}")


def _ran(run: "Batch", told: _Told) -> bool:
    """Was it interrupted? Problem."""
    from rich.live import Live

    from ..batch import table as batch_table

    told.say(
        pick(
            "Geräte anstecken. Strg-C beendet; derselbe Befehl macht dann weiter.",
            "Plug boards in. Ctrl-C ends it; the same command then goes on.",
        )
    )
    try:
        if told.table:
            with Live(
                get_renderable=lambda: batch_table.live(run), console=batch_table.terminal(), refresh_per_second=4
            ):
                run.run()
        else:
            run.run()
    except KeyboardInterrupt:
        return True
    return False
