"""What a batch looks like: a live table on a terminal, and how it ended."""

import datetime as dt
import time
from typing import Any

from rich.box import SIMPLE
from rich.console import Console, Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..texts import pick
from .assigning import Book, Standing
from .batching import Batch, Bench

_BAR = 16


def live(batch: Batch) -> Group:
    """A line a port, and the sum below."""
    table = Table(box=SIMPLE, expand=True, pad_edge=False)
    table.add_column(pick("Anschluss", "port"), no_wrap=True, overflow="ellipsis", max_width=24)
    table.add_column(pick("Zeile", "row"), no_wrap=True)
    table.add_column(pick("was geschieht", "what goes on"), ratio=1)
    table.add_column("", width=_BAR, no_wrap=True)
    table.add_column(pick("noch", "remaining"), no_wrap=True, justify="right", min_width=5)
    for bench in list(batch.benches.values()):
        standing, remaining = bench.standing, _remaining(bench)
        table.add_row(
            Text(bench.port),
            Text(standing.row.asset if standing else ""),
            Text(bench.text),
            ProgressBar(bench.total, bench.done, width=_BAR) if bench.total else "",
            _clock(remaining) if remaining is not None else "",
        )
    return Group(table, Text(total(batch.book, len(batch.benches))))


def total(book: Book, ports: int) -> str:
    """How many are done, and when the rest may be."""
    ready, failed, left = book.count("ready"), book.count("failed"), book.count("open", "begun")
    text = pick(f"{ready} fertig, {failed} fehlgeschlagen, {left} übrig", f"{ready} done, {failed} failed, {left} left")
    took = [standing.seconds for standing in book.standings.values() if standing.state == "ready"]
    if took and left and ports:
        seconds = sum(took) / len(took) * -(-left // ports)
        end = dt.datetime.now() + dt.timedelta(seconds=seconds)
        text += pick(f", Ende gegen {end:%H:%M}", f", done at about {end:%H:%M}")
    return text


def unfinished(book: Book) -> list[tuple[str, str, str]]:
    """(asset number, device, what is the matter and what to do) of each row that is begun and not ready."""
    return [
        (standing.row.asset, standing.device, _cure(standing))
        for standing in book.standings.values()
        if standing.state in ("begun", "failed")
    ]


def terminal() -> Console:
    """Where the live table stands."""
    return Console(stderr=True)


def show(rows: list[tuple[str, str, str]]) -> None:
    """The same as a table on standard output."""
    table = Table(box=SIMPLE, pad_edge=False)
    for heading in (pick("Zeile", "row"), pick("Gerät", "board"), pick("was zu tun ist", "what is to be done")):
        table.add_column(heading)
    for asset, device, cure in rows:
        table.add_row(Text(asset), device, Text(cure))
    Console().print(table)


def facts(book: Book) -> dict[str, Any]:
    """For machines."""
    return {
        "ready": book.count("ready"),
        "failed": book.count("failed"),
        "left": book.count("open", "begun"),
        "rows": [
            {
                "line": standing.row.line,
                "asset": standing.row.asset,
                "state": standing.state,
                "device": standing.device,
                "port": standing.port,
                "seconds": round(standing.seconds, 1),
                "error": standing.error,
                "said": standing.complaints,
            }
            for standing in book.standings.values()
        ],
    }


def _cure(standing: Standing) -> str:
    asset = standing.row.asset
    matter = standing.error or pick("unterbrochen.", "interrupted.")
    return (
        matter
        + ("\n" if "\n" in matter else " ")
        + pick(
            f"Das Gerät wieder anstecken und denselben Befehl geben; mit --redo {asset} bekommt ein anderes die Zeile.",
            f"Plug the board in again and give the same command; with --redo {asset} another one gets the row.",
        )
    )


def _remaining(bench: Bench) -> float | None:
    """Seconds of its bar."""
    if not bench.total or not bench.done:
        return None
    return (bench.total - bench.done) * (time.monotonic() - bench.since) / bench.done


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
