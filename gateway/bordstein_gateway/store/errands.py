"""Errands in the store that are due, for who runs them (errands/). How they are ordered and answered: procedures.py."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from .connection import Connection


class Due(NamedTuple):
    """An errand to run. `key`: the same at each try. `work`: the case; `task`: empty for a notice. `made`: ms UTC;
    `failing`: since when every try has failed."""

    key: str
    work: int | None
    task: str
    kind: str
    target: str
    request: Mapping[str, Any]
    tries: int
    made: int
    failing: int | None = None


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
        "SELECT key, work, task, kind, target, request, tries, made, answer FROM errand"
        " WHERE state = 'due' AND next <= ? ORDER BY next, key LIMIT ?",
        (now, limit),
    ).fetchall()
    return [
        Due(key, work, task or "", kind, target, json.loads(request), tries, made, _since(answer))
        for key, work, task, kind, target, request, tries, made, answer in rows
    ]


def next_due(connection: Connection) -> int | None:
    """When the next one is to be run, ms UTC."""
    (found,) = connection.execute("SELECT min(next) FROM errand WHERE state = 'due'").fetchone()
    return None if found is None else int(found)


def failed(connection: Connection, key: str, next: int, reason: Mapping[str, Any], now: int) -> None:
    """It failed: again at `next`. `reason`: with `since`, the first of its failures in a row."""
    connection.execute(
        "UPDATE errand SET tries = tries + 1, next = ?, answer = ?, changed = ? WHERE key = ? AND state = 'due'",
        (next, json.dumps(reason, ensure_ascii=False), now, key),
    )


def waits(connection: Connection, key: str, next: int, now: int) -> None:
    """It was begun, and has to be asked for again at `next`."""
    connection.execute(
        "UPDATE errand SET tries = 0, next = ?, answer = '', changed = ? WHERE key = ? AND state = 'due'",
        (next, now, key),
    )


def waiting(connection: Connection) -> list[Waiting]:
    """Those that failed and are tried again, the oldest first."""
    rows = connection.execute(
        "SELECT key, work, kind, target, tries, next, answer FROM errand WHERE state = 'due' AND tries > 0"
        " ORDER BY made, key"
    ).fetchall()
    return [Waiting(*row)._replace(reason=json.loads(row[6]) if row[6] else {}) for row in rows]


def _since(answer: str) -> int | None:
    found = json.loads(answer).get("since") if answer else None
    return None if found is None else int(found)
