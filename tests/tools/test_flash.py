"""`bordstein ports`, `images` and `flash`: the real esptool on virtual chips, and each failure said with its cure."""

import errno
import functools
import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from bordstein_tools import boards, cli
from bordstein_tools.board import flashing, images, ports
from bordstein_tools.texts import Problem
from tests.hardware.loader import SIZE, Faults
from tests.hardware.usb import UsbBoard
from tests.tools.flash_image import image

pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # of pyserial
BORDSTEIN = Path(sys.executable).with_name("bordstein")
PROGRAM = (sys.executable, "-c", "import time; time.sleep(1000)")
OFFSETS = {"esp32": 0x1000, "esp32c3": 0}


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BORDSTEIN_LANG", "en")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "esptool.cfg").write_text("[esptool]\ntimeout = 1\n")


def bordstein(tmp_path: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BORDSTEIN, *map(str, arguments)],
        env={**os.environ, "ESPTOOL_CFGFILE": str(tmp_path / "esptool.cfg")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def inside(*arguments: object) -> Any:
    """The same without a process of its own; the result has exit_code, stdout, stderr."""
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def loader_on_pty(tmp_path: Path, chip: str = "esp32", faults: Faults | None = None) -> UsbBoard:
    """A board that somebody has put into its loader, at a port without reset lines."""
    return UsbBoard(tmp_path / "flash", chip=chip, serial="pty", mode="loader", faults=faults)


def write(board: UsbBoard, content: bytes) -> list[tuple[int, int]]:
    """Flash it; the progress."""
    seen: list[tuple[int, int]] = []
    with flashing.connected(board.url, attempts=20) as found:  # also on a machine that is busy
        found.write(content, OFFSETS[board.loader.chip], lambda done, total: seen.append((done, total)))
        found.restart()
    return seen


def in_flash(board: UsbBoard, size: int) -> bytes:
    offset = OFFSETS[board.loader.chip]
    return board.loader.flash.read_bytes()[offset : offset + size]


@pytest.mark.parametrize("chip", ["esp32", "esp32c3"])
def test_a_blank_board_is_flashed_and_runs_and_nothing_is_printed(
    tmp_path: Path, chip: str, capfd: pytest.CaptureFixture[str]
) -> None:
    content = image(chip)
    with UsbBoard(tmp_path / "flash", PROGRAM, chip=chip, mac="24a160abcdef") as board:
        with flashing.connected(board.url, attempts=20) as found:
            assert (found.chip.kind, found.chip.mac, found.chip.flash_size) == (chip, "24a160abcdef", SIZE)
            seen: list[tuple[int, int]] = []
            found.write(content, OFFSETS[chip], lambda done, total: seen.append((done, total)))
            assert board.loader.baud == ports.BAUD
            found.restart()
        assert (board.mode, board.starts) == ("run", 1)
        assert in_flash(board, len(content)) == content
    assert len(seen) > 10 and seen == sorted(seen) and seen[-1][0] == seen[-1][1] < len(content)
    assert capfd.readouterr() == ("", "")


def test_what_is_there_already_is_not_written_again(tmp_path: Path) -> None:
    with loader_on_pty(tmp_path) as board:
        assert write(board, image("esp32")) != []
        assert write(board, image("esp32")) == []


def test_lost_bytes_are_sent_again(tmp_path: Path) -> None:
    content = image("esp32")
    with loader_on_pty(tmp_path, faults=Faults(drop=range(6000, 10**9, 3001))) as board:
        write(board, content)
        assert in_flash(board, len(content)) == content


@pytest.mark.parametrize("sent", [0, 30, 500, 3000, 9000, 20000])
def test_a_pulled_cable_is_said_and_the_same_again_finishes_it(tmp_path: Path, sent: int) -> None:
    content = image("esp32")
    with loader_on_pty(tmp_path) as board:
        board.unplug_at(sent)
        with pytest.raises(Problem, match=r"connection broke.*run the same command once more"):
            write(board, content)
        assert board.unplugged.is_set()
        board.plug()
        write(board, content)
        assert in_flash(board, len(content)) == content


def test_a_cable_pulled_from_a_network_port_is_said_too(tmp_path: Path) -> None:
    with UsbBoard(tmp_path / "flash", faults=Faults(vanish_after=100)) as board:
        with pytest.raises(Problem, match="connection broke"):
            write(board, image("esp32"))
        with pytest.raises(Problem, match="does not answer; does the service run"):
            write(board, image("esp32"))


def test_who_does_not_answer_at_all_needs_the_buttons_that_the_board_has(tmp_path: Path) -> None:
    with loader_on_pty(tmp_path, faults=Faults(silent_after=0)) as board:
        for known, reset in ((None, "EN/RST"), (boards.known()["esp32-c3-devkitm"], "RST")):
            with (
                pytest.raises(Problem, match=f"hold the button BOOT, press {reset} shortly"),
                flashing.connected(board.url, known, attempts=1),
            ):
                pass


def test_who_falls_silent_while_it_is_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "image.bin").write_bytes(image("esp32"))
    with loader_on_pty(tmp_path, faults=Faults(silent_after=100)) as board:
        run = bordstein(tmp_path, "flash", "--port", board.url, "--image", tmp_path / "image.bin")
    assert run.returncode == 1 and "fell silent while it was written" in run.stderr and run.stdout == ""
    assert board.loader.packets > 100


