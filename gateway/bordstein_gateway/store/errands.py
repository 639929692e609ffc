"""Errands in the store that are due, for who runs them (errands/). How they are ordered and answered: procedures.py."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from .connection import Connection


class Due(NamedTuple):
    """An errand to run. `key`: the same at each try. `work`: the case; `task`: empty for a notice. `made`: ms UTC."""

    key: str
    work: int | None
    task: str
    kind: str
    target: str
    request: Mapping[str, Any]
    tries: int
    made: int


class Waiting(NamedTuple):
    """An errand that did not succeed yet: `reason` as it is kept, `next`: when it is tried again, ms UTC."""

    key: str
    work: int | None
    kind: str
    target: str
    tries: int
    next: int
    reason: Mapping[str, str]


def due(connection: Connection, now: int, limit: int) -> list[Due]:
    """Those whose time has come, the one that waits longest first."""
    rows = connection.execute(
        "SELECT key, work, task, kind, target, request, tries, made FROM errand"
        " WHERE state = 'due' AND next <= ? ORDER BY next, key LIMIT ?",
        (now, limit),
    ).fetchall()
    return [Due(*row)._replace(request=json.loads(row[5]), task=row[2] or "") for row in rows]


def next_due(connection: Connection) -> int | None:
    """When the next one is to be run, ms UTC."""
    (found,) = connection.execute("SELECT min(next) FROM errand WHERE state = 'due'").fetchone()
    return None if found is None else int(found)


def tried(connection: Connection, key: str, next: int, reason: Mapping[str, str], now: int, *, count: bool) -> None:
    """Not yet: again at `next`. `count`: it failed; else it only waits."""
    connection.execute(
        "UPDATE errand SET tries = tries + ?, next = ?, answer = ?, changed = ? WHERE key = ? AND state = 'due'",
        (int(count), next, json.dumps(reason, ensure_ascii=False), now, key),
    )


def again(connection: Connection, key: str, now: int) -> bool:
    """Try now; whether there is such an errand."""
    return bool(
        connection.execute(
            "UPDATE errand SET next = ?, changed = ? WHERE key = ? AND state = 'due'", (now, now, key)
        ).rowcount
    )


def waiting(connection: Connection) -> list[Waiting]:
    """Those that failed and are tried again, the oldest first."""
    rows = connection.execute(
        "SELECT key, work, kind, target, tries, next, answer FROM errand WHERE state = 'due' AND tries > 0"
        " ORDER BY made, key"
    ).fetchall()
    return [Waiting(*row)._replace(reason=json.loads(row[6]) if row[6] else {}) for row in rows]
