"""A board on a cable: the real mpremote's transport reaches it whatever it does, and what goes wrong is a sentence."""

import os
import pty
import subprocess
import sys
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from bordstein_tools.board.cable import Cable, OnBoard
from bordstein_tools.texts import Problem
from tests.hardware.pty_bridge import PtyBoard
from tests.tools import cabled

PROMPT = b">>> "
APP = b"""
import asyncio
async def main():
    while True:
        print("turn")
        await asyncio.sleep_ms(100)
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PtyBoard]:
    with cabled.board(tmp_path_factory.mktemp("board")) as board:
        board.wait_for(PROMPT)
        yield board


@pytest.fixture
def cable(board: PtyBoard) -> Iterator[Cable]:
    with Cable.open(board.port) as cable:
        yield cable


def mpremote(board: PtyBoard, *words: str | Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("mpremote")
    return subprocess.run(
        [program, "connect", board.port, *words], capture_output=True, text=True, check=False, timeout=60
    )


def test_the_real_mpremote_connects_runs_copies_mounts_and_restarts(board: PtyBoard, tmp_path: Path) -> None:
    (tmp_path / "there.py").write_text("print('seen from the board')\n")
    (tmp_path / "big").write_bytes(os.urandom(9000))
    assert mpremote(board, "exec", "print(6*7)").stdout == "42\n"
    failed = mpremote(board, "exec", "1/0")
    assert failed.returncode == 1 and 'File "<stdin>", line 1' in failed.stdout + failed.stderr
    assert mpremote(board, "fs", "cp", tmp_path / "big", ":big").returncode == 0
    assert mpremote(board, "fs", "cp", ":big", tmp_path / "back").returncode == 0
    assert (tmp_path / "back").read_bytes() == (tmp_path / "big").read_bytes()
    assert "seen from the board" in mpremote(board, "mount", tmp_path, "exec", "import there").stdout
    starts = board.starts
    said = len(board.said)
    assert mpremote(board, "soft-reset").returncode == 0
    board.wait_for(b"MPY: soft reboot\r\n", start=said)
    assert board.starts == starts
    assert mpremote(board, "reset").returncode == 0
    board.wait_for(PROMPT, start=said + 100)


def test_files_go_there_and_back(cable: Cable) -> None:
    content = os.urandom(5000)
    seen: list[int] = []
    cable.write("deep/er/file", content, seen.append)
    cable.write("empty", b"")
    assert sum(seen) == 5000 and cable.read("deep/er/file") == content and cable.read("empty") == b""
    cable.write("empty", b"no more")
    there = cable.tree("deep", "empty", "nowhere")
    assert {name: file.size for name, file in there.items()} == {"deep/er/file": 5000, "empty": 7}
    free, total = cable.free()
    assert 0 < free < total == 2 << 20
    cable.remove("deep", "nowhere")
    assert not cable.exists("deep") and cable.exists("empty")


def test_what_fails_on_the_board_is_a_sentence_and_the_connection_goes_on(cable: Cable) -> None:
    with pytest.raises(OnBoard, match=r"ENOENT"):
        cable.read("nowhere")
    with pytest.raises(OnBoard) as caught:
        cable.run("raise OSError(28)")
    assert "Speicher" in caught.value.de and "\n" not in caught.value.de
    assert cable.ask("print('noise')\nprint(json.dumps([1,2]))") == [1, 2]
    with pytest.raises(Problem, match=r"Kabel und Stecker|Check cable"):
        cable.ask("print('no JSON')")


def test_a_full_volume_leaves_the_file_that_was_there(cable: Cable) -> None:
    cable.write("kept", b"old")
    blocks = cable.free()[0] // 4096 - 4
    cable.run(f"with open('fill','wb') as f:\n for _ in range({blocks}):f.write(bytes(4080))", 60)
    with pytest.raises(OnBoard, match=r"voll|full"):
        cable.write("kept", bytes(30000))
    assert cable.read("kept") == b"old" and not cable.exists("kept.new")
    cable.remove("fill")


def test_a_running_application_is_interrupted_and_runs_again_after_a_reset(board: PtyBoard) -> None:
    with Cable.open(board.port) as cable:
        cable.write("main.py", APP)
    for _ in range(3):
        said, starts = len(board.said), board.starts
        with Cable.open(board.port) as cable:
            cable.reset()
        board.wait_for(b"turn\r\nturn\r\n", start=said)
        assert board.starts == starts + 1
        with Cable.open(board.port) as cable:
            assert cable.facts()["reset"] == 2
    with Cable.open(board.port) as cable:
        cable.remove("main.py")


def test_a_port_that_another_program_has_open_is_a_sentence(board: PtyBoard, cable: Cable) -> None:
    with pytest.raises(Problem, match=r"von einem anderen Programm|by another program"):
        Cable.open(board.port)
    assert cable.ask("print(1)") == 1


def test_the_other_program_is_named(board: PtyBoard) -> None:
    keep = "import serial, sys; port = serial.Serial(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    program = subprocess.Popen([sys.executable, "-c", keep, board.port], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with program:
        assert program.stdout and program.stdout.readline() == b"open\n"
        with pytest.raises(Problem, match=rf"(wird gerade von|in use by) \S*python\S* \({program.pid}\)"):
            Cable.open(board.port)


def test_one_that_was_left_in_the_middle_of_a_paste_is_reached(board: PtyBoard) -> None:
    with Cable.open(board.port) as cable:
        cable._transport.serial.write(b"\x05A\x01print(")
    with Cable.open(board.port) as cable:
        assert cable.ask("print(1)") == 1


@pytest.mark.parametrize("sent", [b"\x05A\x01print(", b"\x05A\x01import time\nwhile True: time.sleep_ms(50)\x04"])
def test_ctrl_c_in_the_middle_of_something_leaves_a_board_that_works_on(board: PtyBoard, sent: bytes) -> None:
    starts = board.starts
    with pytest.raises(KeyboardInterrupt), Cable.open(board.port) as cable, cable.working_on():
        cable._transport.serial.write(sent)
        raise KeyboardInterrupt
    board.wait_for_start(starts + 1)


def test_nothing_is_printed(board: PtyBoard, capfd: pytest.CaptureFixture[str]) -> None:
    with Cable.open(board.port) as cable, pytest.raises(Problem):
        cable.run("1/0")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("says", "kind", "sentence"),
    [
        (b"", None, "antwortet nicht. Auf dem Gerät EN/RST drücken"),
        (b"", "esp32-c3-devkitm", "antwortet nicht. Auf dem Gerät RST drücken"),
        (b"invalid header: 0xffffffff\r\n", None, "kein MicroPython"),
        (b"$GPGGA,,,\r\n", "esp32-devkitc", "nicht wie MicroPython. Auf dem Gerät EN drücken"),
    ],
)
def test_who_does_not_answer_is_told_apart(
    says: bytes, kind: str | None, sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    master, slave = pty.openpty()
    tty.setraw(slave)

    def answer() -> None:
        while os.read(master, 100) != b"end":
            os.write(master, says)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        with pytest.raises(Problem) as caught:
            Cable.open(os.ttyname(slave), patience_s=0.5, kind=kind)
        assert sentence in caught.value.de
    finally:
        os.write(slave, b"end")
        thread.join()
        os.close(master)
        os.close(slave)
    assert capfd.readouterr() == ("", "")


def test_a_port_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(Problem, match=r"There is no port /dev/ttyNOWHERE; is the cable|Anschluss /dev/ttyNOWHERE gibt"):
        Cable.open("/dev/ttyNOWHERE")
    with pytest.raises(Problem, match=r"is no port|ist kein Anschluss"):
        Cable.open("foo://bar")


def test_a_port_that_one_may_not_use_is_a_sentence_with_the_command(
    board: PtyBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr("getpass.getuser", lambda: "otto")
    with pytest.raises(Problem, match=r"sudo usermod -aG \w+ \$USER"):
        Cable.open(board.port)


def test_a_pulled_cable_is_a_sentence(tmp_path: Path) -> None:
    with cabled.board(tmp_path) as board:
        board.wait_for(PROMPT)
        with Cable.open(board.port) as cable:
            board.pull()
            with pytest.raises(Problem, match=r"abgerissen|broke"):
                cable.tree("")
