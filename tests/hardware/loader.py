"""An ESP32's ROM loader as a protocol: bytes in, bytes out, on a flash that is a file. The real esptool writes to it.

    loader = RomLoader("esp32", Path("flash"), mac="24a160123456")
    answer = loader.feed(received)

It knows what esptool asks of a chip with `--no-stub`: nothing here could run the stub. The flash behaves as NOR flash
does: erasing makes ones, writing makes zeros. Source: Espressif's description of the serial protocol (esptool
documentation), and what esptool 5.6 sends.
"""

import hashlib
import struct
import zlib
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 4096
SIZE = 4 << 20
INVALID, FAILED, BAD_CHECKSUM, BAD_DEFLATE = 5, 6, 7, 11  # the ROM's second status byte

_SFDP = 0x50444653
_WINBOND = 0x40EF
_CHECKSUM = 0xEF
_SECURE_DOWNLOAD = 1 << 2
_USER_COMMAND = 1 << 18


@dataclass(frozen=True)
class Chip:
    """What differs between the families. base: the flash chip's SPI controller, and where its registers lie in it."""

    base: int
    user2: int
    w0: int
    address_shift: int
    begin_words: int
    start: int
    registers: Callable[[int], dict[int, int]]
    security: bytes = b""


def _esp32(mac: int) -> dict[int, int]:
    """Registers of an ESP32-D0WD-V3, revision 3.0, with a 40 MHz crystal."""
    return {
        0x40001000: 0x00F01D83,
        0x3FF5A004: mac & 0xFFFFFFFF,
        0x3FF5A008: mac >> 32,
        0x3FF5A00C: 1 << 15 | 1 << 9,
        0x3FF5A010: 128,  # with the next: the crystal as the ROM measured it
        0x3FF5F06C: 800 << 7,
        0x3FF5A014: 1 << 20,
        0x3FF6607C: 1 << 31,
        0x3FF40014: 347,
    }


def _esp32c3(mac: int) -> dict[int, int]:
    """Registers of an ESP32-C3, revision 0.4."""
    return {0x60008844: mac & 0xFFFFFFFF, 0x60008848: mac >> 32, 0x60008850: 4 << 18, 0x60000014: 347}


CHIPS = {
    "esp32": Chip(0x3FF42000, 0x24, 0x80, 8, 4, 0x1000, _esp32),
    "esp32c3": Chip(0x60002000, 0x20, 0x58, 0, 5, 0, _esp32c3, struct.pack("<IB7xII", 0, 0, 5, 3)),
}


@dataclass(frozen=True)
class Faults:
    """What goes wrong, counted from the loader's first byte and packet on, over its resets.

    drop: numbers of received bytes that get lost, drop_sent: of sent ones. silent_after: it answers so many packets and
    then none. vanish_after: the packet after so many raises Vanished. stuck: addresses in flash that stay 0. registers:
    what else than usual stands there. security: flags of GET_SECURITY_INFO; 4: secure download, which reads no
    register. no_download: each reset leads into the program.
    """

    drop: Container[int] = ()
    drop_sent: Container[int] = ()
    silent_after: int | None = None
    vanish_after: int | None = None
    stuck: Container[int] = ()
    registers: Mapping[int, int] = field(default_factory=dict)
    security: int = 0
    no_download: bool = False


class Vanished(Exception):
    """The cable was pulled."""


class Refused(Exception):
    """A command that the ROM does not carry out; the argument is its second status byte."""


@dataclass
class _Write:
    """What FLASH_BEGIN or FLASH_DEFL_BEGIN began."""

    offset: int
    block_size: int
    inflate: "zlib._Decompress | None"
    seq: int = 0


