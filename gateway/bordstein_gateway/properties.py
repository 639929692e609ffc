"""The property table: what can be measured, in which unit, how it is called, what is plausible.

One table, properties.toml, for the whole project; its head explains the columns. Loaded once, on import.
"""

import pkgutil
import tomllib
from typing import Annotated, Literal

import msgspec

Kind = Literal["number", "count", "boolean"]
Name = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]*$")]
Text = Annotated[str, msgspec.Meta(min_length=1)]


class Display(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How people read a value: times `factor`, with so many digits after the point, in `symbol`."""

    symbol: str
    factor: Annotated[float, msgspec.Meta(gt=0)]
    decimals: Annotated[int, msgspec.Meta(ge=0, le=9)]


class Property(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row. `min`, `max` in `unit`; `stuck_after` 0: never marked as stuck."""

    name: Name
    unit: Text
    symbol: str
    ucum: Text
    definition: Annotated[str, msgspec.Meta(pattern="^(https?://|urn:)")]
    ngsi_ld: tuple[Annotated[str, msgspec.Meta(pattern="^[A-Za-z]+[.][A-Za-z0-9_]+$")], ...] = ()
    ngsi_ld_values: tuple[Text, Text] | None = None
    kind: Kind
    decimals: Annotated[int, msgspec.Meta(ge=0, le=9)]
    display: Display | None = None
    min: float
    max: float
    stuck_after: Annotated[int, msgspec.Meta(ge=0)] = 0
    de: Text
    en: Text

    @property
    def shown(self) -> Display:
        """How people read it."""
        return self.display or Display(self.symbol, 1.0, self.decimals)


def parse(text: str) -> dict[str, Property]:
    """The table's rows by name; ValueError names the row that is wrong."""
    table = {}
    for name, row in tomllib.loads(text).items():
        try:
            table[msgspec.convert(name, Name)] = msgspec.convert({"name": name, **row}, Property)
        except (msgspec.ValidationError, TypeError) as error:
            raise ValueError(f"properties.toml: {name}: {error}") from None
    return table


def text() -> str:
    """The table as it is written."""
    data = pkgutil.get_data(__package__, "properties.toml")
    assert data is not None  # noqa: S101
    return data.decode()


TABLE = parse(text())


def property_of(series: str) -> str:
    """The property's name in a series' name: its last part; health/errors/<sensor> counts `errors`."""
    if series.startswith("health/errors/"):
        return "errors"
    return series.rpartition("/")[2]


def row_of(series: str) -> Property | None:
    """The row a series is measured by; None when the table has none."""
    return TABLE.get(property_of(series))
