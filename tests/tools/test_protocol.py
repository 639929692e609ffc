"""The protocol of `bordstein batch`: what a power cut left of it can be gone on with, and nobody gets a row twice."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bordstein_tools.batch import protocol
from bordstein_tools.batch.assigning import Book
from bordstein_tools.batch.protocol import Protocol
from bordstein_tools.batch.rows import Row
from bordstein_tools.texts import Problem

RECORDS = st.lists(
    st.fixed_dictionaries({"event": st.sampled_from(protocol.EVENTS), "asset": st.text(), "text": st.text()}),
    max_size=5,
)
ROWS = [Row(2, "BS-1"), Row(3, "BS-2"), Row(4, "BS-3", device="24a160000003"), Row(5, "BS-4")]


def anything(row: Row) -> None:
    """Fits all rows."""


@settings(max_examples=200, deadline=None)
@given(RECORDS, st.floats(0, 1), st.sampled_from([b"", b"\0\0\0", b"\xff{"]))
def test_any_torn_prefix_is_readable_and_can_be_gone_on_with(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, str]], where: float, rubbish: bytes
) -> None:
    whole = b"".join(json.dumps(record).encode() + b"\n" for record in records)
    torn = whole[: round(where * len(whole))]
    read = protocol.records(torn)
    assert read == records[: len(read)] and len(read) >= torn.count(b"\n")
    path = tmp_path_factory.getbasetemp() / "torn.protocol.jsonl"
    path.write_bytes(torn + rubbish)
    with Protocol(path) as opened:
        found = opened.found
        opened.note("redo", asset="BS-1")
    again = protocol.records(path.read_bytes())
    assert (
        found == again[:-1] and again[-1]["asset"] == "BS-1" and found[: torn.count(b"\n")] == read[: torn.count(b"\n")]
    )


def test_only_one_program_writes_it_and_a_dead_one_does_not_hinder(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    holds = "import sys; from bordstein_tools.batch.protocol import Protocol; from pathlib import Path\n"
    holds += "p = Protocol(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holds, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "open\n"
        with pytest.raises(Problem):
            Protocol(path)
        other.kill()
        other.wait()
    with Protocol(path) as opened:
        assert opened.found == []


def test_a_protocol_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(protocol.Unwritable):
        Protocol(tmp_path / "nowhere" / "p.jsonl")


def test_rows_go_in_their_order_and_a_board_always_gets_its_own(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    with Protocol(path) as opened:
        book = Book(ROWS, opened)
        assert book.take("24a16000000a", "/dev/a", anything).row.asset == "BS-1"
        assert book.take("24a160000003", "/dev/a", anything).row.asset == "BS-3"
        assert book.take("24a16000000b", "/dev/b", anything).row.asset == "BS-2"
        book.ready(book.standings["BS-2"], 12.34, ["wifi: weak"], {"place": "Markt"})
        book.failed(book.standings["BS-3"], "broken")
    with Protocol(path) as opened:
        book = Book(ROWS, opened)
        assert {asset: standing.state for asset, standing in book.standings.items()} == {
            "BS-1": "begun",
            "BS-2": "ready",
            "BS-3": "begun",
            "BS-4": "open",
        }
        assert book.standings["BS-3"].error == "broken" and not book.over
        again = book.take("24a16000000b", "/dev/c", anything)
        assert (again.row.asset, again.state, again.complaints) == ("BS-2", "ready", ["wifi: weak"])
        assert book.take("24a16000000a", "/dev/c", anything).row.asset == "BS-1"
        assert book.take("24a16000000c", "/dev/c", anything).row.asset == "BS-4"
        with pytest.raises(Problem):
            book.take("24a16000000d", "/dev/c", anything)


def test_a_board_only_gets_a_row_that_fits_it(tmp_path: Path) -> None:
    def only_the_second(row: Row) -> None:
        if row.asset != "BS-2":
            raise Problem("passt nicht", "does not fit")

    with Protocol(tmp_path / "p.jsonl") as opened:
        book = Book(ROWS, opened)
        assert book.take("24a16000000a", "/dev/a", only_the_second).row.asset == "BS-2"
        with pytest.raises(Problem, match="passt nicht"):
            book.take("24a16000000b", "/dev/a", only_the_second)
        assert book.count("open") == 3


def test_redo_gives_a_row_to_another_board_once_and_the_first_one_gets_no_other(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    with Protocol(path) as opened:
        book = Book(ROWS, opened)
        book.failed(book.take("24a16000000a", "/dev/a", anything), "broken")
    with Protocol(path) as opened:
        book = Book(ROWS, opened, ["BS-1"])
        assert book.standings["BS-1"].state == "open"
        book.take("24a16000000b", "/dev/a", anything)
    with Protocol(path) as opened:
        book = Book(ROWS, opened, ["BS-1"])  # the same command again
        assert book.standings["BS-1"].device == "24a16000000b"
        with pytest.raises(Problem, match="24a16000000a war BS-1"):
            book.take("24a16000000a", "/dev/a", anything)
        book.failed(book.standings["BS-1"], "broken, too")
    with Protocol(path) as opened:
        book = Book(ROWS, opened, ["BS-1"])
        assert book.take("24a16000000a", "/dev/a", anything).row.asset == "BS-1", "it had it before"
        with pytest.raises(Problem, match="BS-9"):
            Book(ROWS, opened, ["BS-9"])


def test_a_list_that_was_changed_meanwhile_contradicts_the_protocol(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    with Protocol(path) as opened:
        Book(ROWS, opened).take("24a16000000a", "/dev/a", anything)
    with Protocol(path) as opened:
        with pytest.raises(Problem, match=r"Zeile 2: Gerät 24a16000000a .* --redo BS-1"):
            Book([Row(2, "BS-1", device="24a16000000b")], opened)
        with pytest.raises(Problem, match=r"Zeile 3: Gerät 24a16000000a .* --redo BS-1"):
            Book([Row(2, "BS-1"), Row(3, "BS-2", device="24a16000000a")], opened)
        with pytest.raises(Problem, match="früheren Fassung"):
            Book([Row(2, "BS-7")], opened).take("24a16000000a", "/dev/a", anything)
