"""Cases in the store: SQL only. What may happen to a case says cases/; each function takes part in a transaction."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..cases.types import Case, CaseNote, CaseStep, Silence
from .connection import Connection

_CASE = tuple(name for name in Case._fields if name not in ("id", "number"))
_SELECT = f"SELECT id, year, running, {', '.join(_CASE)} FROM work"
_STEP = CaseStep._fields[1:]
_NOTE = CaseNote._fields
_SILENCE = Silence._fields
_ORDER = {
    "newest": "opened DESC, id DESC",
    "oldest": "opened, id",
    "changed": "changed DESC, id DESC",
    "urgent": "CASE WHEN state IN ('done', 'false_alarm', 'closed') THEN 1 ELSE 0 END,"
    " CASE priority WHEN 'high' THEN 0 WHEN 'normal' THEN 1 ELSE 2 END, escalated DESC, opened, id",
}


class CaseFilter(NamedTuple):
    """Which cases; empty: all. `desks`: of these, or theirs as deputy. `account`: taken by. `unassigned`: taken by
    nobody. `text`: in number, title, place, object, rule. Times: opened, ended from (included) to (not included)."""

    states: Sequence[str] = ()
    rule: str = ""
    object: str = ""
    desks: Sequence[str] = ()
    account: str = ""
    unassigned: bool = False
    text: str = ""
    opened_from: int | None = None
    opened_to: int | None = None
    ended_from: int | None = None
    ended_to: int | None = None


def add(connection: Connection, case: Case, year: int) -> Case | None:
    """A new case with the next number of the year; None: this rule has an open one for the object. Its id and number
    are given here, whatever they are in `case`."""
    (running,) = connection.execute("SELECT coalesce(max(running), 0) + 1 FROM work WHERE year = ?", (year,)).fetchone()
    row = connection.execute(
        f"INSERT INTO work (open_key, year, running, {', '.join(_CASE)}) VALUES ({_marks(len(_CASE) + 3)})"
        " ON CONFLICT (open_key) DO NOTHING RETURNING id",
        (_open_key(case), year, running, *_values(case)),
    ).fetchall()
    return case._replace(id=int(row[0][0]), number=f"{year}-{running}") if row else None


def put(connection: Connection, case: Case) -> None:
    """The whole case as it is now; the key of open ones has to be free."""
    connection.execute(
        f"UPDATE work SET open_key = ?, {', '.join(f'{name} = ?' for name in _CASE)} WHERE id = ?",
        (_open_key(case), *_values(case), case.id),
    )


def get(connection: Connection, id: int) -> Case | None:
    """One case."""
    return _one(connection, "id = ?", id)


def by_number(connection: Connection, number: str) -> Case | None:
    """One case by what people call it, as "2026-17"."""
    year, _, running = number.partition("-")
    if not (year.isdecimal() and running.isdecimal() and len(number) < 20):
        return None
    return _one(connection, "year = ? AND running = ?", int(year), int(running))


def open_of(connection: Connection, rule: str, object: str) -> Case | None:
    """The open case of a rule for an object."""
    return _one(connection, "open_key = ?", _key(rule, object))


def open_of_rule(connection: Connection, rule: str) -> list[Case]:
    """The open cases of a rule, the oldest first."""
    rows = connection.execute(f"{_SELECT} WHERE rule = ? AND open_key IS NOT NULL ORDER BY id", (rule,)).fetchall()
    return [_case(row) for row in rows]


def listed(
    connection: Connection, wanted: CaseFilter, order: str = "newest", limit: int = 200, offset: int = 0
) -> tuple[list[Case], int]:
    """Cases and how many there are in all. `order`: newest, oldest, changed, urgent."""
    where, values = _where(wanted)
    (count,) = connection.execute(f"SELECT count(*) FROM work WHERE {where}", values).fetchone()
    rows = connection.execute(
        f"{_SELECT} WHERE {where} ORDER BY {_ORDER[order]} LIMIT ? OFFSET ?", (*values, limit, offset)
    ).fetchall()
    return [_case(row) for row in rows], int(count)


def counted(connection: Connection, wanted: CaseFilter) -> dict[str, int]:
    """How many cases by state."""
    where, values = _where(wanted)
    return dict(connection.execute(f"SELECT state, count(*) FROM work WHERE {where} GROUP BY state", values).fetchall())


def open_by_object(connection: Connection) -> dict[str, int]:
    """How many open cases each object has; those without one are left out."""
    return dict(
        connection.execute("SELECT object, count(*) FROM work WHERE open_key IS NOT NULL GROUP BY object").fetchall()
    )


def of_place(connection: Connection, text: str, limit: int = 10_000) -> list[Case]:
    """Cases whose place, object or title has this in it, as a street."""
    return listed(connection, CaseFilter(text=text), "oldest", limit)[0]


def years(connection: Connection) -> list[int]:
    """In which cases began, the newest first."""
    return [int(year) for (year,) in connection.execute("SELECT DISTINCT year FROM work ORDER BY year DESC").fetchall()]


def of_year(connection: Connection, year: int) -> list[tuple[Any, ...]]:
    """For the ledger: (rule, state, opened, taken, ended, escalated, recovered, ledger) of all cases that began in a
    year. Who did it is not asked: the ledger knows rules, not people."""
    rows = connection.execute(
        "SELECT rule, state, opened, taken, ended, escalated, recovered, ledger FROM work WHERE year = ? ORDER BY id",
        (year,),
    )
    return [(*row[:-1], json.loads(row[-1])) for row in rows.fetchall()]


def steps(connection: Connection, case: int) -> list[CaseStep]:
    """Of a case, in order."""
    rows = connection.execute(f"SELECT {', '.join(_STEP)} FROM work_step WHERE work = ? ORDER BY number", (case,))
    found = []
    for row in rows.fetchall():
        step = CaseStep(case, *row)
        found.append(step._replace(form=json.loads(row[6]), answers=json.loads(row[8])))
    return found


def put_steps(connection: Connection, changed: Iterable[CaseStep]) -> None:
    """New ones, or as they are now."""
    sets = ", ".join(f"{name} = excluded.{name}" for name in _STEP[1:])
    for step in changed:
        values = step._replace(form=_json(step.form), answers=_json(step.answers))  # type: ignore[arg-type]
        connection.execute(
            f"INSERT INTO work_step (work, {', '.join(_STEP)}) VALUES ({_marks(len(_STEP) + 1)})"
            f" ON CONFLICT (work, number) DO UPDATE SET {sets}",
            values,
        )


def used_steps(connection: Connection) -> dict[str, set[str]]:
    """Rule -> its steps that were done in any case; with an empty set where none was."""
    rows = connection.execute(
        "SELECT DISTINCT work.rule, CASE work_step.state WHEN 'done' THEN work_step.node END FROM work"
        " LEFT JOIN work_step ON work_step.work = work.id"
    ).fetchall()
    found: dict[str, set[str]] = {}
    for rule, node in rows:
        found.setdefault(rule, set()).update({node} - {None})
    return found


def add_note(connection: Connection, note: CaseNote) -> int:
    """Its id is given here."""
    names = ("work", *_NOTE[2:])
    (id,) = connection.execute(
        f"INSERT INTO work_note ({', '.join(names)}) VALUES ({_marks(len(names))}) RETURNING id", note[1:]
    ).fetchone()
    return int(id)


def notes(connection: Connection, case: int) -> list[CaseNote]:
    """Of a case, the oldest first."""
    return _notes(connection, "work = ?", case)


def note(connection: Connection, id: int) -> CaseNote | None:
    """One of them."""
    found = _notes(connection, "work_note.id = ?", id)
    return found[0] if found else None


def proposals(connection: Connection, rule: str = "", *, state: str = "open") -> list[tuple[CaseNote, Case]]:
    """What was done differently, with its case, of one rule or of all."""
    found = _notes(
        connection,
        "kind = 'differently' AND state = ?1 AND work IN (SELECT id FROM work WHERE ?2 = '' OR rule = ?2)",
        state,
        rule,
    )
    return [(one, case) for one in found if (case := get(connection, one.case)) is not None]


def put_note_state(connection: Connection, id: int, state: str) -> None:
    """Of a proposal: accepted or declined."""
    connection.execute("UPDATE work_note SET state = ? WHERE id = ?", (state, id))


def add_photo(
    connection: Connection, digest: str, kind: str, content: bytes, width: int, height: int, at: int, actor: str
) -> None:
    """`digest`: SHA-256 of content, hex; the same picture again changes nothing."""
    connection.execute(
        "INSERT INTO photo (digest, kind, content, width, height, at, actor) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (digest) DO NOTHING",
        (digest, kind, content, width, height, at, actor),
    )


def photo(connection: Connection, digest: str) -> tuple[str, bytes] | None:
    """(media type, content)."""
    row = connection.execute("SELECT kind, content FROM photo WHERE digest = ?", (digest,)).fetchone()
    return (row[0], bytes(row[1])) if row else None


def has_photo(connection: Connection, digest: str) -> bool:
    """Whether there is such a picture."""
    return connection.execute("SELECT 1 FROM photo WHERE digest = ?", (digest,)).fetchone() is not None


def add_silence(connection: Connection, silence: Silence) -> int:
    """Its id is given here."""
    (id,) = connection.execute(
        f"INSERT INTO silence ({', '.join(_SILENCE[1:])}) VALUES ({_marks(len(_SILENCE) - 1)}) RETURNING id",
        silence[1:],
    ).fetchone()
    return int(id)


def silences(connection: Connection, now: int | None = None) -> list[Silence]:
    """Those in force at `now` (ms UTC), the first to end first; None: all that ever were, the newest first."""
    select = f"SELECT {', '.join(_SILENCE)} FROM silence"
    if now is None:
        rows = connection.execute(f"{select} ORDER BY id DESC")
    else:
        rows = connection.execute(f"{select} WHERE since <= ?1 AND until > ?1 ORDER BY until, id", (now,))
    return [Silence(*row) for row in rows.fetchall()]


def silence(connection: Connection, id: int) -> Silence | None:
    """One of them."""
    row = connection.execute(f"SELECT {', '.join(_SILENCE)} FROM silence WHERE id = ?", (id,)).fetchone()
    return Silence(*row) if row else None


def end_silence(connection: Connection, id: int, until: int) -> None:
    """Before its time."""
    connection.execute("UPDATE silence SET until = ? WHERE id = ?", (until, id))


def silenced(connection: Connection, rule: str, object: str, now: int) -> Silence | None:
    """What keeps a rule from beginning a case for an object: the silence that holds longest. That of a device is its
    series' too."""
    row = connection.execute(
        f"SELECT {', '.join(_SILENCE)} FROM silence WHERE rule IN ('', ?2) AND object IN ('', ?3, ?4)"
        " AND since <= ?1 AND until > ?1 ORDER BY until DESC LIMIT 1",
        (now, rule, object, object.partition("/")[0]),
    ).fetchone()
    return Silence(*row) if row else None