@pytest.mark.parametrize(
    ("chip", "faults", "sentence"),
    [
        ("esp32", Faults(silent_after=0), r"does not hear what is sent: take another cable"),
        (
            "esp32",
            Faults(no_download=True),
            r"starts its program, not its loader: hold the button BOOT, press EN short",
        ),
        ("esp32", Faults(registers={0x40001000: 0x12345678}), r"does not know the chip at rfc2217://"),
        ("esp32", Faults(registers={0x3FF5A018: 1 << 4}), r"takes signed or encrypted software only"),
        ("esp32", Faults(registers={0x3FF5A000: 1 << 20}), r"takes signed or encrypted software only"),
        ("esp32c3", Faults(security=1 << 2), r"takes signed or encrypted software only"),
        ("esp32c3", Faults(registers={0x60008838: 1 << 20}), r"takes signed or encrypted software only"),
        ("esp32", Faults(stuck=(0x1000 + 9001,)), r"not what was written.*the flash chip is broken"),
    ],
    ids=["deaf", "no loader", "unknown", "secure boot", "encryption", "secure download", "C3 secure boot", "bad flash"],
)
def test_a_chip_that_cannot_be_written_is_said(tmp_path: Path, chip: str, faults: Faults, sentence: str) -> None:
    with UsbBoard(tmp_path / "flash", PROGRAM, chip=chip, faults=faults) as board:
        start = board.loader.flash.read_bytes()
        kind = boards.known()["esp32-devkitc"]
        with pytest.raises(Problem, match=sentence), flashing.connected(board.url, kind, attempts=2) as found:
            found.write(image(chip), OFFSETS[chip], lambda done, total: None)
        assert faults.stuck or board.loader.flash.read_bytes() == start


def test_flash_answers_in_words_or_json_and_knows_the_wrong_chip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for chip in ("esp32", "esp32c3"):
        (tmp_path / f"{chip}.bin").write_bytes(image(chip))
    with loader_on_pty(tmp_path) as board:
        run = bordstein(tmp_path, "flash", "--port", board.url, "--image", tmp_path / "esp32.bin", "--json")
        assert run.returncode == 0, run.stdout + run.stderr
        assert json.loads(run.stdout)["device"] == "24a160123456" and run.stderr == ""
        monkeypatch.setenv("BORDSTEIN_LANG", "de")
        for arguments, code, sentence in (
            (("--image", tmp_path / "esp32c3.bin"), 1, "Das Image ist für esp32c3, das Gerät ist ein esp32."),
            (("--image", tmp_path / "esp32.bin", "--board", "esp32-c3-devkitm"), 1, "ist es das richtige Gerät"),
            ((), 1, "mit --board angeben, welches es ist"),
            (("--board", "esp32-devkitc"), 1, "mit Internet „bordstein images fetch“ ausführen"),
            (("--image", tmp_path / "none"), 1, "lässt sich nicht lesen"),
            (("--image", tmp_path / "esptool.cfg"), 1, "ist kein Image für einen ESP32"),
            (("--board", "esp33"), 2, "Ein Gerät esp33 gibt es nicht; bekannt sind esp32-c3-devkitm"),
        ):
            result = inside("flash", "--port", board.url, *arguments)
            assert (result.exit_code, result.stdout) == (code, "") and sentence in result.stderr, result.stderr


