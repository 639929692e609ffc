"""Figures on rules and procedures for the pages."""

from typing import NamedTuple

from .core import Store


class Fired(NamedTuple):
    """Of a rule: cases since a time, of these false alarms, those that are open, and when it fired last (ms)."""

    cases: int
    false_alarms: int
    open: int
    last: int


class RunningProcess(NamedTuple):
    """A procedure of an open case. `steps`: what is to be done now: BPMN element and title."""

    case: int
    number: str
    rule: str
    place: str
    model: str
    changed: int
    due: int | None
    steps: tuple[tuple[str, str], ...]


def fired(store: Store, since: int) -> dict[str, Fired]:
    """By rule; `since`: ms UTC."""
    with store.database.reading() as connection:
        rows = connection.execute(
            "SELECT rule, sum(CASE WHEN opened >= ? THEN 1 ELSE 0 END),"
            " sum(CASE WHEN opened >= ? AND state = 'false_alarm' THEN 1 ELSE 0 END),"
            " sum(CASE WHEN state IN ('new', 'taken', 'in_work') THEN 1 ELSE 0 END), max(opened)"
            " FROM work GROUP BY rule",
            (since, since),
        ).fetchall()
    return {str(row[0]): Fired(*(int(value) for value in row[1:])) for row in rows}


def running(store: Store, limit: int = 500) -> list[RunningProcess]:
    """Procedures that run, the last to have moved first."""
    with store.database.reading() as connection:
        rows = connection.execute(
            "SELECT w.id, w.year, w.running, w.rule, w.place, p.model, p.changed, p.due FROM process AS p"
            " JOIN work AS w ON w.id = p.work WHERE p.ended = 0 AND w.state IN ('new', 'taken', 'in_work')"
            " ORDER BY p.changed DESC, w.id DESC LIMIT ?",
            (limit,),
        ).fetchall()
        steps: dict[int, list[tuple[str, str]]] = {}
        for work, node, title in connection.execute(
            "SELECT s.work, s.node, s.title FROM work_step AS s JOIN process AS p ON p.work = s.work"
            " WHERE p.ended = 0 AND s.state = 'ready' ORDER BY s.work, s.number"
        ).fetchall():
            steps.setdefault(work, []).append((node, title))
    return [
        RunningProcess(id, f"{year}-{number}", rule, place, model, changed, due, tuple(steps.get(id, ())))
        for id, year, number, rule, place, model, changed, due in rows
    ]
