"""What the process engine says after a step. Between running (run.py) and what keeps it (cases/, errands/)."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

ErrandKind = Literal["open311", "webhook", "engine", "ngsi-ld", "mail"]


class Task(NamedTuple):
    """A user task. `id`: of this run of it, stays the same over restarts: the node, from the second run on with #2, …;
    `node`: the BPMN element's id. `form`: fields as in rules/sheet.py, as JSON."""

    id: str
    node: str
    title: str
    instruction: str
    desk: str
    form: list[dict[str, Any]]


class Errand(NamedTuple):
    """A service to call. `key`: the same however often it is tried, across restarts: the other side, or we, know by it
    what was done. `request`: JSON, templates filled."""

    key: str
    task: str
    node: str
    kind: ErrandKind
    target: str
    request: Mapping[str, Any]


class Progress(NamedTuple):
    """Where a procedure stands. `state`: the engine's, as JSON, to go on from. `ready`: user tasks to do now.
    `errands`: calls that wait for an answer. `done`: nodes that were passed, `skipped`: those that never will be.
    `due`: when to wake it (ms UTC). `escalate`: nodes with BPMN escalations that were passed since the last progress.
    `failed`: service nodes that were given up.
    """

    state: str
    ready: tuple[Task, ...]
    errands: tuple[Errand, ...]
    done: tuple[str, ...]
    skipped: tuple[str, ...]
    due: int | None
    escalate: tuple[str, ...]
    ended: bool
    failed: tuple[str, ...] = ()
