"""The audit log as evidence: whether it is whole, and what it says of a street, a case and a time."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from ..forward.times import zulu
from ..store import Store
from ..store import audit as lines
from ..store import cases as rows
from ..store.audit import START, AuditRow
from ..texts import Sentence, both
from ..web.spreadsheets import no_formula

COLUMNS = ("id", "time", "actor", "action", "subject", "case", "place", "title", "detail", "hash")
END = 1 << 62
_PAGE = 1000
_SUBJECTS = 500


class Checked(NamedTuple):
    """`newest`: the last line's hash, to be noted where nobody can change it. `broken`: the first line that is wrong,
    and how; None: the chain is whole. `expected`: the line with the hash that was noted; None: none was given."""

    lines: int
    newest: str
    broken: Sentence | None
    expected: int | None


def verify(store: Store, expect: str = "") -> Checked:
    """Walk the chain from its first line. `expect`: a hash noted before, which has to be in it. StoreError."""
    count, before, expected, broken = 0, START, None, None
    for row in _all(store):
        problem = _wrong(row, count, before)
        if problem is not None:
            broken = problem
            break
        count, before = count + 1, row.hash
        if expect and row.hash == expect.lower():
            expected = row.id
    if broken is None and expect and expected is None:
        broken = both(
            f"Die notierte Prüfsumme {expect[:12]}… ist keine dieses Protokolls: am Ende fehlen Zeilen, oder es wurde "
            "neu geschrieben.",
            f"The hash {expect[:12]}… that was noted is none of this log: lines are missing at its end, or it was "
            "written anew.",
        )
    return Checked(count, before if count else "", broken, expected)


def entries(
    store: Store, from_ms: int = 0, to_ms: int = END, *, subject: str = "", place: str = ""
) -> Iterator[dict[str, str]]:
    """Lines of a time, each with COLUMNS, in their order. `subject`: of "case 17" or a case's number, "sheet bin-full",
    …; `place`: of cases there, as a street. StoreError."""
    known: dict[str, tuple[str, str, str]] = {}
    subjects = _subjects(store, subject, place)
    if subjects is None:
        return
    for row in _between(store, from_ms, to_ms, subjects):
        if row.subject not in known:
            known[row.subject] = _about(store, row.subject)
        number, where, title = known[row.subject]
        yield dict(
            zip(
                COLUMNS,
                (
                    *(str(row.id), zulu(row.at), row.actor, row.action, row.subject),
                    *(number, where, title, row.detail, row.hash),
                ),
                strict=True,
            )
        )


def written(found: Iterator[dict[str, str]], form: Literal["csv", "jsonl"]) -> Iterator[str]:
    """As a file has it, line by line."""
    if form == "csv":
        yield _csv(COLUMNS)
    for entry in found:
        if form == "csv":
            yield _csv([no_formula(value) for value in entry.values()])
        else:
            yield json.dumps({**entry, "detail": json.loads(entry["detail"])}, ensure_ascii=False) + "\n"


def _csv(values: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(values)
    return out.getvalue()


def _all(store: Store) -> Iterator[AuditRow]:
    after = 0
    while True:
        with store.database.reading() as connection:
            found = lines.rows(connection, after, _PAGE)
        yield from found
        if len(found) < _PAGE:
            return
        after = found[-1].id


def _between(store: Store, from_ms: int, to_ms: int, subjects: Sequence[str]) -> Iterator[AuditRow]:
    after = 0
    while True:
        with store.database.reading() as connection:
            found = lines.between(connection, from_ms, to_ms, subjects, after, _PAGE)
        yield from found
        if len(found) < _PAGE:
            return
        after = found[-1].id


def _subjects(store: Store, subject: str, place: str) -> list[str] | None:
    """The log's own; empty: all; None: there is none."""
    wanted: list[str] = []
    with store.database.reading() as connection:
        if subject:
            case = rows.by_number(connection, subject.removeprefix("case ").strip())
            wanted.append(subject if case is None else f"case {case.id}")
        if place:
            there = [f"case {case.id}" for case in rows.of_place(connection, place, _SUBJECTS)]
            wanted = [one for one in there if not wanted or one in wanted]
    return wanted if wanted or not (subject or place) else None


def _about(store: Store, subject: str) -> tuple[str, str, str]:
    kind, _, id = subject.partition(" ")
    if kind != "case" or not id.isdecimal() or len(id) > 18:
        return "", "", ""
    with store.database.reading() as connection:
        case = rows.get(connection, int(id))
    return ("", "", "") if case is None else (case.number, case.place, case.title)


def _wrong(row: AuditRow, count: int, before: str) -> Sentence | None:
    when = zulu(row.at)
    if row.id != count + 1:
        return both(
            f"Vor Zeile {row.id} ({when}) fehlen Zeilen: es ist die {count + 1}. des Protokolls.",
            f"Lines are missing before line {row.id} ({when}): it is number {count + 1} of the log.",
        )
    if lines.hash_of(before, *row[:-1]) != row.hash:
        return both(
            f"Zeile {row.id} ({when}, {row.actor}: {row.action}, {row.subject}) ist nicht, was geschrieben wurde.",
            f"Line {row.id} ({when}, {row.actor}: {row.action}, {row.subject}) is not what was written.",
        )
    return None
