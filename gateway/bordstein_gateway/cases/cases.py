"""Cases: what verdicts and people make of them. Each change and its audit entries are one commit.

    cases.verdict(verdict, in_force)        what a rule says (verdicts.py)
    cases.take(id, actor), tick_off(…), …   what somebody does: a Future of the case as it is then (working.py)
    cases.silence(…), end_silence(…)        (silencing.py)
    cases.get(id), list(…), whole(id), …    what there is (looking.py)
    cases.wake(), answered(key, ok, …)      what time and other systems do (running.py)

A Future raises CaseProblem where it was not done: its sentence is for people. Who may do what is the pages' business.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import structlog

from ..store import StoreError
from ..store import cases as rows
from ..store import procedures as kept
from ..store.connection import Connection
from .keeping import InForce, Shelf
from .looking import Whole
from .silencing import Silencing
from .states import CaseProblem
from .steps import AnswersWrong
from .working import Working

__all__ = ["AnswersWrong", "CaseProblem", "Cases", "InForce", "Shelf", "Whole"]
_log = structlog.get_logger(__name__)


class Cases(Working, Silencing):
    """A town's cases. Any thread."""

    def wake(self) -> int:
        """Do what time has made due: timers of procedures, silences that have ended. How much it was. StoreError.

        May wait for the database and load the engine: not in the event loop's thread.
        """
        now, sheets = self._now(), self._shelf.sheets()
        with self._store.database.reading() as connection:
            due = kept.due(connection, now)
            held = any(
                rows.silenced(connection, one["rule"], one["object"], now) is None for one in rows.held_back(connection)
            )
        for id in due:
            self._alone(partial(self._woken, id=id, sheets=sheets, now=now), f"case {id}")
        begun = self._alone(partial(self._begun, sheets=sheets, now=now), "silences") if held else 0
        return len(due) + int(begun or 0)

    def _alone(self, job: Callable[[Connection], Any], what: str) -> Any:
        """A mistake with one case keeps no other one from what is due."""
        try:
            return self._store.submit(job).result()
        except StoreError:
            raise
        except Exception:  # noqa: BLE001  (whatever a case is made of, the others go on)
            _log.exception("a mistake in the program", part=what)
        return None

    def busy(self) -> bool:
        """Whether a procedure runs or an errand is due."""
        with self._store.database.reading() as connection:
            return kept.busy(connection)

    def load(self) -> None:
        """Load the engine, so that no commit has to wait for it."""
        from ..procedures import run

        _ = run, self.procedures

    def _woken(self, connection: Connection, *, id: int, sheets: Mapping[str, Any], now: int) -> None:
        self._wake(connection, id, sheets, now)

    def _begun(self, connection: Connection, *, sheets: Mapping[str, Any], now: int) -> int:
        return self._let_begin(connection, sheets, now)
