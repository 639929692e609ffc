"""Deleting what is no longer wanted: readings that are in the aggregates, and old aggregates. In small pieces.

Never deleted: what is not in the aggregates yet, what a forwarder still has to send (from its place on, in an open
order to fill again or to go back to, or as a dead letter), and the log's last reading, whose id says how the log goes
on. A target that was paused without an end is not waited for.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import NamedTuple

from .aggregates import PLACE, Aggregates, upkeep_get, upkeep_set
from .connection import Connection
from .observing import Observing
from .sums import HOUR_MS, hour

DELETED = "deleted"
"""Upkeep: how many readings were ever deleted."""
MOST_AT_ONCE = 500
"""Readings, or hours, that one piece deletes at most: some milliseconds in which nothing else is written."""
_DELETABLE = (
    "SELECT id FROM reading WHERE time / 3600000 = ? AND series = ? AND id < ?"
    " AND NOT EXISTS (SELECT 1 FROM dead_letter WHERE dead_letter.reading = reading.id)"
    " AND NOT EXISTS (SELECT 1 FROM backfill WHERE reading.id >= backfill.first_id AND reading.id <= backfill.last_id)"
    " AND NOT EXISTS (SELECT 1 FROM refill WHERE refill.done = 0 AND reading.id >= refill.next_id"
    "  AND reading.id <= refill.last_id AND reading.time >= refill.from_ms AND reading.time < refill.to_ms)"
)


class Hour(NamedTuple):
    """A series' hour of which readings may be in the log."""

    series: int
    start: int


class Holding(NamedTuple):
    """How far the log may be deleted: ids below `limit`. `by`: the forwarder that holds up the rest; empty: none does,
    and the limit is how far the aggregates are. `before`: when that reading came (ms): nothing of later hours may go.
    """

    limit: int
    by: str
    before: int


class Retention(Aggregates, Observing):
    """Retention's part of the store."""

    def series_names(self) -> dict[int, tuple[str, str, str, str]]:
        """Of all series: id -> device, series, property, unit."""
        with self.database.reading() as connection:
            ids = [id for (id,) in connection.execute("SELECT id FROM series ORDER BY id").fetchall()]
            return {id: name for id in ids if (name := self._name(connection, id)) is not None}

    def holding(self, forwarders: Sequence[str]) -> Holding:
        """What keeps readings from being deleted."""
        with self.database.reading() as connection:
            return _holding(connection, forwarders)

    def old_hours(self, series: int, before: int, after: int | None = None, limit: int = 100) -> list[Hour]:
        """A series' hours with readings in the log that ended by `before` (ms), the oldest first, `after` one.

        `before`: at most holding().before, or hours would be looked at of which nothing may be deleted yet.
        """
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT start FROM aggregate WHERE step = 3600000 AND series = ? AND raw = 1 AND start <= ?"
                " AND (? = 0 OR start > ?) ORDER BY start LIMIT ?",
                (series, before - HOUR_MS, int(after is not None), after or 0, limit),
            ).fetchall()
        return [Hour(series, start) for (start,) in rows]

    def deletable(self, hours: Sequence[Hour], forwarders: Sequence[str]) -> int:
        """How many readings of these hours delete_readings() would take."""
        count = 0
        with self.database.reading() as connection:
            limit = _holding(connection, forwarders).limit
            for series, start in hours:
                found = connection.execute(
                    f"SELECT count(*) FROM ({_DELETABLE}) AS old", (hour(start), series, limit)
                ).fetchone()
                count += int(found[0])
        return count

    def delete_readings(self, hours: Sequence[Hour], forwarders: Sequence[str]) -> "Future[tuple[int, int]]":
        """Delete what may go of these hours, at most MOST_AT_ONCE readings: (how many, how many hours are done)."""

        def job(connection: Connection) -> tuple[int, int]:
            limit = _holding(connection, forwarders).limit
            deleted = done = 0
            for series, start in hours:
                left = MOST_AT_ONCE - deleted
                gone = connection.execute(
                    f"DELETE FROM reading WHERE id IN ({_DELETABLE} LIMIT ?)", (hour(start), series, limit, left)
                ).rowcount
                deleted += gone
                if gone == left:  # perhaps there are more
                    break
                connection.execute(
                    "UPDATE aggregate SET raw = 0 WHERE step = 3600000 AND series = ?1 AND start = ?2"
                    " AND NOT EXISTS (SELECT 1 FROM reading WHERE time / 3600000 = ?3 AND reading.series = ?1)",
                    (series, start, hour(start)),
                )
                done += 1
            if deleted:
                self.readings_removed(connection)
                upkeep_set(connection, DELETED, int(upkeep_get(connection, DELETED) or 0) + deleted)
            return deleted, done

        return self.submit(job)

    def old_aggregates(self, step: int, before: Mapping[int, int]) -> int:
        """How many aggregates of this step delete_aggregates() would take, once the readings in them are gone."""
        with self.database.reading() as connection:
            return sum(
                int(connection.execute(f"SELECT count(*) FROM aggregate WHERE {_OLD}", (step, id, end)).fetchone()[0])
                for id, end in before.items()
            )

    def delete_aggregates(self, step: int, before: Mapping[int, int]) -> "Future[int]":
        """Delete aggregates of HOUR_MS or DAY_MS that begin before a time (ms), by series; how many."""

        def job(connection: Connection) -> int:
            return sum(
                connection.execute(f"DELETE FROM aggregate WHERE {_OLD} AND raw = 0", (step, id, end)).rowcount
                for id, end in before.items()
            )

        return self.submit(job)


_OLD = "step = ? AND series = ? AND start < ?"


def _holding(connection: Connection, forwarders: Sequence[str]) -> Holding:
    (newest,) = connection.execute("SELECT max(id) FROM reading").fetchone()
    limit, by = min(int(upkeep_get(connection, PLACE) or 0) + 1, newest or 0), ""
    places = dict(connection.execute("SELECT forwarder, next_id FROM place").fetchall())
    paused = {name for (name,) in connection.execute("SELECT forwarder FROM pause WHERE until IS NULL").fetchall()}
    for forwarder in forwarders:
        place = places.get(forwarder, 1)
        if place < limit and forwarder not in paused:
            limit, by = place, forwarder
    came = connection.execute("SELECT received FROM reading WHERE id >= ? ORDER BY id LIMIT 1", (limit,)).fetchone()
    return Holding(limit, by, (int(came[0]) if came else 0) * 1000 + HOUR_MS)
