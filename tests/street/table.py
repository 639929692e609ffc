"""What a running street looks like: a live table on a terminal, a line now and then on a pipe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.box import SIMPLE
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderResult
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
# Short names of what a chip measures beside other things; of anything else the sensor's own name says what it is.
SHORT = {
    "air_temperature": "air",
    "relative_humidity": "humidity",
    "air_pressure": "pressure",
    "pm2_5": "PM2.5",
    "pm10": "PM10",
}


@dataclass
class Row:
    """One board as the table shows it. The numbers count readings."""

    name: str
    state: str = "init"
    last: dict[str, str] = field(default_factory=dict)  # series: value and unit
    taken: int = 0
    stored: int = 0
    forwarded: int = 0
    starts: int = 0

    @property
    def waiting(self) -> int:
        """Taken by the board and not stored in the gateway yet."""
        return max(0, self.taken - self.stored)


class Values:
    """A board's last values, each with its name; on a narrow terminal without units."""

    def __init__(self, last: Mapping[str, str]) -> None:
        named = [
            (SHORT.get(series.partition("/")[2], series.partition("/")[0]), value) for series, value in last.items()
        ]
        self.full = "  ".join(f"{name} {value}" for name, value in named)
        self.short = "  ".join(f"{name} {value.partition(' ')[0]}" for name, value in named)

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        fits = cell_len(self.full) <= options.max_width
        yield Text(self.full if fits else self.short, no_wrap=True, overflow="ellipsis")


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
            Values(row.last),
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
