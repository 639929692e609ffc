"""What there is: cases, steps, notes, silences, proposals."""

from collections.abc import Sequence
from typing import NamedTuple

from ..store import audit
from ..store import cases as rows
from ..store.cases import CaseFilter
from .keeping import Keeping, subject
from .types import AuditEntry, Case, CaseNote, CaseStep, Silence


class Whole(NamedTuple):
    """A case with all that belongs to it. `history`: what the audit log says of it, the oldest first."""

    case: Case
    steps: list[CaseStep]
    notes: list[CaseNote]
    history: list[AuditEntry]


class Looking(Keeping):
    """The reading part of Cases. All may wait for the database."""

    def get(self, id: int) -> Case | None:
        """One case."""
        with self._store.database.reading() as connection:
            return rows.get(connection, id)

    def by_number(self, number: str) -> Case | None:
        """One case by what people call it, "2026-17"."""
        with self._store.database.reading() as connection:
            return rows.by_number(connection, number)

    def whole(self, id: int) -> Whole | None:
        """With steps, notes and history."""
        with self._store.database.reading() as connection:
            case = rows.get(connection, id)
            if case is None:
                return None
            history = [row.entry() for row in reversed(audit.newest(connection, 500, subject=subject(id)))]
            return Whole(case, rows.steps(connection, id), rows.notes(connection, id), history)

    def list(
        self, wanted: CaseFilter | None = None, *, order: str = "newest", limit: int = 200, offset: int = 0
    ) -> tuple[Sequence[Case], int]:
        """Cases and how many there are in all. `order`: newest, oldest, changed, urgent."""
        with self._store.database.reading() as connection:
            return rows.listed(connection, wanted or CaseFilter(), order, limit, offset)

    def counts(self, wanted: CaseFilter | None = None) -> dict[str, int]:
        """How many by state."""
        with self._store.database.reading() as connection:
            return rows.counted(connection, wanted or CaseFilter())

    def silences(self, *, ended: bool = False) -> Sequence[Silence]:
        """Those in force, the first to end first; `ended`: all there ever were, the newest first."""
        with self._store.database.reading() as connection:
            return rows.silences(connection, None if ended else self._now())

    def proposals(self, rule: str = "") -> Sequence[tuple[CaseNote, Case]]:
        """What was done in another way than the sheet says and nobody has decided on, with its case."""
        with self._store.database.reading() as connection:
            return rows.proposals(connection, rule)

    def picture(self, digest: str) -> tuple[str, bytes] | None:
        """A photo: its media type and content."""
        with self._store.database.reading() as connection:
            return rows.photo(connection, digest)

    def benefit(self, id: int) -> dict[str, float]:
        """What the sheet proposes that a case saves: trips, minutes."""
        case = self.get(id)
        sheet = self._sheet(case.rule) if case else None
        if sheet is None:
            return {"trips": 0.0, "minutes": 0.0}
        return {"trips": float(sheet.benefit.trips), "minutes": float(sheet.benefit.minutes)}
