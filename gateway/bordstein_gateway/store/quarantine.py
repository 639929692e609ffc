"""Messages that could not be stored as they were: raw, with the reason, each kept once however often it comes."""

from collections.abc import Sequence
from concurrent.futures import Future
from hashlib import blake2b

from .configs import Configs
from .connection import Connection
from .types import Arrival, Quarantined

_SELECT = "SELECT id, device, topic, payload, reason, received, last, times FROM quarantine"


def put(connection: Connection, arrival: Arrival, reason: str, now_ms: int) -> None:
    """Into the open transaction; the same message again only counts."""
    digest = blake2b(arrival.topic.encode(errors="replace") + b"\0" + arrival.payload, digest_size=16).digest()
    connection.execute(
        "INSERT INTO quarantine (digest, device, topic, payload, reason, received, last) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (digest) DO UPDATE SET last = excluded.last, reason = excluded.reason,"
        " times = quarantine.times + 1",
        (digest, arrival.device, arrival.topic, arrival.payload, reason, now_ms // 1000, now_ms // 1000),
    )


class Quarantine(Configs):
    """The quarantine's part of the store."""

    def quarantined(self, after_id: int = 0, limit: int = 100) -> list[Quarantined]:
        """In the order of arrival."""
        with self.database.reading() as connection:
            rows = connection.execute(_SELECT + " WHERE id > ? ORDER BY id LIMIT ?", (after_id, limit)).fetchall()
        return [Quarantined(*row) for row in rows]

    def quarantine_count(self) -> int:
        """How many different messages lie there."""
        with self.database.reading() as connection:
            (count,) = connection.execute("SELECT count(*) FROM quarantine").fetchone()
        return int(count)

    def quarantine_retry(self, ids: Sequence[int] | None = None) -> "Future[int]":
        """Ask that quarantined messages (None: all) be read again; how many. The running gateway does it at once."""

        def job(connection: Connection) -> int:
            if ids is None:
                return connection.execute("UPDATE quarantine SET retry = 1").rowcount
            return sum(connection.execute("UPDATE quarantine SET retry = 1 WHERE id = ?", (id,)).rowcount for id in ids)

        return self.submit(job)

    def quarantine_wanted(self, limit: int = 100) -> list[Quarantined]:
        """Those that somebody wants to be read again."""
        with self.database.reading() as connection:
            rows = connection.execute(_SELECT + " WHERE retry = 1 ORDER BY id LIMIT ?", (limit,)).fetchall()
        return [Quarantined(*row) for row in rows]

    def quarantine_settled(self, read: Sequence[int], still: Sequence[tuple[int, str]]) -> "Future[None]":
        """After another reading: forget those that are stored now, keep the others with their new reason."""

        def job(connection: Connection) -> None:
            connection.executemany("DELETE FROM quarantine WHERE id = ?", [(id,) for id in read])
            connection.executemany(
                "UPDATE quarantine SET retry = 0, reason = ? WHERE id = ?", [(reason, id) for id, reason in still]
            )

        return self.submit(job)
