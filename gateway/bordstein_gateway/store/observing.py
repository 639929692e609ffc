"""What the SensorThings API asks of the log: series, readings by their time or id, counts. Read-only, from any thread.

Readings that claim to be from the future are left to the caller's upper bound of time. Each query is bounded: by hours
of the key's index, by ids, or by a limit.
"""

from collections.abc import Sequence
from typing import NamedTuple

from ..decode.normalise import Value
from .connection import Connection, Database
from .values import without_mark

HOUR_MS = 3_600_000
TALLY = "sensorthings_api"
"""By this name counts are kept in the table `remote`."""
MANY = 400
"""More series than these are not named in a query: all of them are read."""
_COLUMNS = "r.id, r.series, r.time, r.value, r.flags, r.received"
_HOURS = (
    "WITH RECURSIVE hour (number) AS (SELECT CAST(? AS BIGINT)"
    " UNION ALL SELECT number + 1 FROM hour WHERE number < CAST(? AS BIGINT)) "
)


class SeriesRow(NamedTuple):
    """A series and its board. `first_seen`: of the board, ms."""

    id: int
    device_id: int
    device: str
    series: str
    unit: str
    first_seen: int


class Observed(NamedTuple):
    """A reading by the ids of the store. `received`: Unix SECONDS."""

    id: int
    series: int
    time: int
    value: Value
    flags: int
    received: int


class Observing:
    """The part of the store that serves Observations."""

    database: Database
    removed = 0
    """How often readings were removed from the log: what was counted is counted anew."""

    def readings_removed(self, connection: Connection) -> None:
        """To be called in the transaction that removes readings."""
        connection.execute("DELETE FROM remote WHERE forwarder = ?", (TALLY,))
        self.removed += 1

    def series_mark(self) -> tuple[int, int]:
        """Another one as soon as there is a new series or board."""
        with self.database.reading() as connection:
            row = connection.execute("SELECT (SELECT max(id) FROM series), (SELECT max(id) FROM device)").fetchone()
        return row[0] or 0, row[1] or 0

    def all_series(self) -> list[SeriesRow]:
        """By id."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT s.id, d.id, d.name, s.name, s.unit, d.first_seen FROM series AS s"
                " JOIN device AS d ON d.id = s.device ORDER BY s.id"
            ).fetchall()
        return [SeriesRow(*row) for row in rows]

    def observed(self, id: int) -> Observed | None:
        """One reading."""
        with self.database.reading() as connection:
            row = connection.execute(f"SELECT {_COLUMNS} FROM reading AS r WHERE r.id = ?", (id,)).fetchone()
        return _observed(row) if row else None

    def nearest_hour(self, hour: int, *, descending: bool) -> int | None:
        """The first hour (since 1970) from this one on, or the last up to it, in which anything was measured."""
        sign, way = ("<=", "DESC") if descending else (">=", "ASC")
        with self.database.reading() as connection:
            row = connection.execute(
                f"SELECT time / 3600000 FROM reading WHERE time / 3600000 {sign} ?"
                f" ORDER BY time / 3600000 {way} LIMIT 1",
                (hour,),
            ).fetchone()
        return row[0] if row else None

    def observed_between(
        self,
        from_ms: int,
        to_ms: int,
        series: Sequence[int] | None,
        limit: int,
        *,
        descending: bool = False,
        after: tuple[int, int] | None = None,
    ) -> list[Observed]:
        """Readings measured in [from_ms, to_ms), by (time, id). `series` None: of all, at most MANY else. `after`: the
        (time, id) behind which to go on. Looks at every hour between: choose few."""
        if to_ms <= from_ms:
            return []
        bounds: list[object] = [from_ms, to_ms]
        condition = "r.time >= ? AND r.time < ?"
        if after is not None:
            sign = "<" if descending else ">"
            condition += f" AND (r.time {sign} ? OR (r.time = ? AND r.id {sign} ?))"
            bounds += [after[0], *after]
        way = "DESC" if descending else "ASC"
        order = f"ORDER BY r.time {way}, r.id {way} LIMIT ?"
        hours = (from_ms // HOUR_MS, (to_ms - 1) // HOUR_MS)
        if series is None:
            statement = (
                f"SELECT {_COLUMNS} FROM reading AS r WHERE r.time / 3600000 >= ? AND r.time / 3600000 <= ?"
                f" AND {condition} {order}"
            )
            parameters = [*hours, *bounds, limit]
        else:
            statement = (
                f"{_HOURS}SELECT {_COLUMNS} FROM hour CROSS JOIN reading AS r"
                f" WHERE r.time / 3600000 = hour.number + 0 AND r.series IN ({_marks(series)}) AND {condition} {order}"
            )
            parameters = [*hours, *series, *bounds, limit]
        with self.database.reading() as connection:
            return [_observed(row) for row in connection.execute(statement, parameters).fetchall()]

    def observed_by_id(
        self, first: int, last: int, series: Sequence[int] | None, limit: int, *, descending: bool = False
    ) -> list[Observed]:
        """Readings with first <= id <= last, by id; `series` as in observed_between()."""
        condition = f" AND r.series IN ({_marks(series)})" if series is not None else ""
        with self.database.reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM reading AS r WHERE r.id >= ? AND r.id <= ?{condition}"
                f" ORDER BY r.id {'DESC' if descending else 'ASC'} LIMIT ?",
                (first, last, *(series or ()), limit),
            ).fetchall()
        return [_observed(row) for row in rows]

    def count_between(self, from_ms: int, to_ms: int, series: Sequence[int] | None, limit: int) -> int:
        """How many readings were measured in [from_ms, to_ms); counts no further than limit."""
        if to_ms <= from_ms:
            return 0
        hours = (from_ms // HOUR_MS, (to_ms - 1) // HOUR_MS)
        if series is None:
            inner = "SELECT 1 FROM reading WHERE time / 3600000 >= ? AND time / 3600000 <= ? AND time >= ? AND time < ?"
        else:
            inner = (
                f"SELECT 1 FROM hour CROSS JOIN reading AS r WHERE r.time / 3600000 = hour.number + 0"
                f" AND r.series IN ({_marks(series)}) AND r.time >= ? AND r.time < ?"
            )
        statement = f"SELECT count(*) FROM ({inner} LIMIT ?) AS found"
        with self.database.reading() as connection:
            (count,) = connection.execute(
                statement if series is None else _HOURS + statement,
                (*hours, *(series or ()), from_ms, to_ms, limit),
            ).fetchone()
        return int(count)

    def tally(self, after_id: int, to_id: int) -> list[tuple[int, int, int, int]]:
        """(series, readings, first time, last time) of the readings with after_id < id <= to_id."""
        with self.database.reading() as connection:
            return connection.execute(
                "SELECT series, count(*), min(time), max(time) FROM reading"
                " WHERE id > ? AND id <= ? AND time <= received * 1000 + 86400000 GROUP BY series",
                (after_id, to_id),
            ).fetchall()


def _marks(values: Sequence[int]) -> str:
    return ", ".join("?" * len(values))


def _observed(row: tuple[int, int, int, Value, int, int]) -> Observed:
    id, series, time, value, flags, received = row
    return Observed(id, series, time, *without_mark(value, flags), received)
