"""What forwarders keep: their place in the log, orders to fill again, dead letters, the target's own ids."""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from .connection import Connection, Database
from .types import DeadLetter, Job, Place, Refill

_DEAD = (
    "INSERT INTO dead_letter (forwarder, reading, reason, since) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (forwarder, reading) DO UPDATE SET reason = excluded.reason, tries = dead_letter.tries + 1, retry = 0"
)


def bury(connection: Connection, forwarder: str, dead: Sequence[tuple[int, str]]) -> None:
    """Into the open transaction: (reading id, reason) pairs."""
    now = int(time.time() * 1000)
    connection.executemany(_DEAD, [(forwarder, id, reason, now) for id, reason in dead])


class Places(ABC):
    """The forwarders' part of the store."""

    database: Database

    @abstractmethod
    def submit(self, job: Job) -> "Future[Any]":
        """Have job(connection) done in the next group commit; the Future has its result once that is on disk."""

    def place_get(self, forwarder: str) -> Place:
        """The forwarder's place; a new forwarder starts at the log's beginning (next_id 1, nothing pending)."""
        with self.database.reading() as connection:
            row = connection.execute("SELECT * FROM place WHERE forwarder = ?", (forwarder,)).fetchone()
        return Place(*row) if row else Place(forwarder, 1, None)

    def places(self) -> list[Place]:
        """All forwarders that ever had a place."""
        with self.database.reading() as connection:
            return [Place(*row) for row in connection.execute("SELECT * FROM place ORDER BY forwarder").fetchall()]

    def place_set(self, place: Place, dead: Sequence[tuple[int, str]] = ()) -> "Future[None]":
        """Move the place and, in the same commit, write (reading id, reason) pairs to the dead letters."""

        def job(connection: Connection) -> None:
            connection.execute(
                "INSERT INTO place (forwarder, next_id, pending_to) VALUES (?, ?, ?) "
                "ON CONFLICT (forwarder) DO UPDATE SET next_id = excluded.next_id, pending_to = excluded.pending_to",
                place,
            )
            bury(connection, place.forwarder, dead)

        return self.submit(job)

    def refill_add(self, forwarder: str, from_ms: int, to_ms: int) -> "Future[int]":
        """Order what was measured in [from_ms, to_ms) and is here now once more; the id of the order."""

        def job(connection: Connection) -> int:
            first, last = connection.execute(
                "SELECT min(id), max(id) FROM reading WHERE time / 3600000 BETWEEN ?1 / 3600000 AND ?2 / 3600000 "
                "AND time >= ?1 AND time < ?2",
                (from_ms, to_ms),
            ).fetchone()
            (number,) = connection.execute(
                "INSERT INTO refill (forwarder, from_ms, to_ms, next_id, last_id, done, first_id) "
                "VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
                (forwarder, from_ms, to_ms, first or 0, last or 0, int(first is None), first or 0),
            ).fetchone()
            return int(number)

        return self.submit(job)

    def refills(self, forwarder: str | None = None, *, open_only: bool = True) -> list[Refill]:
        """Orders, oldest first."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT id, forwarder, from_ms, to_ms, next_id, last_id, pending_to, done, first_id FROM refill "
                "WHERE (?1 IS NULL OR forwarder = ?1) AND (?2 = 0 OR done = 0) ORDER BY id",
                (forwarder, open_only),
            ).fetchall()
        return [Refill(*row)._replace(done=bool(row[7])) for row in rows]

    def refill_set(self, refill: Refill, dead: Sequence[tuple[int, str]] = ()) -> "Future[None]":
        """Move an order's place, with dead letters in the same commit."""

        def job(connection: Connection) -> None:
            connection.execute(
                "UPDATE refill SET next_id = ?, pending_to = ?, done = ? WHERE id = ?",
                (refill.next_id, refill.pending_to, refill.done, refill.id),
            )
            bury(connection, refill.forwarder, dead)

        return self.submit(job)

    def dead_letters(
        self, forwarder: str | None = None, *, retry_only: bool = False, after_id: int = 0, limit: int = 1000
    ) -> list[DeadLetter]:
        """By forwarder and reading; `retry_only`: those that somebody wants to be sent again."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT forwarder, reading, reason, since, tries, retry FROM dead_letter "
                "WHERE (?1 IS NULL OR forwarder = ?1) AND reading > ?2 AND (?3 = 0 OR retry = 1) "
                "ORDER BY forwarder, reading LIMIT ?4",
                (forwarder, after_id, retry_only, limit),
            ).fetchall()
        return [DeadLetter(*row)._replace(retry=bool(row[-1])) for row in rows]

    def dead_counts(self) -> dict[str, int]:
        """How many dead letters each forwarder has."""
        with self.database.reading() as connection:
            return dict(connection.execute("SELECT forwarder, count(*) FROM dead_letter GROUP BY forwarder").fetchall())

    def dead_retry(self, forwarder: str, ids: Sequence[int] | None = None) -> "Future[int]":
        """Mark dead letters (all with ids None) for another try; how many."""

        def job(connection: Connection) -> int:
            statement = "UPDATE dead_letter SET retry = 1 WHERE forwarder = ?"
            if ids is None:
                return connection.execute(statement, (forwarder,)).rowcount
            return sum(connection.execute(f"{statement} AND reading = ?", (forwarder, id)).rowcount for id in ids)

        return self.submit(job)

    def dead_done(
        self, forwarder: str, delivered: Sequence[int], refused: Sequence[tuple[int, str]] = ()
    ) -> "Future[None]":
        """After another try: forget what was delivered, note the new reason (and one try more) of what was refused."""

        def job(connection: Connection) -> None:
            connection.executemany(
                "DELETE FROM dead_letter WHERE forwarder = ? AND reading = ?", [(forwarder, id) for id in delivered]
            )
            bury(connection, forwarder, refused)

        return self.submit(job)

    def remote_get(self, forwarder: str) -> dict[str, str]:
        """What the target calls our things: name -> value, e.g. "datastream 24a160123456 air/pm10 ug/m3" -> "17"."""
        with self.database.reading() as connection:
            return dict(
                connection.execute("SELECT name, value FROM remote WHERE forwarder = ?", (forwarder,)).fetchall()
            )

    def remote_set(self, forwarder: str, values: Mapping[str, str]) -> "Future[None]":
        """Remember names the target gave; a name that is known gets the new value."""
        rows = [(forwarder, name, value) for name, value in values.items()]

        def job(connection: Connection) -> None:
            connection.executemany(
                "INSERT INTO remote (forwarder, name, value) VALUES (?, ?, ?) "
                "ON CONFLICT (forwarder, name) DO UPDATE SET value = excluded.value",
                rows,
            )

        return self.submit(job)

    def remote_clear(self, forwarder: str) -> "Future[None]":
        """Forget them all: the target was replaced."""

        def job(connection: Connection) -> None:
            connection.execute("DELETE FROM remote WHERE forwarder = ?", (forwarder,))

        return self.submit(job)
