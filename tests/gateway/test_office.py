"""The office as the service runs it: from a file and a reading to a case and a mail; and nothing where nothing is."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from bordstein_gateway.decode.normalise import Pack, Reading
from bordstein_gateway.office import Office
from bordstein_gateway.procedures.progress import Errand
from bordstein_gateway.status import ServiceState
from bordstein_gateway.store import Arrival, Store, errands
from bordstein_gateway.store import procedures as kept
from bordstein_gateway.store.connection import Connection
from bordstein_gateway.texts import said
from bordstein_gateway.web.metrics import Metrics
from tests.gateway.errands_town import Mailbox
from tests.gateway.rule_town import BIN, settings, write

PATIENCE_S = 120
HEAVY = ("SpiffWorkflow", "cel_expr_python", "holidays", "astral", "lxml", "PIL")
_NOTHING = f"""
import asyncio, sys
from pathlib import Path
from bordstein_gateway.status import ServiceState
from bordstein_gateway.store import Store
from bordstein_gateway.web import app
from tests.gateway.rule_town import settings

async def run(state):
    task = asyncio.create_task(state.office.run())
    await asyncio.to_thread(state.office._wanted)
    state.office.stop()
    await task

folder = Path(sys.argv[1])
state = ServiceState(settings(folder), Store.open(folder / "bordstein.sqlite"))
app.app(state)
asyncio.run(run(state))
print([name for name in {HEAVY} if name in sys.modules], state.office.problems())
"""


def measure(store: Store, seq: int, value: float) -> None:
    """Now."""
    now = int(time.time() * 1000)
    pack = Pack(BIN, 1, seq, False, "set", [Reading("bin/fill_level", now, value, "/", 0)])
    store.write([Arrival(BIN, "", b"", pack)], now_ms=now)


async def until(true: Callable[[], bool], office: "asyncio.Task[None]") -> None:
    """Wait; the office has to go on meanwhile."""
    end = time.monotonic() + PATIENCE_S
    while not await asyncio.to_thread(true):
        assert not office.done(), office
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


def test_a_file_and_a_reading_become_a_case_a_mail_and_an_end(tmp_path: Path) -> None:
    mail = {"host": "127.0.0.1", "tls": "none", "sender": "sensoren@musterstadt.example"}
    with Mailbox() as mailbox, closing(Store.open(tmp_path / "bordstein.sqlite")) as store:
        config = settings(
            tmp_path,
            mail={**mail, "port": mailbox.port},
            desk={
                "depot": {"title": "Bauhof", "mail": "bauhof@musterstadt.example"},
                "office": {"title": "Ordnungsamt"},
            },
        )
        state = ServiceState(config, store)
        office: Office = state.office

        async def day() -> None:
            running = asyncio.create_task(office.run())
            write(config)
            await until(lambda: "bin-full" in office.shelf.sheets() and office.live.status.rules == 1, running)
            for seq in range(2):  # the first one after a board's start is not believed alone
                measure(store, seq, 0.9)
            await until(lambda: bool(mailbox.mails), running)
            (case,), _ = office.cases.list()
            assert case.title == "Papierkorb voll" and case.number in mailbox.mails[0]["Subject"]
            assert b'bordstein_cases{state="new"} 1.0' in (await asyncio.to_thread(Metrics(state).page))[0]
            for seq in range(2, 4):
                measure(store, seq, 0.1)
            await until(lambda: (office.cases.get(case.id) or case).recovered is not None, running)
            await until(
                lambda: "notified" in [entry.action for entry in (office.cases.whole(case.id) or [[]] * 4)[3]], running
            )
            assert office.problems() == []
            office.stop()
            await running

        asyncio.run(day())


def test_what_another_system_does_not_take_is_a_problem_of_the_gateway(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path / "bordstein.sqlite")) as store:
        config = settings(tmp_path)
        office: Office = ServiceState(config, store).office
        errand = Errand("2026-1/order", "order", "order", "webhook", "city", {})
        reason = {"reason": "nobody answers", "german": "keine Antwort"}

        def job(connection: Connection) -> None:
            kept.order(connection, errand, None, 0)
            for _ in range(4):
                errands.failed(connection, errand.key, 1 << 60, reason, 0)

        store.submit(job).result()

        async def look() -> None:
            running = asyncio.create_task(office.run())
            await until(lambda: bool(office.problems()), running)
            office.stop()
            await running

        asyncio.run(look())
        (problem,) = office.problems()
        assert problem == "Errands to other systems that do not succeed: 1, the oldest because: nobody answers."
        assert "keine Antwort" in said(problem, "de")


def test_where_there_is_no_rule_nothing_heavy_is_loaded(tmp_path: Path) -> None:
    run = subprocess.run([sys.executable, "-c", _NOTHING, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (run.stdout, run.returncode) == ("[] []\n", 0), run.stderr
