"""The virtual chip: its loader answers as the protocol says, and the real esptool and mpremote take it for a board."""

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
import serial
from mpremote.transport_serial import SerialTransport

from tests.hardware.loader import SECTOR, SIZE, Faults, RomLoader, Vanished
from tests.hardware.usb import UsbBoard
from tests.tools.flash_image import image

pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # of pyserial
ESPTOOL = Path(sys.executable).with_name("esptool")
ECHO = "import sys\nprint('started', *sys.argv[1:])\nfor line in sys.stdin:\n    if 'reset' in line: sys.exit(42)\n"
ECHO += "    print('heard', line.strip())\n"
PROGRAM = (sys.executable, "-u", "-c", ECHO)


def packet(command: int, data: bytes = b"", checksum: int = 0) -> bytes:
    body = struct.pack("<BBHI", 0, command, len(data), checksum) + data
    return b"\xc0" + body.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\xc0"


def block(command: int, seq: int, data: bytes) -> bytes:
    checksum = 0xEF
    for byte in data:
        checksum ^= byte
    return packet(command, struct.pack("<IIII", len(data), seq, 0, 0) + data, checksum)


def status(answer: bytes) -> int:
    """0, or the ROM's reason."""
    frame = answer.strip(b"\xc0").replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb")
    assert frame[0] == 1
    return frame[-3] if frame[-4] else 0


@pytest.fixture
def loader(tmp_path: Path) -> RomLoader:
    loader = RomLoader("esp32", tmp_path / "flash")
    assert status(loader.feed(packet(0x0D, bytes(8)))) == 0
    return loader


def begin(command: int, size: int, offset: int) -> bytes:
    return packet(command, struct.pack("<IIII", size, 1, 1024, offset))


def test_a_new_chip_is_blank_and_answers_sync_eight_times(loader: RomLoader) -> None:
    assert loader.flash.read_bytes() == b"\xff" * SIZE
    answer = loader.feed(packet(0x08, b"\x07\x07\x12\x20" + 32 * b"\x55"))
    assert answer.count(b"\xc0\x01\x08") == 8 and len(answer) == 8 * 14


def test_erasing_makes_ones_and_writing_makes_zeros(loader: RomLoader) -> None:
    for data in (b"\xf0" * 1024, b"\x3f" * 1024):
        assert status(loader.feed(begin(0x02, 0, 0))) == 0
        assert status(loader.feed(block(0x03, 1, data))) == 0
    assert loader.flash.read_bytes()[1023:2049] == b"\xff" + b"\x30" * 1024 + b"\xff"
    assert status(loader.feed(begin(0x02, 5, 10))) == 0
    assert loader.flash.read_bytes()[:SECTOR] == b"\xff" * SECTOR


def test_what_makes_no_sense_is_refused_and_changes_nothing(loader: RomLoader) -> None:
    good = zlib.compress(b"x" * 3000)
    assert status(loader.feed(block(0x03, 0, b"x"))) == 6  # nothing was begun
    assert status(loader.feed(begin(0x02, SIZE, SECTOR))) == 6  # behind the end
    assert status(loader.feed(packet(0xD0))) == 5  # a command of the stub's
    assert status(loader.feed(packet(0x02, b"short"))) == 5
    assert status(loader.feed(begin(0x10, 3000, 0))) == 0
    assert status(loader.feed(block(0x11, 0, good)[:-2] + b"?\xc0")) == 7
    assert status(loader.feed(block(0x11, 1, good))) == 11  # not its turn
    assert loader.flash.read_bytes() == b"\xff" * SIZE
    assert status(loader.feed(block(0x11, 0, good))) == 0
    assert loader.flash.read_bytes().rstrip(b"\xff") == b"x" * 3000


def test_faults_come_when_they_were_planned(tmp_path: Path) -> None:
    read = packet(0x0A, struct.pack("<I", 0x40001000))
    plain = RomLoader("esp32", tmp_path / "flash").feed(read)
    assert struct.pack("<I", 0x00F01D83) in plain
    lossy = RomLoader("esp32", tmp_path / "flash", faults=Faults(drop={3}, drop_sent={20}))
    assert status(lossy.feed(read)) == 5 and lossy.feed(read) == plain[:6] + plain[7:]
    silent = RomLoader("esp32", tmp_path / "flash", faults=Faults(silent_after=1))
    assert [silent.feed(read), silent.feed(read)] == [plain, b""]
    gone = RomLoader("esp32", tmp_path / "flash", faults=Faults(vanish_after=1))
    assert gone.feed(read) == plain
    with pytest.raises(Vanished):
        gone.feed(read)


