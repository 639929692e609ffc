"""`bordstein-gateway forward …`: how far each target is, what it refused, sending again."""

import difflib
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from . import config
from .cli_common import (
    DEFAULT_CONFIG,
    LARGEST,
    SOME,
    WAIT_S,
    ConfigOption,
    Failed,
    JsonOption,
    Limit,
    iso,
    misuse,
    open_store,
    output,
    show,
)
from .texts import pick

app = typer.Typer(
    help=pick(
        "Wohin Messwerte gehen. Wie weit jedes Ziel ist; noch einmal senden.",
        "Where readings go. How far each target is; sending again.",
    ),
    no_args_is_help=True,
)
_TARGET = pick("Der Name in [forward.NAME].", "The name in [forward.NAME].")
Target = Annotated[str, typer.Argument(metavar="NAME", help=_TARGET)]


def _target(settings: config.Config, name: str) -> str:
    if name not in settings.forward:
        near = difflib.get_close_matches(name, settings.forward, 1)
        known = ", ".join(settings.forward) or pick("keines", "none")
        raise Failed(
            pick(
                f"[forward.{name}] gibt es nicht{f'; ist {near[0]} gemeint?' if near else f'; es gibt: {known}'}",
                f"there is no [forward.{name}]{f'; is {near[0]} meant?' if near else f'; there is: {known}'}",
            )
        )
    return name


def _moment(text: str, where: str) -> int:
    """Milliseconds UTC of an ISO 8601 date or time; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
        number = round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
        iso(number / 1000)  # an offset may lead out of the calendar
        return number
    except (ValueError, OverflowError):
        misuse(
            f"„{text}“ ist weder Tag noch Zeit wie 2026-07-01 oder 2026-07-01T12:00+02:00",
            f'"{text}" is no date or time like 2026-07-01 or 2026-07-01T12:00+02:00',
            where,
        )


@app.command("list", help=pick("Wie weit jedes Ziel ist.", "How far each target is."))
def forward_list(path: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    settings = config.load(path)
    with open_store(settings) as store:
        newest, dead = store.newest_id(), store.dead_counts()
        rows = []
        for name in settings.forward:
            place = store.place_get(name)
            rows.append(
                {
                    "name": name,
                    "waiting": max(0, newest - place.next_id + 1),
                    "dead": dead.get(name, 0),
                    "refills": len(store.refills(name)),
                }
            )
    show(rows, as_json, pick("kein [forward.…] ist eingerichtet", "no [forward.…] is configured"))


@app.command(
    "refill",
    help=pick(
        "Eine Zeitspanne noch einmal an ein Ziel senden. Ein laufendes Gateway tut es binnen Sekunden.",
        "Send a time span to one target once more. A running gateway does it, within seconds.",
    ),
)
def forward_refill(
    name: Target,
    start: Annotated[
        str,
        typer.Option(
            "--from",
            metavar=pick("ZEIT", "TIME"),
            help=pick(
                "Erster Zeitpunkt der Messung, ISO 8601; ohne Versatz UTC.",
                "First moment of measurement, ISO 8601; UTC without offset.",
            ),
        ),
    ],
    end: Annotated[
        str,
        typer.Option(
            "--to",
            metavar=pick("ZEIT", "TIME"),
            help=pick("Erster Zeitpunkt, der nicht mehr gesendet wird.", "First moment that is not sent any more."),
        ),
    ],
    path: ConfigOption = DEFAULT_CONFIG,
) -> None:
    first, last = _moment(start, "--from"), _moment(end, "--to")
    if first >= last:
        misuse("--from muss vor --to liegen", "--from has to be before --to", "--from")
    settings = config.load(path)
    with open_store(settings) as store:
        order = store.refill_add(_target(settings, name), first, last).result(WAIT_S)
    span = iso(first / 1000), iso(last / 1000)
    output(
        pick(
            f"Nachsendung {order} an {name} bestellt: {span[0]} bis {span[1]}",
            f"refill {order} of {name} ordered: {span[0]} to {span[1]}",
        )
    )


@app.command(
    "dead",
    help=pick(
        "Messwerte, die ein Ziel abgelehnt hat, mit dessen Grund.", "Readings that a target refused, with its reason."
    ),
)
def forward_dead(
    path: ConfigOption = DEFAULT_CONFIG,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help=pick("Nur von diesem Ziel.", "Only of this target."))
    ] = None,
    limit: Limit = 100,
    as_json: JsonOption = False,
) -> None:
    settings = config.load(path)
    with open_store(settings) as store:
        letters = store.dead_letters(_target(settings, name) if name else None, limit=limit)
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
                "reason": letter.reason,
            }
        )
    show(rows, as_json, pick("nichts wurde abgelehnt", "no dead letters"))


@app.command(
    "retry", help=pick("Was ein Ziel abgelehnt hat, noch einmal senden.", "Send what a target refused once more.")
)
def forward_retry(
    name: Target,
    path: ConfigOption = DEFAULT_CONFIG,
    readings: Annotated[
        list[int] | None, typer.Argument(metavar=pick("MESSWERT", "READING"), min=1, max=LARGEST, help=SOME)
    ] = None,
) -> None:
    settings = config.load(path)
    with open_store(settings) as store:
        count = store.dead_retry(_target(settings, name), readings or None).result(WAIT_S)
    output(
        pick(
            f"abgelehnte Messwerte von {name}, die noch einmal gesendet werden: {count}",
            f"{count} dead letters of {name} are sent again",
        )
    )


@app.command(
    "links",
    help=pick(
        "Welche Meldungen ein Ziel bekam, und was daraus wurde.",
        "Which events a target was told of, and what became of them.",
    ),
)
def forward_links(name: Target, path: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    from .forward.events import links

    settings = config.load(path)
    with open_store(settings) as store:
        rows = links(store, _target(settings, name))
    if not as_json:  # a terminal is not that wide
        rows = [{key: value for key, value in row.items() if key not in ("series", "updated")} for row in rows]
    show(rows, as_json, pick("es gab noch keinen Vorgang", "there was no event yet"))
