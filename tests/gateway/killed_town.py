"""A town hall that dies: goes through a case's whole procedure and kills itself before and after each of its commits.

    python -m tests.gateway.killed_town SETTINGS

SETTINGS: JSON, {"folder": …, "sections": {gateway.toml's}, "sheets": {name: sheet}}. Each sheet's procedure is gone
through twice: by one process in peace, and by as many as it takes, each of which dies at its first commit, one before
it and the next one after it. Then a line of JSON on standard output: {"sheet", "lives", "state", "steps": [[node,
state], …], "actions": [of the audit log], "errands": [[key, state], …]}. Forking spares the start: this process has
loaded all that is needed, and has no thread but its own.
"""

import asyncio
import json
import os
import signal
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from bordstein_gateway.config.config import Config
from bordstein_gateway.errands.runner import Runner
from bordstein_gateway.rules.sheet import Sheet
from bordstein_gateway.store import Store, errands
from tests.gateway.case_town import Hall, Law

ANSWERS = {"boolean": True, "number": 3.0, "text": "x", "photo": ""}
NEVER = 1_000_000
KINDS = ("open311", "webhook", "engine", "ngsi_ld", "mail")
LOADED = ("procedures.run", "procedures.procedures", *(f"errands.{kind}" for kind in KINDS))


class Mortal(Store):
    """Dies at one edge of a commit: 2n before the n-th, 2n + 1 after it."""

    dies = NEVER
    edges = 0

    def _commit(self, *arguments: Any) -> Any:
        self._edge()
        answer = super()._commit(*arguments)
        self._edge()
        return answer

    def _edge(self) -> None:
        if self.edges == self.dies:
            os.kill(os.getpid(), signal.SIGKILL)
        self.edges += 1


def opened(settings: dict[str, Any], name: str, run: str) -> Hall:
    """The town hall with the store of this run."""
    sections = {**settings["sections"], "gateway": {"data": settings["folder"], "name": f"{name}-{run}"}}
    store = Mortal.open(Path(settings["folder"]) / f"{name}-{run}.sqlite")
    law = Law(msgspec.convert(settings["sheets"][name], Sheet), 1)
    return Hall(store, msgspec.convert(sections, Config), law, rule=name)


async def through(office: Hall) -> None:
    """Whatever is to be done is done, until there is nothing left."""
    case = next(iter(office.cases.list()[0]), None)
    id = case.id if case is not None else office.fires()
    assert id is not None
    while True:
        office.cases.wake()
        runner = Runner(office.config, office.store, office.cases.answered, clock=lambda: office.now / 1000)
        called = await runner.turn()
        await runner.close()
        whole = office.cases.whole(id)
        assert whole is not None
        ready = next((step for step in whole.steps if step.state == "ready"), None)
        if ready is not None and whole.case.open:
            office.cases.tick_off(id, ready.number, "eva", _answers(ready.form)).result()
        elif not called:
            due = _next(office)
            if due is None:
                break
            office.now = max(office.now, due)
        office.now += 1000
    case = office.cases.get(id)
    if case is not None and case.open:
        office.cases.done(id, "eva").result()


def _answers(form: list[dict[str, Any]]) -> dict[str, Any]:
    given = {}
    for field in form:
        kind = field["type"]
        if kind == "choice":
            choice = field["choices"][0]
            given[field["name"]] = choice if isinstance(choice, str) else choice["de"]
        elif kind != "photo":
            given[field["name"]] = ANSWERS[kind]
    return given


def _next(office: Hall) -> int | None:
    with office.store.database.reading() as connection:
        return errands.next_due(connection)


def report(office: Hall, name: str, lives: int) -> None:
    (case,), _ = office.cases.list()
    whole = office.cases.whole(case.id)
    assert whole is not None
    with office.store.database.reading() as connection:
        ordered = connection.execute("SELECT key, state FROM errand ORDER BY key").fetchall()
    line = {
        "sheet": name,
        "lives": lives,
        "state": case.state,
        "steps": [[step.node, step.state] for step in whole.steps],
        "actions": [entry.action for entry in whole.history],
        "errands": [list(row) for row in ordered],
    }
    print(json.dumps(line), flush=True)


def forked(settings: dict[str, Any], name: str, run: str, lives: int, dies: int) -> bool:
    """One life; whether it got to the end, and then it has told what there is."""
    child = os.fork()
    if child:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status in (0, -signal.SIGKILL), status
        return status == 0
    status = 1
    try:
        office = opened(settings, name, run)
        office.store.dies = dies  # type: ignore[attr-defined]
        asyncio.run(through(office))
        report(office, name, lives)
        office.store.close()
        status = 0
    except BaseException:  # noqa: BLE001  (it must not get into the parent's code)
        traceback.print_exc()
    finally:
        os._exit(status)


def main() -> int:
    settings = json.loads(Path(sys.argv[1]).read_text())
    for part in LOADED:
        import_module(f"bordstein_gateway.{part}")
    for name in settings["sheets"]:
        assert forked(settings, name, "peace", 1, NEVER)
        lives = 1
        while not forked(settings, name, "war", lives, (lives + 1) % 2):
            lives += 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
