"""What forwarders keep beside their places: back-fill orders, and that somebody has told them to pause."""

import time
from collections.abc import Sequence
from concurrent.futures import Future

from .connection import Connection
from .places import Places, bury
from .types import Backfill, Pause, Place

_BACKFILL = "SELECT id, forwarder, first_id, last_id, pending_from, total, since FROM backfill"


class Lanes(Places):
    """The part of the store that is for back-filling and pausing."""

    def place_jump(self, place: Place, next_id: int) -> "Future[None]":
        """Go on at next_id at once; what lies between becomes a back-fill order in the same commit."""

        def job(connection: Connection) -> None:
            connection.execute(
                "INSERT INTO place (forwarder, next_id, pending_to) VALUES (?, ?, NULL) "
                "ON CONFLICT (forwarder) DO UPDATE SET next_id = excluded.next_id, pending_to = NULL",
                (place.forwarder, next_id),
            )
            connection.execute(
                "INSERT INTO backfill (forwarder, first_id, last_id, pending_from, total, since) "
                "VALUES (?, ?, ?, NULL, ?, ?)",
                (place.forwarder, place.next_id, next_id - 1, next_id - place.next_id, int(time.time() * 1000)),
            )

        return self.submit(job)

    def backfills(self, forwarder: str | None = None) -> list[Backfill]:
        """Those that are not through, the newest readings first."""
        with self.database.reading() as connection:
            rows = connection.execute(
                _BACKFILL + " WHERE ?1 IS NULL OR forwarder = ?1 ORDER BY forwarder, last_id DESC", (forwarder,)
            ).fetchall()
        return [Backfill(*row) for row in rows]

    def backfill_set(self, order: Backfill, dead: Sequence[tuple[int, str]] = ()) -> "Future[None]":
        """Move an order's end, with dead letters in the same commit; one that is through is forgotten."""

        def job(connection: Connection) -> None:
            if order.last_id < order.first_id:
                connection.execute("DELETE FROM backfill WHERE id = ?", (order.id,))
            else:
                connection.execute(
                    "UPDATE backfill SET last_id = ?, pending_from = ? WHERE id = ?",
                    (order.last_id, order.pending_from, order.id),
                )
            bury(connection, order.forwarder, dead)

        return self.submit(job)

    def pause_set(self, forwarder: str, until: int | None = None, reason: str = "") -> "Future[None]":
        """Send nothing to this target until then (ms UTC), or until resume()."""

        def job(connection: Connection) -> None:
            connection.execute(
                "INSERT INTO pause (forwarder, since, until, reason) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (forwarder) DO UPDATE SET until = excluded.until, reason = excluded.reason",
                (forwarder, int(time.time() * 1000), until, reason),
            )

        return self.submit(job)

    def pause_end(self, forwarder: str) -> "Future[bool]":
        """Go on; whether there was a pause."""

        def job(connection: Connection) -> bool:
            found = connection.execute("DELETE FROM pause WHERE forwarder = ?", (forwarder,)).rowcount
            return bool(found)

        return self.submit(job)

    def pauses(self) -> dict[str, Pause]:
        """By forwarder, those that are not over."""
        now = int(time.time() * 1000)
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT forwarder, since, until, reason FROM pause WHERE until IS NULL OR until > ?", (now,)
            ).fetchall()
        return {row[0]: Pause(*row) for row in rows}

    def dead_drop(self, forwarder: str, ids: Sequence[int] | None = None) -> "Future[int]":
        """Give up on dead letters (all with ids None) for good; how many."""

        def job(connection: Connection) -> int:
            statement = "DELETE FROM dead_letter WHERE forwarder = ?"
            if ids is None:
                return connection.execute(statement, (forwarder,)).rowcount
            return sum(connection.execute(f"{statement} AND reading = ?", (forwarder, id)).rowcount for id in ids)

        return self.submit(job)