def hold_back(connection: Connection, rule: str, object: str, verdict: Mapping[str, Any] | None) -> None:
    """What fired while it was silenced; None: it is over."""
    if verdict is None:
        connection.execute("DELETE FROM held_back WHERE rule = ? AND object = ?", (rule, object))
        return
    connection.execute(
        "INSERT INTO held_back (rule, object, verdict) VALUES (?, ?, ?)"
        " ON CONFLICT (rule, object) DO UPDATE SET verdict = excluded.verdict",
        (rule, object, _json(verdict)),
    )


def held_back(connection: Connection) -> list[dict[str, Any]]:
    """All that fired while silenced, and is not over."""
    return [
        json.loads(text)
        for (text,) in connection.execute("SELECT verdict FROM held_back ORDER BY rule, object").fetchall()
    ]


def _one(connection: Connection, where: str, *values: Any) -> Case | None:
    row = connection.execute(f"{_SELECT} WHERE {where}", values).fetchone()
    return _case(row) if row else None


def _case(row: Sequence[Any]) -> Case:
    id, year, running, *rest = row
    found = Case(id, f"{year}-{running}", *rest)
    return found._replace(event=json.loads(rest[-2]), ledger=json.loads(rest[-1]))


def _values(case: Case) -> list[Any]:
    values = [getattr(case, name) for name in _CASE]
    return [*values[:-2], _json(case.event), _json(case.ledger)]