@dataclass
class RomLoader:
    """The loader of one chip. Raises Vanished when the faults say so."""

    chip: str
    flash: Path
    mac: str = "24a160123456"
    faults: Faults = field(default_factory=Faults)
    size: int = SIZE
    packets: int = 0
    received: int = 0
    sent: int = 0

    def __post_init__(self) -> None:
        self.family = CHIPS[self.chip]
        if not self.flash.exists():
            self.flash.write_bytes(b"\xff" * self.size)
        self.reset()

    def reset(self) -> None:
        """As after a reset into the loader: what was sent to it before is forgotten; flash stays."""
        self.registers = {**self.family.registers(int(self.mac, 16)), **self.faults.registers}
        self.baud: int | None = None  # finds out by itself
        self.ended = False  # told to run what is in flash
        self._frame: bytearray | None = None
        self._attached = False
        self._write: _Write | None = None

    def feed(self, received: bytes) -> bytes:
        """What the chip answers."""
        answer = b""
        for byte in received:
            lost = self.received in self.faults.drop
            self.received += 1
            if lost:
                continue
            if byte != 0xC0:
                if self._frame is not None:
                    self._frame.append(byte)
            elif self._frame:
                packet = self._frame.replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb")
                self._frame = None
                answer += self._packet(bytes(packet))
            else:
                self._frame = bytearray()
        first = self.sent
        self.sent += len(answer)
        return bytes(byte for place, byte in enumerate(answer, first) if place not in self.faults.drop_sent)

    def _packet(self, packet: bytes) -> bytes:
        if self.packets == self.faults.vanish_after:
            raise Vanished
        self.packets += 1
        if self.faults.silent_after is not None and self.packets > self.faults.silent_after:
            return b""
        if len(packet) < 8 or packet[0] != 0:
            return b""
        _, command, size, checksum = struct.unpack_from("<BBHI", packet)
        data = packet[8:]
        value, result, status = 0, b"", b"\0\0\0\0"
        try:
            if size != len(data):
                raise Refused(INVALID)
            if command in (0x03, 0x11):
                self._check(data, checksum)
            value, result = self._command(command, data)
        except struct.error:
            status = bytes((1, INVALID, 0, 0))
        except Refused as refused:
            status = bytes((1, refused.args[0], 0, 0))
        body = struct.pack("<BBHI", 1, command, len(result) + 4, value) + result + status
        frame = b"\xc0" + body.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\xc0"
        return frame * (8 if command == 0x08 else 1)

    @staticmethod
    def _check(data: bytes, checksum: int) -> None:
        found = _CHECKSUM
        for byte in data[16:]:
            found ^= byte
        if found != checksum or struct.unpack_from("<I", data)[0] != len(data) - 16:
            raise Refused(BAD_CHECKSUM)

    def _command(self, command: int, data: bytes) -> tuple[int, bytes]:
        """The value and the data of the answer."""
        if command == 0x08:  # SYNC
            return 0x20120707, b""
        if self.faults.security & _SECURE_DOWNLOAD and command in (0x09, 0x0A):
            raise Refused(INVALID)
        if command == 0x0A:  # READ_REG
            return self.registers.get(struct.unpack("<I", data)[0], 0), b""
        if command == 0x09:  # WRITE_REG, of one or several registers
            for address, value, mask, _ in struct.iter_unpack("<IIII", data):
                self._set(address, self.registers.get(address, 0) & ~mask | value & mask)
            return 0, b""
        if command == 0x0F:  # CHANGE_BAUDRATE
            self.baud = struct.unpack("<II", data)[0]
            return 0, b""
        if command == 0x14 and self.family.security:  # GET_SECURITY_INFO
            return 0, self.faults.security.to_bytes(4, "little") + self.family.security[4:]
        if command == 0x0D:  # SPI_ATTACH
            self._attached = True
            return 0, b""
        if command in (0x02, 0x03, 0x04, 0x0B, 0x0E, 0x10, 0x11, 0x12, 0x13):
            if not self._attached:
                raise Refused(FAILED)
            return 0, self._on_flash(command, data)
        raise Refused(INVALID)

    def _on_flash(self, command: int, data: bytes) -> bytes:
        if command == 0x0B:  # SPI_SET_PARAMS
            struct.unpack("<IIIIII", data)
        elif command in (0x02, 0x10):  # FLASH_BEGIN, FLASH_DEFL_BEGIN
            size, _, block_size, offset, *_ = struct.unpack(f"<{self.family.begin_words}I", data)
            self._erase(offset, size)
            self._write = _Write(offset, block_size, zlib.decompressobj() if command == 0x10 else None)
        elif command in (0x03, 0x11):  # FLASH_DATA, FLASH_DEFL_DATA
            self._data(struct.unpack_from("<II", data)[1], data[16:], packed=command == 0x11)
        elif command in (0x04, 0x12):  # FLASH_END, FLASH_DEFL_END
            self._write = None
            self.ended = struct.unpack("<I", data)[0] == 0
        elif command == 0x0E:  # READ_FLASH_SLOW
            offset, size = struct.unpack("<II", data)
            return self._read(offset, size).ljust(64, b"\0")
        else:  # SPI_FLASH_MD5
            offset, size, _, _ = struct.unpack("<IIII", data)
            return hashlib.md5(self._read(offset, size)).hexdigest().encode()
        return b""

    def _data(self, seq: int, data: bytes, packed: bool) -> None:
        write = self._write
        if write is None or packed != (write.inflate is not None):
            raise Refused(FAILED)
        if write.inflate is None:
            self._program(write.offset + seq * write.block_size, data)
            return
        if seq != write.seq:
            raise Refused(BAD_DEFLATE)
        try:
            plain = write.inflate.decompress(data)
        except zlib.error:
            raise Refused(BAD_DEFLATE) from None
        self._program(write.offset, plain)
        write.seq += 1
        write.offset += len(plain)

    def _set(self, address: int, value: int) -> None:
        """A register is written; the command register of the SPI controller talks to the flash chip."""
        family = self.family
        if address != family.base:
            self.registers[address] = value
        elif value & _USER_COMMAND:
            command = self.registers.get(family.base + family.user2, 0) & 0xFF
            at = self.registers.get(family.base + 4, 0) >> family.address_shift
            answers = {0x9F: self.size.bit_length() - 1 << 16 | _WINBOND, 0x5A: 0xFFFFFFFF if at else _SFDP}
            self.registers[family.base + family.w0] = answers.get(command, 0)

    def _read(self, offset: int, size: int) -> bytes:
        if offset + size > self.size:
            raise Refused(FAILED)
        with self.flash.open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def _erase(self, offset: int, size: int) -> None:
        first, end = offset // SECTOR * SECTOR, -(-(offset + size) // SECTOR) * SECTOR
        if end > self.size:
            raise Refused(FAILED)
        if size:
            self._put(first, b"\xff" * (end - first))

    def _program(self, offset: int, data: bytes) -> None:
        old = self._read(offset, len(data))
        new = int.from_bytes(old, "big") & int.from_bytes(data, "big")
        self._put(offset, new.to_bytes(len(data), "big"))

    def _put(self, offset: int, data: bytes) -> None:
        if self.faults.stuck:
            data = bytes(0 if place in self.faults.stuck else byte for place, byte in enumerate(data, offset))
        with self.flash.open("r+b", buffering=0) as file:
            file.seek(offset)
            file.write(data)
