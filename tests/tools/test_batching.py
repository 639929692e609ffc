"""A port that boards are moved at: who notices it, and whose software goes on."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from bordstein_tools.batch import swapping
from bordstein_tools.batch.assigning import Book
from bordstein_tools.batch.batching import Batch, Bench
from bordstein_tools.batch.protocol import Protocol
from bordstein_tools.batch.rows import Row
from bordstein_tools.board import ports
from bordstein_tools.texts import Problem
from tests.hardware.usb import UsbBoard
from tests.street import van
from tests.street.processes import until


@pytest.fixture
def board(tmp_path: Path) -> Iterator[UsbBoard]:
    """One with MicroPython and nothing else."""
    van.with_micropython(tmp_path)
    with van.board_on_a_cable(tmp_path) as board:
        yield board
        if board.unplugged.is_set():
            board.plug()


def noticed(kept: swapping.Kept, cause: Callable[[], object], seconds: float = 30) -> bool | None:
    """What same() says after the cause; None: nothing for so long."""
    said: list[bool] = []
    stopped = threading.Event()
    waiting = threading.Thread(target=lambda: said.append(kept.same(stopped)))
    waiting.start()
    cause()
    waiting.join(seconds)
    found = said[0] if said else None
    stopped.set()
    waiting.join()
    kept.close()
    return found


def test_a_cable_that_is_pulled_and_a_board_that_starts_are_noticed(
    board: UsbBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swapping, "_SETTLES_S", 0)
    assert noticed(swapping.Kept(board.url), lambda: None, 1) is None
    assert noticed(swapping.Kept(board.url), board.press_reset) is False
    assert noticed(swapping.Kept(board.url), board.unplug) is False
    assert not swapping.there(board.url)
    with pytest.raises(Problem):
        swapping.Kept(board.url)


def test_one_that_starts_again_and_again_is_to_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swapping, "_SETTLES_S", 0.5)
    monkeypatch.setattr(swapping, "_LOOK_S", 1)
    with van.board_on_a_cable(tmp_path) as blank:
        assert noticed(swapping.Kept(blank.url), lambda: None) is True


def test_without_ports_it_takes_all_that_look_like_boards_and_lets_one_run_that_gets_no_row(
    board: UsbBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: list[ListPortInfo] = []
    monkeypatch.setattr(list_ports, "comports", lambda: there)

    def misfit(row: Row, chip: str) -> object:
        raise Problem(f"{row.asset} ist kein {chip}.", f"{row.asset} is no {chip}.")

    said: list[str] = []
    with Protocol(tmp_path / "p.jsonl") as protocol:
        book = Book([Row(2, "BS-1")], protocol)
        batch = Batch(book, misfit, [], lambda bench: said.append(f"{bench.port} {bench.text}"))  # type: ignore[arg-type]
        run = threading.Thread(target=batch.run)
        run.start()
        try:
            assert until(lambda: batch._last, 60) and not batch.benches
            port = ListPortInfo(board.url)
            port.vid = next(iter(ports.MAKERS))
            there.append(port)
            assert until(lambda: board.starts == 2, 60), said
            assert said == [f"{board.url} BS-1 ist kein esp32. Das Kabel auf das nächste Gerät stecken."]
            board.unplug()
            assert until(lambda: len(said) == 2, 60) and "Auf ein Gerät warten" in said[1]
        finally:
            batch.stop()
            run.join()
    assert book.count("open") == 1 and not protocol.found and list(batch.benches) == [board.url]


def test_a_board_whose_port_comes_back_under_another_name_stays_with_its_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed(device: str, serial_number: str) -> ListPortInfo:
        port = ListPortInfo(device)
        port.vid, port.serial_number = 0x303A, serial_number
        return port

    there = [listed("/dev/ttyACM1", "24:A1:60:12:34:56"), listed("/dev/ttyACM2", "24:A1:60:12:34:57")]
    monkeypatch.setattr(list_ports, "comports", lambda: there)
    with Protocol(tmp_path / "p.jsonl") as protocol:
        batch = Batch(
            Book([Row(2, "BS-1")], protocol), lambda row, chip: pytest.fail("no board"), [], lambda bench: None
        )
        bench = batch.benches["/dev/ttyACM0"] = Bench("/dev/ttyACM0", serial_number="24:A1:60:12:34:56")
        assert batch.unserved() == ["/dev/ttyACM2"]
        bench.serial_number = ""
        assert batch.unserved() == ["/dev/ttyACM1", "/dev/ttyACM2"]


def test_patience_ends_it(tmp_path: Path) -> None:
    with Protocol(tmp_path / "p.jsonl") as protocol:
        Batch(
            Book([Row(2, "BS-1")], protocol),
            lambda row, chip: pytest.fail("no board"),
            [str(tmp_path / "no-port")],
            lambda bench: None,
            0.1,
        ).run()
