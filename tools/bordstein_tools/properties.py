"""The property table: how people call what is measured, its unit, and what is plausible.

The gateway's own table (gateway/bordstein_gateway/properties.toml, whose head explains the columns); the wheel carries
it, in a checkout it is read where it is.
"""

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .texts import pick

_CARRIED = Path(__file__).with_name("properties.toml")
_CHECKOUT = Path(__file__).parents[2] / "gateway" / "bordstein_gateway" / "properties.toml"


@dataclass(frozen=True)
class Property:
    """One row. least, most: the plausible range, in `unit` (SenML's). symbol, factor, decimals: how people read it."""

    name: str
    unit: str
    least: float
    most: float
    symbol: str
    factor: float
    decimals: int
    de: str
    en: str

    @property
    def label(self) -> str:
        return pick(self.de, self.en)

    def is_plausible(self, value: float) -> bool:
        return self.least <= value <= self.most

    def shown(self, value: float) -> str:
        """The value as people read it, without its unit."""
        text = f"{value * self.factor:.{self.decimals}f}"
        return pick(text.replace(".", ","), text)


@functools.cache
def table() -> dict[str, Property]:
    """All rows by name."""
    rows = tomllib.loads((_CARRIED if _CARRIED.is_file() else _CHECKOUT).read_text(encoding="utf-8"))
    return {name: _property(name, row) for name, row in rows.items()}


def of(series: str) -> Property | None:
    """The row that a series (air/air_temperature) is measured by; None when this table has none."""
    return table().get(series.rpartition("/")[2])


def _property(name: str, row: dict[str, Any]) -> Property:
    display = row.get("display", {})
    return Property(
        name,
        row["unit"],
        row["min"],
        row["max"],
        "" if row["kind"] == "boolean" else display.get("symbol", row["symbol"]),
        display.get("factor", 1),
        display.get("decimals", row["decimals"]),
        row["de"],
        row["en"],
    )
