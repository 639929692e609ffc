"""A board updates itself over MQTT and TLS, with the real firmware, broker and gateway, and loses no reading by it."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bordstein_gateway.store import Store
from bordstein_tools.keys import signing
from tests import warm
from tests.hardware.micropython import HARDWARE, command, compiled_hardware, interpreter_of_32_bits
from tests.hardware.scenarios import BOARDS
from tests.street.boards import Board
from tests.street.processes import until
from tests.street.street import Street
from tests.street.test_memory import HEAP
from tools.dev.mpy import compile_to
from tools.dev.release import files

SIGNED = 2_000_000_000


class Works:
    """Where releases are made, and a street with one board that has the old software on its flash."""

    def __init__(self, folder: Path, run: list[str]) -> None:
        self.folder = folder
        self.key = signing.create(folder / "signing", None)
        firmware = folder / "firmware"
        firmware.mkdir()
        dict(compile_to(firmware, "0.1.0"))
        self.street = Street(
            folder / "street",
            BOARDS[:1],
            run=run,
            firmware=firmware,
            on_flash=True,
            files={"release.pub": folder / "signing" / "release.pub"},
        )
        self.board: Board = self.street.boards[0]

    @property
    def log(self) -> str:
        return self.board.process.log.read_text()

    def publish(self, version: str, content: dict[str, bytes]) -> None:
        pack = self.folder / f"{version}.pack"
        pack.write_bytes(signing.pack(content, self.key, version=version, floor="0.1.0", date=SIGNED))
        self.command("publish", pack, "--percent", 100)

    def command(self, *words: object) -> str:
        """What a command says beside the running gateway."""
        done = warm.run("bordstein-gateway", "release", *words, "--config", self.street.gateway.config)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def order(self) -> dict[str, Any]:
        """The newest order as `release status` shows it."""
        order: dict[str, Any] = json.loads(self.command("status", "--json").splitlines()[-1])
        return order

    def comes_to(self, state: str, seconds: float) -> bool:
        """Waits until the newest order counts its board there: under_way, done, failed. Asks the store, not the
        command, whose start takes a third of a processor second each time."""
        with contextlib.closing(Store.open(self.street.gateway.store)) as store:
            return until(lambda: getattr(store.rollouts()[-1], state) == 1, seconds, 0.1)

    def measures(self, more: int = 10) -> bool:
        """Waits until the board has taken so many more readings."""
        flight = self.street.flights[self.board.device]
        flight.read()
        wanted = flight.taken + more
        return until(lambda: flight.read() or flight.taken >= wanted or self.board.crash, 60, 0.2)

    def whole(self) -> None:
        """Nothing was lost, doubled, changed or made up."""
        assert self.street.finish(60), "not everything arrived"
        verdict = self.street.verdict()
        assert verdict.whole, "\n".join(verdict.sentences())


@pytest.fixture
def works(tmp_path: Path) -> Iterator[Works]:
    works = Works(tmp_path, [])
    with works.street:
        yield works


def test_a_board_updates_itself_in_the_memory_of_an_esp32_and_loses_no_reading(tmp_path: Path) -> None:
    interpreter = interpreter_of_32_bits()
    run = command(HARDWARE / "board.py")
    if interpreter:
        run = [interpreter, "-X", f"heapsize={HEAP}", str(compiled_hardware(tmp_path / "hardware"))]
    works = Works(tmp_path, run)
    with works.street:
        assert works.measures()
        # A byte behind the code that nobody reads: what the old software has in common with the new is not fetched.
        works.publish("0.2.0", {name: data + b"\0" for name, data in files("0.2.0").items()})
        assert works.comes_to("done", 120), works.log[-3000:]
        assert "bordstein 0.2.0" in works.log and "MemoryError" not in works.log
        assert works.measures() and works.order()["state"] == "finished"
        works.whole()


def test_a_release_that_does_not_run_goes_back_by_itself_and_loses_no_reading(works: Works) -> None:
    assert works.measures()
    works.publish("0.2.0", {**files("0.2.0"), "bordstein/app.mpy": b"no byte code"})
    assert works.comes_to("failed", 120), works.log[-3000:]
    (board,) = [json.loads(line) for line in works.command("status", works.order()["order"], "--json").splitlines()]
    assert board["state"] == "failed" and "receipt" in board["reason"]
    assert works.log.rindex("bordstein 0.1.0") > works.log.rindex("release 0.2.0 is tried")
    assert works.measures()
    works.whole()


def test_an_update_goes_on_after_power_cuts_and_killed_servers(works: Works) -> None:
    assert works.measures()
    works.publish("0.2.0", {name: data + b"\0" for name, data in files("0.2.0").items()})
    for server in (works.street.gateway, works.street.broker):
        assert works.comes_to("under_way", 60)
        works.board.cut_power()
        server.kill()
        works.board.power_on()
        server.start()
    assert works.comes_to("done", 120), works.log[-3000:]
    assert "bordstein 0.2.0" in works.log and works.measures()
    works.whole()
