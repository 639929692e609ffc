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
_LOOK_S = 0.01
_MOST_UNREAD = 1 << 18  # what nobody reads is lost


class PtyBoard:
    """said: everything the board has printed. starts: how often it started. pulled: an event."""

    def __init__(self, scenario: Path, pulled_after: int | None = None) -> None:
        self._scenario = scenario
        self._bytes_left = pulled_after
        self._pull_on, self._said_before = b"", 0
        self._master, slave = pty.openpty()
        tty.setraw(slave)
        self.port = os.ttyname(slave)
        os.close(slave)  # or this program would be one that has the port open
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

    def pull_on(self, text: bytes) -> None:
        """Pulls as soon as the board says it."""
        with self._news:
            self._pull_on, self._said_before = text, len(self.said)

    def wait_for(self, text: bytes, seconds: float = 20, start: int = 0) -> None:
        """Until the board has said it, from that place of said on. AssertionError."""
        with self._news:
            if not self._news.wait_for(lambda: text in self.said[start:], seconds):
                raise AssertionError(f"{text!r} did not come; the board said {bytes(self.said[start:])!r}")

    def wait_for_start(self, number: int, seconds: float = 20) -> None:
        """Until it has started for the so-many-th time, and said something. AssertionError."""
        with self._news:
            if not self._news.wait_for(lambda: self.starts >= number, seconds):
                raise AssertionError(f"the board has started {self.starts} times only")

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
        os.close(self._master)

    def _carry(self) -> None:
        """Bytes in both directions, until the board's process ends."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin and stdout
        unread, is_open = b"", True
        with stdin, stdout:
            while True:
                # That nobody has the port open no event tells, nor the end of it.
                listened = [self._master, stdout] if is_open else [stdout]
                wait_s = None if is_open else _LOOK_S
                readable, writable, _ = select.select(
                    listened, [self._master] if unread and is_open else [], [], wait_s
                )
                is_open = True
                if writable:
                    unread = unread[os.write(self._master, unread[:1024]) :]
                for ready in readable:
                    if ready is stdout:
                        data = stdout.read(4096)
                        if not data:
                            return
                        with self._news:
                            self.said += data
                            if self._pull_on and self._pull_on in self.said[self._said_before :]:
                                self.pull()
                            self._news.notify_all()
                        unread = (unread + data)[-_MOST_UNREAD:]
                    else:
                        try:
                            data = os.read(self._master, 4096)
                        except OSError:
                            is_open = False
                            continue
                        self.taken += len(data)
                        if self._bytes_left is not None:
                            data, self._bytes_left = data[: self._bytes_left], self._bytes_left - len(data)
                        with contextlib.suppress(BrokenPipeError):
                            stdin.write(data)
                        if self._bytes_left is not None and self._bytes_left <= 0:
                            self.pull()
