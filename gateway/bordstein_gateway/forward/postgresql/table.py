"""The table that readings go into: its columns, and the statements. Pure.

Source: PostgreSQL's documentation of INSERT … ON CONFLICT, unnest and COMMENT.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from psycopg import sql

from ...boards.stations import Station
from ...decode.normalise import flag_names
from ...store.types import StoredReading

COLUMNS = {
    "device": "text",
    "series": "text",
    "property": "text",
    "time": "timestamptz",
    "value": "double precision",
    "value_text": "text",
    "unit": "text",
    "flags": "text",
    "place": "text",
    "latitude": "double precision",
    "longitude": "double precision",
}
"""Each has one of these types or one that takes it."""

KEY = ("device", "series", "unit", "time")
"""By which a reading is known again."""
_NOT_NULL = (*KEY, "property")


def name_of(table: str) -> sql.Identifier:
    """A table's name in SQL, with its schema where one is named."""
    return sql.Identifier(*table.split("."))


def create(table: str) -> sql.Composed:
    """Makes the table where there is none."""
    columns = [
        sql.SQL("{} {}{}").format(sql.Identifier(name), sql.SQL(kind), sql.SQL(" NOT NULL" * (name in _NOT_NULL)))
        for name, kind in COLUMNS.items()
    ]
    key = sql.SQL(", ").join(map(sql.Identifier, KEY))
    return sql.SQL("CREATE TABLE IF NOT EXISTS {} ({}, PRIMARY KEY ({}))").format(
        name_of(table), sql.SQL(", ").join(columns), key
    )


def insert(table: str, *, update: bool) -> sql.Composed:
    """Puts in many readings, each once: one array for each column."""
    names = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
    arrays = sql.SQL(", ").join(sql.SQL("%s::" + kind + "[]") for kind in COLUMNS.values())
    others = [name for name in COLUMNS if name not in KEY]
    then: sql.Composable = sql.SQL("NOTHING")
    if update:
        then = sql.SQL("UPDATE SET ") + sql.SQL(", ").join(
            sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in others
        )
    return sql.SQL("INSERT INTO {} ({}) SELECT * FROM unnest({}) ON CONFLICT ({}) DO {}").format(
        name_of(table), names, arrays, sql.SQL(", ").join(map(sql.Identifier, KEY)), then
    )


def look(table: str) -> sql.Composed:
    """A series' readings, by device, series, unit and the first and the last time."""
    return sql.SQL(
        "SELECT time, value, value_text FROM {}"
        " WHERE device = %s AND series = %s AND unit = %s AND time BETWEEN %s AND %s ORDER BY time"
    ).format(name_of(table))


def moment(milliseconds: int) -> datetime:
    """To the millisecond: as a float some would be a microsecond off."""
    seconds, rest = divmod(milliseconds, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)


def value(row: StoredReading) -> tuple[float | None, str | None]:
    """The columns value and value_text."""
    of = row.value
    if isinstance(of, int | float):
        return float(of), None
    return None, of.hex() if isinstance(of, bytes) else of


def arrays(batch: Sequence[StoredReading], places: Mapping[str, Station]) -> list[list[Any]]:
    """The columns' values."""
    return [list(column) for column in zip(*(_row(row, places.get(row.device)) for row in batch), strict=True)]


def _row(row: StoredReading, place: Station | None) -> tuple[Any, ...]:
    return (
        row.device,
        row.series,
        row.property,
        moment(row.time),
        *value(row),
        row.unit,
        " ".join(flag_names(row.flags)) or None,
        place.name if place else None,
        place.latitude if place else None,
        place.longitude if place else None,
    )
