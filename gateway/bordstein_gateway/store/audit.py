"""The audit log: who did what when, append only.

Each line's hash covers the line before it, so that none can be changed or taken out without all after it being wrong.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..cases.types import AuditEntry
from .connection import Connection

START = "0" * 64
"""What the first line's hash covers in place of a line before."""
GATEWAY, COMMAND_LINE = "gateway", "command line"
"""Actors that are no accounts."""
_COLUMNS = "id, at, actor, action, subject, detail, hash"


class AuditRow(NamedTuple):
    """A line as it is stored: `detail` is the text that the hash covers."""

    id: int
    at: int
    actor: str
    action: str
    subject: str
    detail: str
    hash: str

    def entry(self) -> AuditEntry:
        """With its detail read."""
        return AuditEntry(*self[:5], json.loads(self.detail), self.hash)


def enter(
    connection: Connection, at: int, actor: str, action: str, subject: str, detail: Mapping[str, Any] | None = None
) -> int:
    """Add a line in the transaction of what it tells of; its id. `at`: ms UTC. `subject`: "case 17", "sheet bin-full".

    No secret, no password and no token belongs in `detail`.
    """
    last, before = connection.execute("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1").fetchone() or (0, START)
    text = json.dumps(_plain(detail or {}), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    row = (int(last) + 1, at, _storable(actor), _storable(action), _storable(subject), _storable(text))
    connection.execute(
        f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, hash_of(str(before), *row))
    )
    return row[0]


def hash_of(before: str, id: int, at: int, actor: str, action: str, subject: str, detail: str) -> str:
    """SHA-256 over the hash of the line before and this line as a JSON array without spaces, in UTF-8; hex."""
    line = json.dumps([id, at, actor, action, subject, detail], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256((before + line).encode()).hexdigest()


def rows(connection: Connection, after: int = 0, limit: int = 1000) -> list[AuditRow]:
    """Lines in their order."""
    found = connection.execute(f"SELECT {_COLUMNS} FROM audit WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
    return [AuditRow(*row) for row in found.fetchall()]


def between(
    connection: Connection, from_ms: int, to_ms: int, subjects: Sequence[str] = (), after: int = 0, limit: int = 1000
) -> list[AuditRow]:
    """Lines of a time in their order, from an id on; `subjects`: of these only, all when empty."""
    where = f" AND subject IN ({', '.join('?' * len(subjects))})" if subjects else ""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM audit WHERE id > ? AND at >= ? AND at < ?{where} ORDER BY id LIMIT ?",
        (after, from_ms, to_ms, *subjects, limit),
    )
    return [AuditRow(*row) for row in found.fetchall()]


def newest(connection: Connection, count: int, before: int | None = None, subject: str = "") -> list[AuditRow]:
    """The newest first; `before`: an id, to go on from; `subject`: of this one, or where it ends in a space of all that
    begin so ("case ")."""
    where, values = ["1 = 1"], list[Any]()
    if before is not None:
        where.append("id < ?")
        values.append(before)
    if subject:
        where.append("subject >= ? AND subject < ?" if subject.endswith(" ") else "subject = ?")
        values += [subject, subject[:-1] + "!"] if subject.endswith(" ") else [subject]
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM audit WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?", (*values, count)
    )
    return [AuditRow(*row) for row in found.fetchall()]


def _plain(value: Any) -> Any:
    """What JSON can say."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _storable(text: str) -> str:
    """Without what a database would refuse or change: then the hash would not be that of what is stored."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace").decode()
