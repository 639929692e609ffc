"""A case's procedure: begun with it, brought on with each step in the same commit, stopped where the case ends before.

The engine is pure (procedures/run.py): a state in, a Progress out. What it says becomes rows here: steps for people,
errands for other systems, the time at which to wake it.
"""

from collections.abc import Mapping
from typing import Any

from ..rules.sheet import Sheet
from ..store import cases as rows
from ..store.connection import Connection
from . import steps
from .looking import Looking
from .types import Case, CaseStep


class Running(Looking):
    """The part of Cases for procedures."""

    def _begin(self, connection: Connection, case: Case, sheet: Sheet, now: int) -> None:
        rows.put_steps(connection, [step._replace(state="ready") for step in steps.planned(case, sheet)])

    def _complete(
        self, connection: Connection, case: Case, step: CaseStep, answers: Mapping[str, Any], now: int
    ) -> None:
        """A step was done, and is stored as such."""

    def _hear(self, connection: Connection, case: Case, message: str, data: Mapping[str, Any], now: int) -> None:
        """Tell the procedure; where nothing waits for it, nothing happens."""

    def _stop(self, connection: Connection, case: Case, now: int, *, keep_errands: bool = False) -> None:
        """The case has ended: what was to be done is not any more. `keep_errands`: what was ordered still is."""
        rows.put_steps(
            connection,
            [
                step._replace(state="skipped", at=now)
                for step in rows.steps(connection, case.id)
                if step.state == "ready"
            ],
        )

    def _resume(self, connection: Connection, case: Case, now: int) -> None:
        """The case is open again: what it stopped at is to be done again."""
        rows.put_steps(
            connection,
            [
                step._replace(state="ready", at=None)
                for step in rows.steps(connection, case.id)
                if step.state == "skipped" and step.at is not None
            ],
        )
