"""Procedures in the store: their models, where each case's one stands, and what was ordered from other systems.

Who takes due errands and answers them is errands/; here they are ordered, and taken back, in a case's own commit.
"""

import json
from typing import Any, NamedTuple

from ..procedures.progress import Errand
from .connection import Connection

RUNNING, ENDED, STOPPED = 0, 1, 2
"""`ended` of a process: by itself, or with its case."""


class Process(NamedTuple):
    """A case's procedure. `model`: digest; `state`: the engine's, JSON; `due`: when to wake it, ms UTC."""

    work: int
    model: str
    state: str
    ended: int
    due: int | None
    changed: int


class Ordered(NamedTuple):
    """An errand. `task`, `node`: of the procedure, empty for a notice. state: due, done, failed, dropped."""

    key: str
    work: int | None
    task: str
    node: str
    kind: str
    target: str
    state: str


def put_model(connection: Connection, digest: str, name: str, text: str) -> None:
    """BPMN by its digest; the same again changes nothing."""
    connection.execute(
        "INSERT INTO process_model (digest, name, text) VALUES (?, ?, ?) ON CONFLICT (digest) DO NOTHING",
        (digest, name, text),
    )


def model(connection: Connection, digest: str) -> str | None:
    """Its BPMN."""
    row = connection.execute("SELECT text FROM process_model WHERE digest = ?", (digest,)).fetchone()
    return None if row is None else str(row[0])


def process(connection: Connection, work: int) -> Process | None:
    """Of a case."""
    row = connection.execute(f"SELECT {', '.join(Process._fields)} FROM process WHERE work = ?", (work,)).fetchone()
    return None if row is None else Process(*row)


def put(connection: Connection, process: Process) -> None:
    """As it is now."""
    names = Process._fields
    sets = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
    connection.execute(
        f"INSERT INTO process ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        f" ON CONFLICT (work) DO UPDATE SET {sets}",
        process,
    )


def due(connection: Connection, now: int, limit: int = 100) -> list[int]:
    """Cases whose procedures have to be woken."""
    rows = connection.execute(
        "SELECT work FROM process WHERE due IS NOT NULL AND due <= ? AND ended = 0 ORDER BY due LIMIT ?", (now, limit)
    )
    return [int(work) for (work,) in rows.fetchall()]


def running(connection: Connection) -> list[Process]:
    """All that have not ended, the oldest case first."""
    rows = connection.execute(f"SELECT {', '.join(Process._fields)} FROM process WHERE ended = 0 ORDER BY work")
    return [Process(*row) for row in rows.fetchall()]


def order(connection: Connection, errand: Errand, work: int | None, now: int) -> None:
    """An errand to be done; one with the same key was ordered before, and is not again."""
    connection.execute(
        "INSERT INTO errand (key, work, task, node, kind, target, request, state, tries, next, answer, made, changed)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 'due', 0, ?, '', ?, ?) ON CONFLICT (key) DO NOTHING",
        (
            *(errand.key, work, errand.task, errand.node, errand.kind, errand.target),
            *(json.dumps(errand.request, ensure_ascii=False), now, now, now),
        ),
    )


def ordered(connection: Connection, key: str) -> Ordered | None:
    """One of them."""
    row = connection.execute(f"SELECT {', '.join(Ordered._fields)} FROM errand WHERE key = ?", (key,)).fetchone()
    return None if row is None else Ordered(*row)


def answer(connection: Connection, key: str, state: str, answer: Any, now: int) -> None:
    """It is through: done or failed."""
    connection.execute(
        "UPDATE errand SET state = ?, answer = ?, changed = ? WHERE key = ?",
        (state, json.dumps(answer, ensure_ascii=False), now, key),
    )


def drop(connection: Connection, work: int, now: int) -> None:
    """A case's service calls that nobody wants any more; who was to be told is told."""
    connection.execute(
        "UPDATE errand SET state = 'dropped', changed = ? WHERE work = ? AND state = 'due' AND task != ''", (now, work)
    )


def order_again(connection: Connection, work: int, now: int) -> None:
    """What was dropped with a case that is open again."""
    connection.execute(
        "UPDATE errand SET state = 'due', next = ?1, changed = ?1 WHERE work = ?2 AND state = 'dropped'", (now, work)
    )


def next_due(connection: Connection) -> int | None:
    """When the next procedure has to be woken."""
    (found,) = connection.execute("SELECT min(due) FROM process WHERE due IS NOT NULL AND ended = 0").fetchone()
    return None if found is None else int(found)


def busy(connection: Connection) -> bool:
    """Whether a procedure runs or an errand is due."""
    found = connection.execute(
        "SELECT 1 FROM process WHERE ended = 0 UNION ALL SELECT 1 FROM errand WHERE state = 'due' LIMIT 1"
    )
    return found.fetchone() is not None
