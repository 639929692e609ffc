"""How each target stands: what the command line, the pages and the metrics say of it. From the store alone."""

import json
import time
from collections.abc import Iterable
from typing import Literal, NamedTuple

from ..store import Pause, Refill, Store
from ..texts import both
from .keys import retry_key, sent_key


class Standing(NamedTuple):
    """One target. Times: Unix seconds, None: never or none."""

    name: str
    state: Literal["running", "paused", "trouble"]
    pause: Pause | None
    trouble: str
    """Why the last try failed, a sentence; empty while all is well."""
    next_try: float | None
    live: int
    """Readings of the log that wait (an upper bound: filtered ones are among them)."""
    backfill: int
    """Readings that wait in the back-fill."""
    backfill_total: int
    """How many there were when it was ordered."""
    live_since: int | None
    """When the gateway got the first of those that wait in the log."""
    oldest_since: int | None
    """The same, of all that wait."""
    dead: int
    refills: list[Refill]
    """Those that are not through."""
    last_success: float | None
    rate: float
    """Readings a second in the minute before last_success; 0 when that is long ago."""

    @property
    def waiting(self) -> int:
        """All that waits."""
        return self.live + self.backfill


def standings(names: Iterable[str], store: Store) -> dict[str, Standing]:
    """By name."""
    pauses, dead, newest = store.pauses(), store.dead_counts(), store.newest_id()
    return {name: _standing(name, store, pauses.get(name), dead.get(name, 0), newest) for name in names}


def share(refill: Refill) -> float | None:
    """How much of an order is through, 0..1; None: not known."""
    if refill.first_id is None:
        return None
    return min(1.0, (refill.next_id - refill.first_id) / max(1, refill.last_id - refill.first_id + 1))


def _standing(name: str, store: Store, pause: Pause | None, dead: int, newest: int) -> Standing:
    next_id = store.place_get(name).next_id
    orders = store.backfills(name)
    trouble, next_try = _trouble(store.remote_get(retry_key(name)).get("next"))
    live_since = _since(store, next_id)
    behind = [since for order in orders if (since := _since(store, order.first_id)) is not None]
    sent = store.remote_get(sent_key(name))
    last = float(sent["at"]) if sent else None
    return Standing(
        name=name,
        state="paused" if pause else "trouble" if trouble else "running",
        pause=pause,
        trouble=trouble,
        next_try=next_try,
        live=max(0, newest - next_id + 1),
        backfill=sum(order.last_id - order.first_id + 1 for order in orders),
        backfill_total=sum(order.total for order in orders),
        live_since=live_since,
        oldest_since=min([*behind, *([live_since] if live_since is not None else [])], default=None),
        dead=dead,
        refills=store.refills(name),
        last_success=last,
        rate=float(sent["rate"]) if last is not None and time.time() - last < 60 else 0.0,
    )


def _since(store: Store, id: int) -> int | None:
    """When the reading with this id came, or the next one that there is."""
    rows = store.readings_after(id - 1, 1)
    return rows[0].received if rows else None


def _trouble(text: str | None) -> tuple[str, float | None]:
    kept = json.loads(text) if text else None
    if kept is None:
        return "", None
    return both(kept.get("german", kept["reason"]), kept["reason"]), kept["at"]
