"""`bordstein-gateway forward dead …`: what targets refused; sending it again, or giving it up."""

from typing import Annotated, Any

import typer

from ..config import config
from ..texts import pick, said
from .common import (
    DEFAULT_CONFIG,
    LARGEST,
    SOME,
    WAIT_S,
    ConfigOption,
    JsonOption,
    Limit,
    iso,
    misuse,
    open_store,
    output,
    show,
)
from .targets import Target, known

app = typer.Typer(
    help=pick("Messwerte, die ein Ziel abgelehnt hat.", "Readings that a target refused."), no_args_is_help=True
)
_Some = Annotated[list[int] | None, typer.Argument(metavar=pick("MESSWERT", "READING"), min=1, max=LARGEST, help=SOME)]


@app.command("list", help=pick("Alle, mit dem Grund des Ziels.", "All of them, with the target's reason."))
def dead_list(
    path: ConfigOption = DEFAULT_CONFIG,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help=pick("Nur von diesem Ziel.", "Only of this target."))
    ] = None,
    limit: Limit = 100,
    as_json: JsonOption = False,
) -> None:
    settings = config.load(path)
    with open_store(settings) as store:
        letters = store.dead_letters(known(settings, name) if name else None, limit=limit)
        readings = {reading.id: reading for reading in store.readings_by_id([letter.reading_id for letter in letters])}
    rows: list[dict[str, Any]] = []
    for letter in letters:
        reading = readings.get(letter.reading_id)
        rows.append(
            {
                "target": letter.forwarder,
                "reading": letter.reading_id,
                "device": reading.device if reading else "",
                "series": reading.series if reading else "",
                "time": iso(reading.time / 1000) if reading else "",
                "tries": letter.tries,
                "reason": said(letter.reason),
            }
        )
    show(rows, as_json, pick("nichts wurde abgelehnt", "no dead letters"))


@app.command(
    "resend",
    help=pick(
        "Noch einmal senden. Ein laufendes Gateway tut es binnen Sekunden.",
        "Send once more. A running gateway does it, within seconds.",
    ),
)
def dead_resend(name: Target, path: ConfigOption = DEFAULT_CONFIG, readings: _Some = None) -> None:
    settings = config.load(path)
    with open_store(settings) as store:
        count = store.dead_retry(known(settings, name), readings or None).result(WAIT_S)
    output(
        pick(
            f"abgelehnte Messwerte von {name}, die noch einmal gesendet werden: {count}",
            f"{count} dead letters of {name} are sent again",
        )
    )


@app.command(
    "drop",
    help=pick(
        "Aufgeben, für immer. Die Messwerte selbst bleiben im Speicher.",
        "Give up on them, for good. The readings themselves stay in the store.",
    ),
)
def dead_drop(
    name: Target,
    path: ConfigOption = DEFAULT_CONFIG,
    readings: _Some = None,
    every: Annotated[bool, typer.Option("--all", help=pick("Alle von diesem Ziel.", "All of this target."))] = False,
) -> None:
    if every == bool(readings):
        misuse("Messwerte nennen, oder --all", "name readings, or --all", "--all")
    settings = config.load(path)
    with open_store(settings) as store:
        count = store.dead_drop(known(settings, name), readings or None).result(WAIT_S)
    output(
        pick(
            f"abgelehnte Messwerte von {name}, die aufgegeben sind: {count}",
            f"{count} dead letters of {name} are given up",
        )
    )