def _open_key(case: Case) -> str | None:
    return _key(case.rule, case.object) if case.open else None


def _key(rule: str, object: str) -> str:
    return f"{rule} {object}"  # no rule's name has a space


def _notes(connection: Connection, where: str, *values: Any) -> list[CaseNote]:
    names = ", ".join(("id", "work", *_NOTE[2:]))
    rows = connection.execute(f"SELECT {names} FROM work_note WHERE {where} ORDER BY id", values).fetchall()
    return [CaseNote(*row) for row in rows]


def _where(wanted: CaseFilter) -> tuple[str, list[Any]]:
    parts, values = ["1 = 1"], list[Any]()

    def also(part: str, *more: Any) -> None:
        parts.append(part)
        values.extend(more)

    if wanted.states:
        also(f"state IN ({_marks(len(wanted.states))})", *wanted.states)
    if wanted.rule:
        also("rule = ?", wanted.rule)
    if wanted.object:
        also("object = ?", wanted.object)
    if wanted.desks:
        marks = _marks(len(wanted.desks))
        also(f"(desk IN ({marks}) OR deputy IN ({marks}))", *wanted.desks, *wanted.desks)
    if wanted.account:
        also("account = ?", wanted.account)
    if wanted.unassigned:
        also("account IS NULL")
    for word in wanted.text.lower().split()[:8]:
        searched = "lower(year || '-' || running || ' ' || title || ' ' || place || ' ' || object || ' ' || rule)"
        also(f"{searched} LIKE ? ESCAPE '!'", "%" + "".join("!" + c if c in "!%_" else c for c in word) + "%")
    for column, sign, moment in (
        ("opened", ">=", wanted.opened_from),
        ("opened", "<", wanted.opened_to),
        ("ended", ">=", wanted.ended_from),
        ("ended", "<", wanted.ended_to),
    ):
        if moment is not None:
            also(f"{column} {sign} ?", moment)
    return " AND ".join(parts), values


def _marks(count: int) -> str:
    return ", ".join("?" * count)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