def esptool(board: UsbBoard, *arguments: object) -> str:
    no_lines = ["--before", "no-reset", "--after", "no-reset"] if board.url.startswith("/") else []
    command = [ESPTOOL, "--port", board.url, "--no-stub", *no_lines, *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.mark.parametrize(("chip", "name"), [("esp32", "ESP32-D0WD-V3"), ("esp32c3", "ESP32-C3")])
def test_the_real_esptool_writes_it_plain_and_compressed(tmp_path: Path, chip: str, name: str) -> None:
    content = image(chip)
    (tmp_path / "image.bin").write_bytes(content)
    with UsbBoard(tmp_path / "flash", chip=chip, mac="24a160abcdef", serial="pty", mode="loader") as board:
        said = esptool(board, "write-flash", "0x10000", tmp_path / "image.bin", "0x200000", tmp_path / "image.bin")
        assert f"Chip type:          {name}" in said and "24:a1:60:ab:cd:ef" in said
        esptool(board, "--baud", 460800, "write-flash", "--compress", "0x3000", tmp_path / "image.bin")
    flash = board.loader.flash.read_bytes()
    for offset in (0x3000, 0x10000, 0x200000):
        assert flash[offset : offset + len(content)] == content
    assert flash[:0x3000] == b"\xff" * 0x3000 and flash[0x200000 + len(content) :].strip(b"\xff") == b""


def lines(port: serial.Serial, *changes: tuple[str, bool]) -> None:
    for name, on in changes:
        setattr(port, name, on)


def until(port: serial.Serial, wanted: bytes) -> bytes:
    said = bytes(port.read_until(wanted))
    assert said.endswith(wanted), said
    return said


def written(flash: Path) -> Path:
    """A flash file with something to run in it."""
    flash.write_bytes((b"\xff" * 0x1000 + image("esp32")).ljust(SIZE, b"\xff"))
    return flash


def test_dtr_and_rts_choose_between_loader_and_program(tmp_path: Path) -> None:
    with (
        UsbBoard(written(tmp_path / "flash"), PROGRAM) as board,
        serial.serial_for_url(board.url, timeout=10) as port,
    ):
        assert (board.mode, board.starts) == ("run", 1)  # opening the port, both lines asserted, resets nothing
        lines(port, ("dtr", False), ("rts", True), ("dtr", True), ("rts", False))
        until(port, b"waiting for download\r\n")
        assert board.mode == "loader"
        lines(port, ("dtr", False), ("rts", True))
        assert board.mode is None
        lines(port, ("rts", False))
        until(port, b"SPI_FAST_FLASH_BOOT)\r\n")
        until(port, b"started\n")
        port.write(b"reset\n")  # machine.reset()
        until(port, b"started\n")
        assert board.starts == 3


def test_a_blank_chip_says_so_again_and_again(tmp_path: Path) -> None:
    with UsbBoard(tmp_path / "flash", PROGRAM) as board, serial.serial_for_url(board.url, timeout=10) as port:
        for _ in range(10):
            until(port, b"invalid header: 0xffffffff\r\n")
        assert board.starts == 0


@pytest.mark.parametrize("kind", ["rfc2217", "pty"])
def test_a_pulled_cable_is_an_error_and_put_in_again_a_start(tmp_path: Path, kind: str) -> None:
    with UsbBoard(written(tmp_path / "flash"), PROGRAM, serial=kind) as board:
        for start in (1, 2):
            port = SerialTransport(board.url)
            port.serial.timeout = 10
            port.serial.write(b"hello\n")
            until(port.serial, b"heard hello\n")
            assert board.starts == start
            board.unplug_at(3)
            with pytest.raises(OSError):
                while True:
                    port.serial.write(b"x\n")
                    port.serial.read(1)
            assert board.unplugged.wait(10)
            port.serial.close()
            with pytest.raises(OSError):
                serial.serial_for_url(board.url)
            board.plug()
