"""Orders to install a release: which boards, how far each is, and when too many failed."""

import json
import time
from collections.abc import Sequence
from concurrent.futures import Future

from ..boards.presence import overdue, wake
from .connection import Connection
from .quarantine import Quarantine
from .types import BoardUpdate, Offer, Rollout, RolloutBoard

AGAIN_MS = 1_800_000
"""A board that has begun and gave up on a gateway that was silent goes on with the next offer."""
_SAID = ("fetching", "trying", "done", "failed", "refused")
_ENDED = "state IN ('done', 'failed', 'refused', 'replaced')"
SILENT_MS = 600_000
"""A board that was offered a release and said nothing for that long is away; others need not wait for it."""
_ROLLOUT = (
    "SELECT id, version, digest, created, percent, least, at_once, stopped, reason,"
    " (SELECT count(*) FROM rollout_board WHERE rollout = id AND state = 'waiting'),"
    " (SELECT count(*) FROM rollout_board WHERE rollout = id AND state IN ('fetching', 'trying')),"
    " (SELECT count(*) FROM rollout_board WHERE rollout = id AND state = 'done'),"
    " (SELECT count(*) FROM rollout_board WHERE rollout = id AND state IN ('failed', 'refused')) FROM rollout"
)


def note(connection: Connection, device: str, update: BoardUpdate, now_ms: int) -> None:
    """What a board says of its order, into the open transaction; the order stops when too many have failed."""
    if update.result not in _SAID:  # a word of newer software
        return
    changed = connection.execute(
        "UPDATE rollout_board SET state = ?1, why = ?2, changed = ?3"
        f" WHERE rollout = ?4 AND device = ?5 AND state != ?1 AND NOT {_ENDED}",
        (update.result, update.why, now_ms, update.order, device),
    ).rowcount
    if not changed or update.result not in ("failed", "refused"):
        return
    connection.execute(
        "UPDATE rollout SET stopped = ?2, reason = 'too many boards failed' FROM"
        " (SELECT count(*) FILTER (WHERE state = 'done') AS done,"
        "  count(*) FILTER (WHERE state IN ('failed', 'refused')) AS bad"
        "  FROM rollout_board WHERE rollout = ?1) AS c"
        " WHERE id = ?1 AND stopped IS NULL AND c.bad >= least AND c.bad * 100 > percent * (c.bad + c.done)",
        (update.order, now_ms),
    )


def _next(connection: Connection, order: int, at_once: int, now_ms: int) -> list[str]:
    """The boards that an order may be offered to now: at most `at_once` at a time, of those that sleep as many again.

    A board that sleeps can't answer before it wakes. It would keep the others waiting if it took one of their places,
    and if it took none, all that sleep would be offered it before the first could fail.
    """
    boards = connection.execute(
        f"SELECT device, state, offered FROM rollout_board WHERE rollout = ? AND NOT {_ENDED} ORDER BY device", (order,)
    ).fetchall()
    if all(offered is not None for _, _, offered in boards):
        return []
    asleep = _asleep(connection, now_ms)
    left = {True: at_once, False: at_once}
    for device, state, offered in boards:
        if offered is not None and (
            state != "waiting" or offered > now_ms - SILENT_MS or asleep.get(device, offered + 1) <= offered
        ):
            left[device in asleep] -= 1
    found = []
    for device, _, offered in boards:
        sleeps = device in asleep
        if offered is None and left[sleeps] > 0:
            left[sleeps] -= 1
            found.append(device)
    return found


def _asleep(connection: Connection, now_ms: int) -> dict[str, int]:
    """The boards that sleep and are not overdue, and since when (ms)."""
    found = {}
    for device, seen, since, text in connection.execute(
        "SELECT name, last_seen, state_received, state_text FROM device WHERE state = 'sleeping'"
    ).fetchall():
        due = wake("sleeping", json.loads(text))
        if due is not None and not overdue(now_ms, seen, since, due):
            found[device] = since
    return found


