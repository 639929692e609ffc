"""What a running street looks like: a live table on a terminal, a line now and then on a pipe."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.box import SIMPLE
from rich.console import Group
from rich.table import Table
from rich.text import Text

STATES = {
    "ready": "green",
    "sleeping": "cyan",
    "init": "yellow",
    "alert": "magenta",
    "lost": "yellow",
    "disconnected": "yellow",
    "no power": "red",
    "crashed": "bold red",
}


@dataclass
class Row:
    """One board as the table shows it. The numbers count readings."""

    name: str
    state: str = "init"
    last: dict[str, str] = field(default_factory=dict)
    taken: int = 0
    stored: int = 0
    forwarded: int = 0
    starts: int = 0

    @property
    def waiting(self) -> int:
        """Taken by the board and not stored in the gateway yet."""
        return max(0, self.taken - self.stored)


def picture(rows: Sequence[Row], servers: Sequence[tuple[str, str]], headline: str, notes: Sequence[str]) -> Group:
    """The whole screen: headline, a line a board with sums below, the servers, the last few events."""
    table = Table(
        box=SIMPLE,
        expand=True,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        show_footer=True,
        title=headline,
        title_style="bold",
        title_justify="left",
    )
    table.add_column("board", footer=f"{len(rows)} boards", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("last values", ratio=1, no_wrap=True, overflow="ellipsis")
    for name in ("starts", "taken", "stored", "forwarded", "waiting"):
        table.add_column(name, footer=f"{sum(getattr(row, name) for row in rows):,}", justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.name,
            Text(row.state, style=STATES.get(row.state, "")),
            # A unit says well enough what it is, and leaves room for all values on a terminal of 100 columns.
            "  ".join(value if " " in value else f"{name} {value}" for name, value in row.last.items()),
            *(f"{getattr(row, name):,}" for name in ("starts", "taken", "stored", "forwarded", "waiting")),
        )
    line = Text("  ").join(
        Text.assemble(f"{name} ", (state, "green" if state == "up" else "red")) for name, state in servers
    )
    return Group(table, line, *(Text(note, style="dim") for note in notes))


def progress(rows: Sequence[Row], headline: str) -> str:
    """The same in one plain line."""
    ready = sum(row.state == "ready" for row in rows)
    taken, stored, forwarded = (sum(getattr(row, name) for row in rows) for name in ("taken", "stored", "forwarded"))
    return f"{headline}: {ready} of {len(rows)} boards ready, {taken} taken, {stored} stored, {forwarded} forwarded"
