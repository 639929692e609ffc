"""`bordstein console`: the board's prompt in the terminal, by the keys that people press."""

import subprocess
from pathlib import Path

from tests.street.van import board_on_a_cable
from tests.tools import cabled
from tests.tools.typed import BORDSTEIN, ENVIRONMENT, Terminal

CTRL_BRACKET = b"\x1d"


def test_what_is_typed_reaches_the_prompt_and_a_board_left_there_restarts(tmp_path: Path) -> None:
    with cabled.board(tmp_path) as board:
        board.wait_for(b">>> ")
        with Terminal("console", "--port", board.port) as terminal:
            terminal.wait_for("Connected to", "Ctrl-]", "leaves")
            terminal.type(b"print(6*7)\r")
            terminal.wait_for("42")
            starts = board.starts
            terminal.type(CTRL_BRACKET)
            assert terminal.ends() == 0 and "the board restarts" in terminal.said and "Traceback" not in terminal.said
        board.wait_for(b">>> ", start=board.said.rindex(b"42"))
        assert board.starts == starts + 1


def test_a_board_over_the_network_is_only_listened_to(tmp_path: Path) -> None:
    with board_on_a_cable(tmp_path) as board, Terminal("console", "--port", board.url) as terminal:
        terminal.wait_for("invalid header")
        terminal.type(CTRL_BRACKET)
        assert terminal.ends() == 0 and board.mode == "run"


def test_a_cable_that_is_pulled_ends_it_with_a_sentence(tmp_path: Path) -> None:
    with cabled.board(tmp_path) as board:
        board.wait_for(b">>> ")
        with Terminal("console", "--port", board.port) as terminal:
            terminal.wait_for("Connected to")
            terminal.type(b"1\r")
            terminal.wait_for(">>> ")
            board.pull()
            assert terminal.ends() == 1 and "broke" in terminal.said and "Traceback" not in terminal.said


def test_no_port_and_no_terminal_are_sentences() -> None:
    with Terminal("console", "--port", "/dev/ttyNOWHERE") as terminal:
        assert (
            terminal.ends() == 1
            and "There is no port /dev/ttyNOWHERE" in terminal.said
            and "Traceback" not in terminal.said
        )
    piped = subprocess.run(
        [BORDSTEIN, "console"], env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert piped.returncode == 2 and "needs a terminal" in piped.stderr
