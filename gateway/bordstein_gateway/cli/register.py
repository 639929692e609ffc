"""`bordstein-gateway board import` and `board export`: the register of boards as a CSV file."""

import json
from pathlib import Path
from typing import Annotated

import typer

from ..boards import registering
from ..config import config
from ..store.register import CHANGED, NEW, OLDER, SAME
from ..texts import pick, said
from .common import DEFAULT_CONFIG, WAIT_S, ConfigOption, Failed, JsonOption, open_store, output


def board_import(
    file: Annotated[
        Path,
        typer.Argument(
            metavar=pick("DATEI", "FILE"),
            help=pick(
                "Die Datei, die „bordstein setup“ schreibt; weitere Spalten: description, latitude, longitude, groups.",
                'The file that "bordstein setup" writes; more columns: description, latitude, longitude, groups.',
            ),
        ),
    ],
    path: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    settings = config.load(path)
    try:
        entries = registering.read(file)
    except registering.RegisterError as error:
        raise Failed("\n".join(said(problem) for problem in error.problems)) from None
    with open_store(settings) as store:
        outcomes = store.register(entries).result(WAIT_S)
    count = {word: outcomes.count(word) for word in (NEW, CHANGED, SAME, OLDER)}
    if as_json:
        output(json.dumps(count))
        return
    output(
        pick(
            f"{len(entries)} Geräte: {count[NEW]} neu, {count[CHANGED]} geändert, {count[SAME]} wie bisher"
            + (f", {count[OLDER]} überholt (seither neu eingerichtet)" if count[OLDER] else ""),
            f"{len(entries)} boards: {count[NEW]} new, {count[CHANGED]} changed, {count[SAME]} as before"
            + (f", {count[OLDER]} outdated (set up anew since)" if count[OLDER] else ""),
        )
    )


def board_export(path: ConfigOption = DEFAULT_CONFIG) -> None:
    with open_store(config.load(path)) as store:
        output(registering.written(store.registered().values()), end="")