def test_a_port_in_use_is_said_with_the_program_that_has_it(tmp_path: Path) -> None:
    keep = "import serial, sys; port = serial.Serial(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with loader_on_pty(tmp_path) as board:
        program = subprocess.Popen(
            [sys.executable, "-c", keep, board.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        with program:
            assert program.stdout and program.stdout.readline() == b"open\n"
            with pytest.raises(Problem, match=rf"in use by \S*python\S* \({program.pid}\)"):
                write(board, image("esp32"))
        write(board, image("esp32"))


def test_ports_that_cannot_be_used_are_said_with_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def said(device: str) -> str:
        with pytest.raises(Problem) as raised:
            ports.opened(device)
        return str(raised.value)

    port = tmp_path / "ttyUSB0"
    assert "There is no port" in said(str(port))
    assert "is no port" in said("foo://bar")
    port.touch()
    assert "cannot be opened" in said(str(port))
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr("grp.getgrgid", lambda _: SimpleNamespace(gr_name="uucp", gr_mem=["anna"]))
    monkeypatch.setattr("getpass.getuser", lambda: "otto")
    assert 'run "sudo usermod -aG uucp $USER"' in said(str(port))
    monkeypatch.setattr("getpass.getuser", lambda: "anna")
    assert "log out and in again" in said(str(port)) and "usermod" not in said(str(port))
    assert "in use by another program" in str(ports.problem("/dev/x", OSError(errno.EBUSY, "")))


def test_the_only_board_is_taken_and_more_or_none_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    there: list[Any] = []
    monkeypatch.setattr(ports.list_ports, "comports", lambda: there)
    with pytest.raises(Problem, match="No board found"):
        ports.choose()
    assert ports.choose("rfc2217://host:1") == "rfc2217://host:1"
    for device, vid in (("/dev/ttyS0", None), ("/dev/ttyUSB1", 0x10C4), ("/dev/ttyACM0", 0x303A)):
        there.append(Listed(device, vid))
        if device == "/dev/ttyUSB1":
            assert ports.choose() == device and ports.found()[0].what == "CP210x"
    with pytest.raises(Problem, match=r"Several boards found \(/dev/ttyACM0, /dev/ttyUSB1\)"):
        ports.choose()


@functools.total_ordering
class Listed:
    """As pyserial lists a port."""

    serial_number = None

    def __init__(self, device: str, vid: int | None) -> None:
        self.device, self.vid = device, vid

    def __lt__(self, other: "Listed") -> bool:
        return self.device < other.device


def test_images_are_added_listed_and_checked_at_use(tmp_path: Path) -> None:
    board = boards.known()["esp32-devkitc"]
    file = tmp_path / board["image"]["name"]
    file.write_bytes(image("esp32"))
    assert json.loads(inside("images", "list", "--json").stdout)["images"] == []
    result = inside("images", "add", file)
    assert result.exit_code == 0 and "for esp32 taken in" in result.stdout
    assert images.cached(board) == image("esp32")
    (listed,) = json.loads(inside("images", "list", "--json").stdout)["images"]
    assert listed["sound"] and listed["sha256"] == hashlib.sha256(image("esp32")).hexdigest()
    Path(listed["path"]).write_bytes(image("esp32", seed=2))
    with pytest.raises(Problem, match="is damaged"):
        images.cached(board)
    result = inside("images", "list")
    assert result.exit_code == 1 and "DAMAGED" in result.stdout


@pytest.fixture
def web(tmp_path: Path) -> Any:
    """A web server for a folder; its address."""
    (tmp_path / "web").mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "web"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_images_are_fetched_with_their_check_sum(tmp_path: Path, web: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = image("esp32")
    (tmp_path / "web/a.bin").write_bytes(content)
    described = {"name": "a.bin", "url": f"{web}/a.bin", "sha256": hashlib.sha256(content).hexdigest()}
    monkeypatch.setattr(boards, "known", lambda: {"a": {"image": described}, "virtual": {}})
    seen: list[tuple[str, int, int]] = []
    (got,) = images.fetch([], lambda *progress: seen.append(progress))
    assert got.path.read_bytes() == content and seen[-1] == ("a.bin", len(content), len(content))
    assert images.fetch(["a"], print) == []
    got.path.unlink()
    for change, sentence in (
        ({"sha256": "0" * 64}, "wrong check sum"),
        ({"url": f"{web}/b.bin"}, r"is not at .* \(answer 404\)"),
        ({"url": "http://127.0.0.1:9/a.bin"}, "try again where there is internet"),
    ):
        monkeypatch.setattr(boards, "known", lambda change=change: {"a": {"image": described | change}})
        with pytest.raises(Problem, match=sentence):
            images.fetch([], lambda *_: None)
    with pytest.raises(Problem, match="no board b; known are a"):
        images.fetch(["b"], lambda *_: None)
    assert images.listed() == []
