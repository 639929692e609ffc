"""The other verbs that work on the store, beside a running gateway or without one: quarantine, completeness."""

import json
from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer

from ..config import config
from ..store.types import Quarantined
from ..texts import pick
from .common import (
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

quarantine = typer.Typer(
    help=pick(
        "Nachrichten, die nicht lesbar waren. Aufgehoben, wie sie kamen.",
        "Messages that could not be read. Kept as they came.",
    ),
    no_args_is_help=True,
)


@quarantine.command(
    "list",
    help=pick(
        "Nachrichten, die nicht lesbar waren, mit dem Grund.", "Messages that could not be read, with the reason."
    ),
)
def quarantine_list(
    path: ConfigOption = DEFAULT_CONFIG,
    limit: Limit = 100,
    as_json: JsonOption = False,
) -> None:
    settings = config.load(path)
    with open_store(settings) as store:
        kept = store.quarantined(limit=limit)
    rows = [_quarantined(item) for item in kept]
    if not as_json:  # what fits on a line; the topic has the device in it
        rows = [
            {
                "id": row["id"],
                "topic": row["topic"].removeprefix(f"{settings.mqtt.topic}/"),
                **{name: row[name] for name in ("received", "times", "reason")},
            }
            for row in rows
        ]
    show(rows, as_json, pick("die Quarantäne ist leer", "nothing is in quarantine"))


@quarantine.command("show", help=pick("Eine Nachricht mit ihrem Inhalt.", "One message with its payload."))
def quarantineshow(
    number: Annotated[int, typer.Argument(metavar=pick("NUMMER", "ID"), min=1, max=LARGEST)],
    path: ConfigOption = DEFAULT_CONFIG,
    raw: Annotated[
        bool, typer.Option("--raw", help=pick("Nur den Inhalt, Byte für Byte.", "Only the payload, byte for byte."))
    ] = False,
) -> None:
    with open_store(config.load(path)) as store:
        kept = [item for item in store.quarantined(after_id=number - 1, limit=1) if item.id == number]
    if not kept:
        raise Failed(
            pick(f"nichts in der Quarantäne hat die Nummer {number}", f"nothing in quarantine has the id {number}")
        )
    if raw:
        typer.echo(kept[0].payload, nl=False)
        return
    row = {**_quarantined(kept[0]), "payload": kept[0].payload.decode("utf-8", "backslashreplace")}
    output(json.dumps(row, ensure_ascii=False, indent=2))


@quarantine.command(
    "retry",
    help=pick(
        "Nachrichten noch einmal lesen. Etwa mit einer neueren Version. Ein laufendes Gateway tut es binnen Sekunden.",
        "Read messages once more, for instance with a newer version. A running gateway does it, within seconds.",
    ),
)
def quarantine_retry(
    path: ConfigOption = DEFAULT_CONFIG,
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar=pick("NUMMER", "ID"), min=1, max=LARGEST, help=SOME)
    ] = None,
) -> None:
    with open_store(config.load(path)) as store:
        count = store.quarantine_retry(numbers or None).result(WAIT_S)
    output(pick(f"Nachrichten, die noch einmal gelesen werden: {count}", f"{count} messages are read again"))


def _quarantined(item: Quarantined) -> dict[str, Any]:
    return {
        "id": item.id,
        "device": item.device,
        "topic": item.topic,
        "received": iso(item.received),
        "times": item.times,
        "bytes": len(item.payload),
        "reason": item.reason,
    }


def _day(text: str, where: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        misuse(f"„{text}“ ist kein Tag wie 2026-07-01", f'"{text}" is no day like 2026-07-01', where)


def completeness(
    path: ConfigOption = DEFAULT_CONFIG,
    device: Annotated[
        str | None,
        typer.Option("--device", metavar=pick("GERÄT", "DEVICE"), help=pick("Nur dieses Gerät.", "Only this device.")),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar=pick("TAG", "DAY"),
            help=pick("Erster Tag, wie 2026-07-01; UTC.", "First day, as in 2026-07-01; UTC."),
        ),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar=pick("TAG", "DAY"), help=pick("Letzter Tag.", "Last day."))
    ] = None,
    as_json: JsonOption = False,
) -> None:
    first, last = _day(start, "--from") if start else None, _day(end, "--to") if end else None
    if first and first > (last or datetime.now(UTC).date()):
        misuse("--from muss vor --to liegen", "--from has to be before --to", "--from")
    with open_store(config.load(path)) as store:
        days = [day.isoformat() if day else None for day in (first, last)]
        account = store.completeness(device, *days)
    rows: list[dict[str, Any]] = []
    for day in account:
        row: dict[str, Any] = day._asdict()
        gaps = [gap._asdict() for gap in day.gaps]
        said = " ".join(f"{g.boot}:{g.lo}-{g.hi}" for g in day.gaps)
        if not day.numbered:
            row.update(dict.fromkeys(("expected", "arrived", "missing"), None if as_json else "–"))
            said = pick("nummeriert nicht", "sends no numbers")
        if not as_json:
            del row["numbered"]
        rows.append({**row, "gaps": gaps if as_json else said})
    show(rows, as_json, pick("keine Pakete in diesen Tagen", "no packs in these days"))
