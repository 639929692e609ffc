"""A board on a USB cable: its ROM loader, the program it runs, and the two lines that choose between them.

    with UsbBoard(flash, command) as board:
        esptool.cmds.detect_chip(board.url)      # rfc2217://…: DTR and RTS reset it, as on a real board
    with UsbBoard(flash, command, serial="pty", mode="loader") as board:
        serial.Serial(board.url)                 # a pseudo-terminal has no such lines: it stays in its mode

The command is a program that speaks on standard input and output as a board does on its UART. It ends with code 42 for
machine.reset() and is then started again; killed by its watchdog (SIGALRM) it is started again with `--cause watchdog`.
The reset button (EN) is a power cut to it. A board with a blank flash says so instead of running.

board.unplug() pulls the cable, board.unplug_at(n) as soon as n more bytes have come from the host,
board.unplug_after(n) as soon as the board has said n more; board.plug() puts it in again. Nobody at the port: what the
board prints is lost, as on a UART.

native=True: the port is the chip's own USB, as a C3 and an S3 have it. It goes with each reset into the program and
comes back at another address. Its lines are those of the USB serial/JTAG controller in the chip's reference manual.
"""

import contextlib
import os
import pty
import signal
import socket
import subprocess
import threading
import tty
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from tests.hardware.loader import Faults, RomLoader, Vanished
from tests.hardware.usb_ends import Socket, Terminal
from tests.street import processes

_LEAVES_S, _AWAY_S = 0.3, 0.4
RESET = 42  # exit code of machine.reset() in a virtual board
_BANNER = {
    "esp32": ("ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:", "0x13 (SPI_FAST_FLASH_BOOT)", "0x3"),
    "esp32c3": ("ESP-ROM:esp32c3-api1-20210207\r\nrst:0x1 (POWERON),boot:", "0xd (SPI_FAST_FLASH_BOOT)", "0x5"),
}
Mode = Literal["run", "loader"]


