"""What all parts of Cases share: how a case changes in the store, with its line of the audit log."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

from ..boards.stations import Stations
from ..config.config import Config
from ..procedures.progress import Errand
from ..rules.sheet import Sheet
from ..rules.verdict import Verdict
from ..store import Store, audit
from ..store import cases as rows
from ..store import procedures as procedure_rows
from ..store.connection import Connection
from . import notices
from .states import CaseProblem
from .types import Case


class InForce(Protocol):
    """A sheet and which version of it, as rules/shelf.py has it."""

    @property
    def sheet(self) -> Sheet | None: ...
    @property
    def version(self) -> int: ...


class Shelf(Protocol):
    """The sheets in force."""

    def sheets(self) -> Mapping[str, Any]: ...


class Keeping:
    """The base of Cases. Any thread."""

    def __init__(
        self,
        config: Config,
        store: Store,
        shelf: Shelf,
        stations: Stations | None = None,
        *,
        now: Callable[[], int] = lambda: int(time.time() * 1000),
    ) -> None:
        """`now`: ms UTC."""
        self._config = config
        self._store = store
        self._shelf = shelf
        self._stations = stations or Stations(config.devices, store)
        self._now = now

    def _sheet(self, rule: str) -> Sheet | None:
        """In force now. Not in a job: it may look at files."""
        found = self._shelf.sheets().get(rule)
        return None if found is None else found.sheet

    def _change(
        self,
        id: int,
        actor: str,
        action: str,
        change: Callable[[Connection, Case, int], Case],
        detail: Mapping[str, Any] | None = None,
    ) -> "Future[Case]":
        """One commit; a change that changes nothing leaves no trace."""
        now = self._now()

        def job(connection: Connection) -> Case:
            case = there(connection, id)
            after = change(connection, case, now)
            if after != case:
                if after.open and not case.open:
                    _only_one(connection, case)
                self._put(connection, after, actor, action, detail or {})
            return after

        return self._store.submit(job)

    def _put(self, connection: Connection, case: Case, actor: str, action: str, detail: Mapping[str, Any]) -> None:
        rows.put(connection, case)
        audit.enter(connection, case.changed, actor, action, subject(case.id), {"state": case.state, **detail})

    def _tell(
        self,
        connection: Connection,
        case: Case,
        sheet: Sheet | None,
        told: notices.Told,
        desks: Sequence[str],
        now: int,
    ) -> None:
        """Mail and webhook to desks, once for what has happened."""
        self._order(connection, case.id, notices.notices(self._config, case, sheet, told, desks), now)

    def _order(self, connection: Connection, case: int | None, ordered: Sequence[Errand], now: int) -> None:
        for errand in ordered:
            procedure_rows.order(connection, errand, case, now)


def there(connection: Connection, id: int) -> Case:
    """The case; CaseProblem."""
    case = rows.get(connection, id)
    if case is None:
        raise CaseProblem(f"Einen Vorgang {id} gibt es nicht.", f"There is no case {id}.")
    return case


def subject(id: int) -> str:
    """What the audit log calls a case."""
    return f"case {id}"


def seen(verdict: Verdict) -> dict[str, Any]:
    """What the audit log keeps of a verdict."""
    return {"time": verdict.time, "stage": verdict.stage, "signals": verdict.signals, "devices": verdict.devices}


def failed(problem: CaseProblem) -> "Future[Any]":
    """A Future of what could not be done."""
    future: Future[Any] = Future()
    future.set_exception(problem)
    return future


def _only_one(connection: Connection, case: Case) -> None:
    newer = rows.open_of(connection, case.rule, case.object)
    if newer is not None:
        raise CaseProblem(
            f"Für {case.place} ist inzwischen Vorgang {newer.number} offen; dort weitermachen.",
            f"For {case.place} case {newer.number} is open by now; go on there.",
        )