class Releases(Quarantine):
    """The releases' part of the store."""

    def rollouts(self) -> list[Rollout]:
        """All orders, oldest first."""
        with self.database.reading() as connection:
            return [Rollout(*row) for row in connection.execute(_ROLLOUT + " ORDER BY id").fetchall()]

    def rollout(self, order: int) -> Rollout | None:
        """One of them."""
        with self.database.reading() as connection:
            row = connection.execute(_ROLLOUT + " WHERE id = ?", (order,)).fetchone()
        return Rollout(*row) if row else None

    def rollout_boards(self, order: int) -> list[RolloutBoard]:
        """How far each board is."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT device, state, why, changed FROM rollout_board WHERE rollout = ? ORDER BY device", (order,)
            ).fetchall()
        return [RolloutBoard(*row) for row in rows]

    def release_publish(
        self, version: str, digest: str, devices: Sequence[str], *, percent: float, least: int, at_once: int
    ) -> "Future[int]":
        """Order it for these boards; the order's number. What they were ordered before is replaced."""
        now_ms = int(time.time() * 1000)

        def job(connection: Connection) -> int:
            # Boards remember the last order they followed: no number comes again, not even from a new store.
            (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM rollout").fetchone()
            order = max(int(last) + 1, now_ms // 1000)
            connection.execute(
                "INSERT INTO rollout (id, version, digest, created, percent, least, at_once)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (order, version, digest, now_ms, percent, least, at_once),
            )
            for device in devices:
                connection.execute(
                    f"UPDATE rollout_board SET state = 'replaced', changed = ? WHERE device = ? AND NOT {_ENDED}",
                    (now_ms, device),
                )
                connection.execute(
                    "INSERT INTO rollout_board VALUES (?, ?, 'waiting', '', ?, NULL)", (order, device, now_ms)
                )
            return order

        return self.submit(job)

    def release_stop(self, order: int) -> "Future[bool]":
        """Offer it to nobody any more; False: it was stopped already, or there is none of that number."""
        now_ms = int(time.time() * 1000)

        def job(connection: Connection) -> bool:
            return bool(
                connection.execute(
                    "UPDATE rollout SET stopped = ?, reason = 'by hand' WHERE id = ? AND stopped IS NULL",
                    (now_ms, order),
                ).rowcount
            )

        return self.submit(job)

    def release_offers(self, now_ms: int) -> list[Offer]:
        """What has to be said to which board: first what is over, then what may begin."""
        offers = []
        with self.database.reading() as connection:
            for order, device in connection.execute(
                "SELECT rollout, device FROM rollout_board JOIN rollout ON id = rollout"
                f" WHERE offered IS NOT NULL AND (stopped IS NOT NULL OR {_ENDED})"
            ).fetchall():
                offers.append(Offer(order, device, None, None))
            for row in connection.execute(
                "SELECT rollout, device, version, digest FROM rollout_board JOIN rollout ON id = rollout"
                " WHERE stopped IS NULL AND state = 'fetching' AND offered < ?",
                (now_ms - AGAIN_MS,),
            ).fetchall():
                offers.append(Offer(*row))
            for order, version, digest, at_once in connection.execute(
                "SELECT id, version, digest, at_once FROM rollout WHERE stopped IS NULL ORDER BY id"
            ).fetchall():
                next_ones = _next(connection, order, at_once, now_ms)
                offers += [Offer(order, device, version, digest) for device in next_ones]
        return offers

    def release_offered(self, offers: Sequence[Offer]) -> "Future[None]":
        """The broker has these now."""
        now_ms = int(time.time() * 1000)

        def job(connection: Connection) -> None:
            connection.executemany(
                "UPDATE rollout_board SET offered = ? WHERE rollout = ? AND device = ?",
                [(None if offer.version is None else now_ms, offer.order, offer.device) for offer in offers],
            )

        return self.submit(job)

    def release_offer_again(self) -> "Future[None]":
        """What the broker was told may be lost: say it once more."""

        def job(connection: Connection) -> None:
            connection.execute(
                f"UPDATE rollout_board SET offered = NULL WHERE NOT {_ENDED}"
                " AND rollout IN (SELECT id FROM rollout WHERE stopped IS NULL)"
            )

        return self.submit(job)
