"""The verbs that work on the store, beside a running gateway or without one: forward, quarantine, completeness."""

import difflib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from . import config
from .cli_common import DEFAULT_CONFIG, ConfigOption, Failed, output
from .store import Store
from .store.types import Quarantined

forward = typer.Typer(help="Where readings go: how far each target is, sending again.", no_args_is_help=True)
quarantine = typer.Typer(help="Messages that could not be read, kept as they came.", no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Target = Annotated[str, typer.Argument(metavar="NAME", help="The name in [forward.NAME].")]
_WAIT_S = 60


@contextmanager
def _store(settings: config.Config) -> Iterator[Store]:
    path = settings.store_path
    if not path.exists():
        raise Failed(f"{path}: there is no store yet; has the gateway run?")
    store = Store.open(path)
    try:
        yield store
    finally:
        store.close()


def _target(settings: config.Config, name: str) -> str:
    if name not in settings.forward:
        near = difflib.get_close_matches(name, settings.forward, 1)
        known = ", ".join(settings.forward) or "none"
        raise Failed(f"there is no [forward.{name}]{f'; is {near[0]} meant?' if near else f'; there is: {known}'}")
    return name


def _moment(text: str) -> int:
    """Milliseconds UTC of an ISO 8601 date or time; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f'"{text}" is no date or time like 2026-07-01 or 2026-07-01T12:00+02:00') from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _show(rows: list[dict[str, Any]], as_json: bool, nothing: str) -> None:
    if as_json:
        for row in rows:
            output(json.dumps(row, ensure_ascii=False))
        return
    if not rows:
        output(nothing)
        return
    table = Table(box=None, pad_edge=False)
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Console().print(table)


@forward.command("list")
def forward_list(path: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """How far each target is."""
    settings = config.load(path)
    with _store(settings) as store:
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
    _show(rows, as_json, "no [forward.…] is configured")


@forward.command("refill")
def forward_refill(
    name: Target,
    start: Annotated[str, typer.Option("--from", help="First moment of measurement, ISO 8601; UTC without offset.")],
    end: Annotated[str, typer.Option("--to", help="First moment that is not sent any more.")],
    path: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Send a time span to one target once more. A running gateway does it, within seconds."""
    first, last = _moment(start), _moment(end)
    if first >= last:
        raise typer.BadParameter("--from has to be before --to")
    settings = config.load(path)
    with _store(settings) as store:
        order = store.refill_add(_target(settings, name), first, last).result(_WAIT_S)
    output(f"refill {order} of {name} ordered: {_iso(first / 1000)} to {_iso(last / 1000)}")


@forward.command("dead")
def forward_dead(
    path: ConfigOption = DEFAULT_CONFIG,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only of this target.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="So many at most.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """Readings that a target refused, with its reason."""
    settings = config.load(path)
    with _store(settings) as store:
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
                "time": _iso(reading.time / 1000) if reading else "",
                "tries": letter.tries,
                "reason": letter.reason,
            }
        )
    _show(rows, as_json, "no dead letters")


@forward.command("retry")
def forward_retry(
    name: Target,
    path: ConfigOption = DEFAULT_CONFIG,
    readings: Annotated[list[int] | None, typer.Argument(metavar="[READING]...", help="Only these; else all.")] = None,
) -> None:
    """Send what a target refused once more."""
    settings = config.load(path)
    with _store(settings) as store:
        count = store.dead_retry(_target(settings, name), readings or None).result(_WAIT_S)
    output(f"{count} dead letters of {name} are sent again")


@quarantine.command("list")
def quarantine_list(
    path: ConfigOption = DEFAULT_CONFIG,
    limit: Annotated[int, typer.Option(min=1, help="So many at most.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """Messages that could not be read, with the reason."""
    with _store(config.load(path)) as store:
        kept = store.quarantined(limit=limit)
    _show([_quarantined(item) for item in kept], as_json, "nothing is in quarantine")


@quarantine.command("show")
def quarantine_show(
    number: Annotated[int, typer.Argument(metavar="ID")],
    path: ConfigOption = DEFAULT_CONFIG,
    raw: Annotated[bool, typer.Option("--raw", help="Only the payload, byte for byte.")] = False,
) -> None:
    """One message with its payload."""
    with _store(config.load(path)) as store:
        kept = [item for item in store.quarantined(after_id=number - 1, limit=1) if item.id == number]
    if not kept:
        raise Failed(f"nothing in quarantine has the id {number}")
    if raw:
        typer.echo(kept[0].payload, nl=False)
        return
    row = {**_quarantined(kept[0]), "payload": kept[0].payload.decode("utf-8", "backslashreplace")}
    output(json.dumps(row, ensure_ascii=False, indent=2))


@quarantine.command("retry")
def quarantine_retry(
    path: ConfigOption = DEFAULT_CONFIG,
    numbers: Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="Only these; else all.")] = None,
) -> None:
    """Read messages once more, for instance with a newer version. A running gateway does it, within seconds."""
    with _store(config.load(path)) as store:
        count = store.quarantine_retry(numbers or None).result(_WAIT_S)
    output(f"{count} messages are read again")


def _quarantined(item: Quarantined) -> dict[str, Any]:
    return {
        "id": item.id,
        "device": item.device,
        "topic": item.topic,
        "received": _iso(item.received),
        "times": item.times,
        "bytes": len(item.payload),
        "reason": item.reason,
    }


def completeness(
    path: ConfigOption = DEFAULT_CONFIG,
    device: Annotated[str | None, typer.Option("--device", help="Only this one.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="First day, as in 2026-07-01; UTC.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last day.")] = None,
    as_json: JsonOption = False,
) -> None:
    """How many packs of each board were expected and arrived, by day, with the gaps."""
    with _store(config.load(path)) as store:
        account = store.completeness(device, start, end)
    rows: list[dict[str, Any]] = []
    for day in account:
        row: dict[str, Any] = day._asdict()
        gaps = [gap._asdict() for gap in day.gaps]
        rows.append({**row, "gaps": gaps if as_json else " ".join(f"{g.boot}:{g.lo}-{g.hi}" for g in day.gaps)})
    _show(rows, as_json, "no packs in these days")
