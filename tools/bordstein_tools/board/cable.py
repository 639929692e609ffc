"""A board with MicroPython on a cable, on mpremote's serial transport. Nothing is printed; failures are Problems."""

import base64
import binascii
import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple, Self

from mpremote import transport_serial  # type: ignore[import-untyped]
from mpremote.transport import TransportError, TransportExecError  # type: ignore[import-untyped]

from .. import boards
from ..texts import Problem
from . import failures, on_board, ports
from . import prompt as cable_prompt
from .failures import OnBoard

_END = b"\x04"  # of what a program printed, and of its exception
_CHUNK = 1536  # bytes of a file that go in one step; a board that ran for months may have no larger hole in its heap
_READ_S = 3.0  # on a pseudo-terminal the transport waits for so long for each single byte
_QUIET_S = 0.05
_BOOT_S = 12.0
_BACK_S = 10
_TEMPORARY = ".new"

# It prints what it received when a board does not answer; that is not for people.
transport_serial.print = lambda *_: None

__all__ = ["Cable", "File", "OnBoard", "digest"]


class File(NamedTuple):
    """size: bytes. digest: SHA-256 in hex, "" where nobody asked for it."""

    size: int
    digest: str


def digest(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


class Cable:
    """An open connection, with the board's prompt for ourselves. Paths are on the board, relative to its root.

    port: where the board is; another after a reset at which the chip's own USB came back under another name. running:
    it was told to restart, and is no longer at its prompt.
    """

    def __init__(self, port: str, kind: str | None) -> None:
        self.port = port
        self._reset_button = boards.buttons(kind)[1]
        self._known = ports.at(port)
        self._transport = _opened(port)
        self._heard = b""  # while it restarted
        self.running = False

    @classmethod
    def attach(cls, port: str, kind: str | None = None) -> Self:
        """A board that is left as it is: it works on. Problem: no such port."""
        return cls(port, kind)

    @classmethod
    def open(cls, port: str, patience_s: float = 12, kind: str | None = None) -> Self:
        """Interrupts what runs there and takes the prompt. Problem: no such port, no answer, no MicroPython.

        patience_s: for so long a board may be starting, or busy. kind: of board, where that is known (boards.known()).
        """
        cable = cls.attach(port, kind)
        try:
            cable.take(patience_s)
        except BaseException:
            cable.close()
            raise
        return cable

    def take(self, patience_s: float = _BOOT_S) -> None:
        """Interrupts what runs there and makes everything else here work, also after reset(). Problem."""
        self.interrupt(patience_s)
        self.run(on_board.TOOLS)

    def interrupt(self, patience_s: float = _BOOT_S) -> None:
        """Takes the prompt, and nothing more."""
        with self._guarded():
            cable_prompt.take(self._transport, patience_s)
        self.running = False

    def talk(self, loop: Callable[[Any], bool]) -> None:
        """Hands mpremote's transport to a loop which says whether the board went away meanwhile."""
        with self._guarded():
            if loop(self._transport):
                raise OSError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def working_on(self) -> Iterator[Self]:
        """The board restarts at the end, so that it works on, if there is still a connection: also after a Problem, or
        Ctrl-C in the middle of whatever."""
        try:
            yield self
        except BaseException:
            with contextlib.suppress(Problem):
                if not self.running:
                    self.interrupt(_READ_S)
                    self.reset()
            raise
        if not self.running:
            self.reset()

    def close(self) -> None:
        """The board stays at its prompt; reset() lets it run again."""
        with contextlib.suppress(Exception):  # what a port raises that is gone depends on the system
            self._transport.close()

    def run(self, code: str, timeout_s: float = 15) -> str:
        """Runs Python on the board; what it printed. Problem, OnBoard. timeout_s: for the next character."""
        with self._guarded():
            said, error = self._transport.exec_raw(code, timeout=timeout_s)
        if error:
            raise failures.on_board(error.decode(errors="replace"), self._reset_button)
        return str(said.decode(errors="replace"))

    def ask(self, code: str) -> Any:
        """Runs Python on the board that prints JSON as its last line."""
        lines = self.run(code).split("\n")
        try:
            return json.loads([line for line in lines if line.strip()][-1])
        except (ValueError, IndexError):
            raise failures.garbled(self.port) from None

    def tree(self, *roots: str, hashed: bool = True) -> dict[str, File]:
        """All files at or below these paths ("": everything); those that are not there are left out."""
        found = {}
        for root in roots:
            for line in self.run(f"_b_tree({root!r},{hashed})", 30).splitlines():
                try:
                    path, size, content = json.loads(line)
                except ValueError:
                    raise failures.garbled(self.port) from None
                found[path] = File(size, content)
        return found

    def exists(self, name: str) -> bool:
        return bool(self.ask(f"print(_b_is({name!r}))"))

    def read(self, name: str) -> bytes:
        """A file's content, checked by its hash."""
        *lines, said = self.run(f"_b_read({name!r})").split()
        try:
            content = b"".join(base64.b64decode(line, validate=True) for line in lines)
        except binascii.Error:
            raise failures.garbled(self.port) from None
        if digest(content) != said:
            raise failures.garbled(self.port)
        return content

    def write(self, name: str, content: bytes, progress: Callable[[int], None] = lambda _: None) -> None:
        """A file with this content, its folders too. A cable that is pulled leaves the old one or the new one.

        progress gets how many bytes have just gone.
        """
        temporary = name + _TEMPORARY
        self.run(f"_b_open({temporary!r})")
        try:
            for start in range(0, len(content), _CHUNK):
                chunk = content[start : start + _CHUNK]
                self.run(f"_b_file.write(a2b_base64({base64.b64encode(chunk)!r}))")
                progress(len(chunk))
            self.run(f"_b_close({temporary!r},{name!r},{digest(content)!r})")
        except OnBoard:
            with contextlib.suppress(OnBoard):
                self.run(f"try:_b_file.close()\nfinally:_b_remove({temporary!r})")
            raise

    def remove(self, *names: str) -> None:
        """Files and whole folders; what is not there is fine."""
        for name in names:
            self.run(f"_b_remove({name!r})", 60)

    def prune(self, folder: str) -> None:
        """Removes the empty folders in a folder, and itself when it is empty."""
        self.run(f"if _b_is({folder!r})==2:_b_prune({folder!r})")

    def free(self) -> tuple[int, int]:
        """(free, all) bytes of the board's volume."""
        free, total = self.ask("_b_free()")
        return int(free), int(total)

    def facts(self) -> dict[str, Any]:
        """device, machine, micropython, mpy, reset, slot, heap, software (None: none that loads)."""
        found: dict[str, Any] = self.ask(on_board.FACTS)
        return found

    def log(self) -> list[str]:
        """The last lines of the log, oldest first; of a board that has just started those of its last crash."""
        lines: list[str] = self.ask(on_board.LOG)
        return lines

    def reset(self) -> None:
        """Restarts the board, which then runs its software. Where its port goes and returns, it is open again then."""
        self._heard, self.running = b"", True
        try:
            with self._guarded():
                self._transport.exec_raw_no_follow(on_board.RESET)
                self._heard = cable_prompt.drain(self._transport.serial, 0.2)
            gone = self._known.vanishes and ports.left(self._transport.serial, self._hear)
        except Problem:
            gone = self._known.vanishes
            if not gone:
                raise
        if gone:
            self._reopen()

    def restart_empty(self) -> None:
        """A soft reset: boot.py has run and nothing else, memory is empty (our own tools are gone, too)."""
        with self._guarded():
            transport = self._transport
            transport.read_until(1, b">", timeout=2)
            transport.serial.write(b"\x04")
            for ending in (b"soft reboot\r\n", cable_prompt.RAW):
                if not transport.read_until(1, ending, timeout_overall=_BOOT_S).endswith(ending):
                    raise failures.silent(self.port, self._reset_button, b"")

    def follow(self, code: str, going_on: Callable[[], bool]) -> Generator[str]:
        """Runs Python that does not end by itself; what it prints, line by line, or "" when there was nothing for a
        moment, as long as going_on(). Then, or when nobody wants more of it, a KeyboardInterrupt ends it. Problem,
        OnBoard: it ended with an exception."""
        with self._guarded():
            self._transport.exec_raw_no_follow(code)
        running, rest = True, b""
        try:
            while running and going_on():
                with self._guarded():
                    rest += cable_prompt.drain(self._transport.serial, 0.1)
                    running = _END not in rest
                    if not running:
                        rest += self._transport.read_until(1, _END, timeout=2) if rest.count(_END) < 2 else b""
                said, _, failed = rest.partition(_END)
                *whole, rest = said.split(b"\n")
                for line in whole or [b""]:
                    yield line.decode(errors="replace").strip()
                if failed.strip(_END + b">"):
                    raise failures.on_board(failed.partition(_END)[0].decode(errors="replace"), self._reset_button)
        finally:
            self.interrupt()

    def lines(self, going_on: Callable[[], bool]) -> Iterator[str]:
        """What a board that runs says on its console, line by line, as long as going_on()."""
        rest, self._heard = self._heard, b""
        while going_on():
            try:
                with self._guarded():
                    rest += cable_prompt.drain(self._transport.serial, 0.1)
            except Problem:
                if not self._known.vanishes:
                    raise
                self._reopen()
            *whole, rest = rest.split(b"\n")
            for line in whole:
                yield line.decode(errors="replace").strip()

    def _hear(self, data: bytes) -> None:
        self._heard += data

    def _reopen(self) -> None:
        with contextlib.suppress(Exception):  # not close(), which sets lines that are no longer there
            self._transport.serial.close()
        end = time.monotonic() + _BACK_S
        while True:
            self.port = ports.again(self._known, end - time.monotonic())
            try:
                self._transport = _opened(self.port)
                return
            except Problem:  # the system is not done with it yet
                if time.monotonic() > end:
                    raise
                time.sleep(_QUIET_S)

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except TransportExecError as error:
            raise failures.on_board(error.error_output, self._reset_button) from None
        except cable_prompt.Silent as silent:
            raise failures.silent(self.port, self._reset_button, silent.seen) from None
        except TransportError:
            raise failures.silent(self.port, self._reset_button, b"") from None
        except ports.BROKEN:
            raise failures.broken(self.port) from None


def _opened(device: str) -> Any:
    """mpremote's transport at a port. Problem."""
    ports.check(device)
    try:
        return transport_serial.SerialTransport(device, timeout=_READ_S)
    except (TransportError, OSError, ValueError):
        # It does not say why; whoever tries it too learns it.
        ports.opened(device).close()
        raise ports.problem(device, OSError()) from None
