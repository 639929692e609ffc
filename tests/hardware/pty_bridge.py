"""A virtual board (console.py) on a pseudo-terminal, for programs that open a serial port. For CPython on Linux.

    with PtyBoard(scenario_file) as board:
        SerialTransport(board.port)

Starts the board again when it resets (code 42) or its watchdog bites. pull() takes cable and power away at once;
pulled_after: the same once so many bytes have gone to the board.
"""

import contextlib
import os
import pty
import select
import signal
import subprocess
import threading
import tty
from pathlib import Path
from typing import Any, Self

from tests.hardware import micropython

RESET = 42
_MOST_UNREAD = 1 << 18  # what nobody reads is lost


class PtyBoard:
    """said: everything the board has printed. starts: how often it started. pulled: an event."""

    def __init__(self, scenario: Path, pulled_after: int | None = None) -> None:
        self._scenario = scenario
        self._bytes_left = pulled_after
        self._master, self._slave = pty.openpty()  # kept open: a port exists also while nobody has it open
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self.said = bytearray()
        self.taken = 0
        self.starts = 0
        self.pulled = threading.Event()
        self._news = threading.Condition()
        self._process = self._start()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.pull()
        self._thread.join()

    def pull(self) -> None:
        """The cable is out: the power is gone, and so is the port."""
        self.pulled.set()
        self._process.kill()

    def pull_after(self, count: int) -> None:
        """Pulls once so many more bytes have gone to the board."""
        self._bytes_left = count

    def wait_for(self, text: bytes, seconds: float = 20, start: int = 0) -> None:
        """Until the board has said it, from that place of said on. AssertionError."""
        with self._news:
            if not self._news.wait_for(lambda: text in self.said[start:], seconds):
                raise AssertionError(f"{text!r} did not come; the board said {bytes(self.said[start:])!r}")

    def _start(self, *cause: str) -> subprocess.Popen[bytes]:
        script = micropython.HARDWARE / "console.py"
        command = micropython.command(script, self._scenario, *cause)
        self.starts += 1
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    def _run(self) -> None:
        while not self.pulled.is_set():
            self._carry()
            code = self._process.wait()
            if code not in (RESET, -signal.SIGALRM) or self.pulled.is_set():
                break
            self._process = self._start(*(("--cause", "watchdog") if code < 0 else ()))
            if self.pulled.is_set():
                self._process.kill()
        self._process.wait()
        for end in (self._slave, self._master):
            os.close(end)

    def _carry(self) -> None:
        """Bytes in both directions, until the board's process ends."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin and stdout
        unread = b""
        with stdin, stdout:
            while True:
                readable, writable, _ = select.select([self._master, stdout], [self._master] if unread else [], [])
                if writable:
                    unread = unread[os.write(self._master, unread[:1024]) :]
                for ready in readable:
                    if ready is stdout:
                        data = stdout.read(4096)
                        if not data:
                            return
                        with self._news:
                            self.said += data
                            self._news.notify_all()
                        unread = (unread + data)[-_MOST_UNREAD:]
                    else:
                        data = os.read(self._master, 4096)
                        self.taken += len(data)
                        if self._bytes_left is not None:
                            data, self._bytes_left = data[: self._bytes_left], self._bytes_left - len(data)
                        with contextlib.suppress(BrokenPipeError):
                            stdin.write(data)
                        if self._bytes_left is not None and self._bytes_left <= 0:
                            self.pull()