class UsbBoard:
    """One board and its cable. Safe to use from several threads.

    flash: file of the whole flash chip, made blank when missing. command: see above; none: a board that says nothing.
    port: of the RFC 2217 address, to take another board's place. url: what esptool and mpremote open, "" while there
    is no port; a pseudo-terminal gets a new one at each plug(). unplugged: is set while the cable is out. starts: how
    often the program was started. urls: every address it had. heard, said: bytes from and to the host so far.
    log: where the program's complaints go.
    """

    def __init__(
        self,
        flash: Path,
        command: Sequence[object] = (),
        *,
        chip: str = "esp32",
        mac: str = "24a160123456",
        faults: Faults | None = None,
        serial: Literal["rfc2217", "pty"] = "rfc2217",
        mode: Mode = "run",
        environment: Mapping[str, str] | None = None,
        port: int | None = None,
        native: bool = False,
    ) -> None:
        assert not native or serial == "rfc2217"
        self.loader = RomLoader(chip, flash, mac, faults or Faults())
        self.log = flash.with_suffix(".log")
        self.unplugged = threading.Event()
        self.unplugged.set()
        self.starts = 0
        self.heard = self.said = 0
        self.mode: Mode | None = None
        self._command = list(command)
        self._environment = environment
        self._serial = serial
        self._first: Mode = mode
        self._native = native
        self._download = False  # what a native port's lines told the next reset
        self._back: threading.Timer | None = None
        self._port = (port or processes.free_port()) if serial == "rfc2217" else 0
        self.url = f"rfc2217://127.0.0.1:{self._port}"
        self.urls: list[str] = []
        self.lock = threading.RLock()
        self._program: subprocess.Popen[bytes] | None = None
        self._blank: threading.Event | None = None
        self._listener: socket.socket | None = None
        self._end: Socket | Terminal | None = None
        self._en = True
        self._left: int | None = None
        self._to_say: int | None = None

    def plug(self) -> None:
        """The cable is put in: the board has power and starts."""
        with self.lock:
            assert self.unplugged.is_set()
            self.unplugged.clear()
            self._en = True
            if self._serial == "pty":
                master, slave = pty.openpty()
                tty.setraw(slave)
                self.url = os.ttyname(slave)
                os.close(slave)  # or this program would be one that has the port open
                self._end = Terminal(self, master)
                threading.Thread(target=self._end.serve, daemon=True).start()
            else:
                self._open()
            self._start(self._first)

    def unplug(self) -> None:
        """The cable is pulled: whoever has the port open gets an error, and nothing of the board runs any more."""
        with self.lock:
            self._left = self._to_say = None
            self._stop()
            if self._back is not None:
                self._back.cancel()
                self._back = None
            self._close()
            self.unplugged.set()

    def unplug_at(self, received: int) -> None:
        """The cable is pulled once so many more bytes have come from the host."""
        with self.lock:
            self._left = received

    def unplug_after(self, said: int) -> None:
        """The cable is pulled once the board has said so many more bytes."""
        with self.lock:
            self._to_say = said

    def press_reset(self, mode: Mode = "run") -> None:
        """Somebody presses EN, with mode="loader" while holding BOOT."""
        with self.lock:
            self._start(mode)

    def __enter__(self) -> "UsbBoard":
        self.plug()
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()

    def _open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self.url = f"rfc2217://127.0.0.1:{self._port}"
        self.urls.append(self.url)
        threading.Thread(target=self._listen, args=(self._listener,), daemon=True).start()

    def _close(self) -> None:
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
            self._listener.close()
            self._listener = None
        if self._end is not None:
            self._end.close()
            self._end = None

    def _vanish(self) -> None:
        """The chip's own USB goes, and comes again."""
        if self._back is not None:
            self._back.cancel()
        self._back = threading.Timer(_LEAVES_S, self._leave)
        self._back.start()

    def _leave(self) -> None:
        with self.lock:
            if threading.current_thread() is self._back:
                self.url = ""
                self._close()
                self._back = threading.Timer(_AWAY_S, self._return)
                self._back.start()

    def _return(self) -> None:
        with self.lock:
            if threading.current_thread() is self._back:
                self._back = None
                self._port = processes.free_port()
                self._open()

    def _listen(self, listener: socket.socket) -> None:
        """One client at a time has the port; the next gets it when that one has gone."""
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                if self._listener is not listener:
                    client.close()
                    return
                end = self._end = Socket(self, client)
            end.serve()
            with self.lock:
                if self._end is end:
                    self._end = None
                    end.lines.put(False, False)

    def lines(self, dtr: bool, rts: bool) -> None:
        """The auto-reset circuit. Both asserted after EN was low: its capacitor still holds EN, GPIO0 decides soon."""
        with self.lock:
            if self._native:
                if not rts:
                    self._download = dtr
                elif not dtr and not self.unplugged.is_set():
                    self._start("loader" if self._download else "run")
                    if self.mode == "run":
                        self._vanish()
            elif rts and not dtr:
                self._en = False
                self._stop()
            elif not self._en and not (dtr and rts) and not self.unplugged.is_set():
                self._en = True
                self._start("loader" if dtr else "run")

    def _start(self, mode: Mode) -> None:
        self._stop()
        if self.loader.faults.no_download:
            mode = "run"
        self.mode = mode
        head, run, load = _BANNER[self.loader.chip]
        if mode == "loader":
            self.loader.reset()
            self._say(f"{head}{load} (DOWNLOAD_BOOT(UART0))\r\nwaiting for download\r\n".encode())
            return
        self._say(f"{head}{run}\r\n".encode())
        with self.loader.flash.open("rb") as flash:
            flash.seek(self.loader.family.start)
            sound = flash.read(1) == b"\xe9"
        if not sound:
            self._blank = threading.Event()
            threading.Thread(target=self._complain, args=(self._blank,), daemon=True).start()
        elif self._command:
            self._run([])

    def _stop(self) -> None:
        self.mode = None
        if self._blank is not None:
            self._blank.set()
            self._blank = None
        program, self._program = self._program, None
        if program is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
            program.wait()
            assert program.stdin is not None
            program.stdin.close()

    def _complain(self, over: threading.Event) -> None:
        """A chip without an image: its watchdog starts it again and again."""
        while not over.wait(0.05):
            with self.lock:
                if not over.is_set():
                    self._say(b"invalid header: 0xffffffff\r\n" * 3)

    def _run(self, cause: list[str]) -> None:
        program = processes.piped([*self._command, *cause], self.log, self._environment)
        assert program.stdin is not None
        os.set_blocking(program.stdin.fileno(), False)
        self._program = program
        self.starts += 1
        threading.Thread(target=self._listen_to, args=(program,), daemon=True).start()

    def _listen_to(self, program: subprocess.Popen[bytes]) -> None:
        assert program.stdout is not None
        with program.stdout as output:
            while said := output.read(4096):
                with self.lock:
                    if self._program is program:
                        self._say(said)
        code = program.wait()
        with self.lock:
            if self._program is program and code in (RESET, -signal.SIGALRM):
                self._run([] if code == RESET else ["--cause", "watchdog"])
                if self._native:
                    self._vanish()

    def _say(self, data: bytes) -> None:
        self.said += len(data)
        if self._to_say is not None:
            data = data[: self._to_say]
            self._to_say -= len(data)
        if self._end is not None:
            self._end.send(data)
        if self._to_say == 0:
            self.unplug()

    def hear(self, data: bytes) -> None:
        """Bytes from the host."""
        with self.lock:
            self.heard += len(data)
            if self._left is not None:
                data = data[: self._left]
                self._left -= len(data)
            if self.mode == "loader":
                try:
                    answer = self.loader.feed(data)
                except Vanished:
                    self.unplug()
                    return
                self._say(answer)
                if self.loader.ended:
                    self._start("run")
            elif self._program is not None:
                assert self._program.stdin is not None
                # As a UART: what the program is too slow for, or no longer there for, is lost.
                with contextlib.suppress(BlockingIOError, BrokenPipeError):
                    self._program.stdin.write(data)
            if self._left == 0:
                self.unplug()
