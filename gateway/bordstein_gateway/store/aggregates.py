"""Readings by hour and day, made in the order of the log: each reading counts once, also one that comes late.

Who keeps on calling aggregate() is the gateway's retention.py. Hours are made only where something is deleted after a
while; days always, for plots of a year.
"""

from concurrent.futures import Future

from ..boards.ledger import DAY_MS
from .connection import Connection
from .reads import Reads
from .sums import HOUR_MS, folded
from .types import Aggregate
from .values import native

PLACE = "aggregated_to"
_DAYS_PLACE = "days_to"
_COLUMNS = "step, series, start, count, numbers, sum, least, most, first_time, first, last_time, last, raw"
_ADD = (
    f"INSERT INTO aggregate ({_COLUMNS}) VALUES ({', '.join('?' * 13)}) ON CONFLICT (step, series, start) DO UPDATE SET"
    " count = aggregate.count + excluded.count, numbers = aggregate.numbers + excluded.numbers,"
    " sum = aggregate.sum + excluded.sum, raw = excluded.raw,"
    " least = CASE WHEN aggregate.least IS NULL OR excluded.least < aggregate.least"
    "  THEN excluded.least ELSE aggregate.least END,"
    " most = CASE WHEN aggregate.most IS NULL OR excluded.most > aggregate.most"
    "  THEN excluded.most ELSE aggregate.most END,"
    " first = CASE WHEN excluded.first_time < aggregate.first_time THEN excluded.first ELSE aggregate.first END,"
    " first_time = CASE WHEN excluded.first_time < aggregate.first_time"
    "  THEN excluded.first_time ELSE aggregate.first_time END,"
    " last = CASE WHEN excluded.last_time > aggregate.last_time THEN excluded.last ELSE aggregate.last END,"
    " last_time = CASE WHEN excluded.last_time > aggregate.last_time"
    "  THEN excluded.last_time ELSE aggregate.last_time END"
)


def upkeep_get(connection: Connection, name: str) -> str | None:
    """What the store's own work remembers under this name."""
    row = connection.execute("SELECT value FROM upkeep WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def upkeep_set(connection: Connection, name: str, value: object) -> None:
    """Into the open transaction."""
    connection.execute(
        "INSERT INTO upkeep (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, str(value)),
    )


class Aggregates(Reads):
    """The aggregates' part of the store."""

    def aggregates(self, device: str, series: str, from_ms: int, to_ms: int, step: int = HOUR_MS) -> list[Aggregate]:
        """One series' hours or days (`step`: HOUR_MS or DAY_MS) that begin in [from_ms, to_ms), oldest first."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT a.start, a.count, a.numbers, a.sum, a.least, a.most, a.first, a.last FROM device AS d"
                " JOIN series AS s ON s.device = d.id JOIN aggregate AS a ON a.series = s.id"
                " WHERE d.name = ? AND s.name = ? AND a.step = ? AND a.start >= ? AND a.start < ? ORDER BY a.start",
                (device, series, step, from_ms, to_ms),
            ).fetchall()
        return [
            Aggregate(start, count, numbers, total / numbers if numbers else None, least, most, total, first, last)
            for start, count, numbers, total, least, most, first, last in rows
        ]

    def aggregated_to(self) -> int:
        """The id of the last reading that is in the aggregates; 0: none is."""
        with self.database.reading() as connection:
            return int(upkeep_get(connection, PLACE) or 0)

    def aggregate(self, limit: int, *, days_only: bool = False) -> "Future[int] | None":
        """Have the next readings of the log taken into the aggregates; None: there are none. The Future: how many.

        They are read and added up here, by whoever calls; the writer only has to write the sums. `days_only`: no hours,
        where none were made before; who wants hours later begins anew, as long as the log has all.
        """
        with self.database.reading() as connection:
            name = _DAYS_PLACE if days_only and upkeep_get(connection, PLACE) is None else PLACE
            anew = name == PLACE and upkeep_get(connection, _DAYS_PLACE) is not None
            place = int(upkeep_get(connection, name) or 0)
            rows = connection.execute(
                "SELECT series, time, value, flags, id FROM reading WHERE id > ? ORDER BY id LIMIT ?", (place, limit)
            ).fetchall()
        if not rows:
            return None
        last = rows[-1][-1]
        sums = folded((series, time, native(value, flags)[0]) for series, time, value, flags, _ in rows)
        if name == _DAYS_PLACE:
            sums = [row for row in sums if row[0] == DAY_MS]

        def job(connection: Connection) -> int:
            if int(upkeep_get(connection, name) or 0) != place:
                return 0  # somebody else has done it meanwhile
            if anew and upkeep_get(connection, _DAYS_PLACE) is not None:
                connection.execute("DELETE FROM aggregate")
                connection.execute("DELETE FROM upkeep WHERE name = ?", (_DAYS_PLACE,))
            connection.executemany(_ADD, sums)
            upkeep_set(connection, name, last)
            return len(rows)

        return self.submit(job)
