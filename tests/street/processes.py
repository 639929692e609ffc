"""Processes of a virtual street: started with a log file, ended with their parent, never left behind.

Every process gets a session of its own (so a Ctrl-C in the terminal reaches only the one who manages them) and the
kernel's promise to end it when the thread that started it ends, however that happens. Therefore one thread starts
them all: it lives as long as this Python does.
"""

import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_starter = ThreadPoolExecutor(1, thread_name_prefix="starter")
_reserved: list[socket.socket] = []


class NotReady(Exception):
    """A server did not come up; the message carries the end of its log."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that stays ours while this process lives, also while its server is down.

    Ports come from below the range the kernel gives to outgoing connections: a client that dials a dead server's
    port in that range can get this very port as its own, and then it talks to itself. The UDP port of the same
    number is held as a sign for other runs on this machine.
    """
    for _ in range(1000):
        port = random.randrange(15000, 32000)
        sign = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sign.bind(("127.0.0.1", port))
            with socket.socket() as probe:
                # Bound and not listening: a child that another thread starts just now holds a copy for a moment.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            sign.close()
            continue
        _reserved.append(sign)
        return port
    raise NotReady("no free port between 15000 and 32000 on 127.0.0.1")


def until(condition: Callable[[], object], seconds: float, pause: float = 0.02) -> bool:
    """Wait until the condition holds, at most so many seconds; whether it did."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True


class Process:
    """One program with its log. start() again after it ended starts it anew, appending to the same log."""

    def __init__(self, name: str, command: Sequence[object], log: Path, environment: Mapping[str, str] | None = None):
        self.name = name
        self.command = [str(word) for word in command]
        self.log = log
        self.environment = dict(environment or {})
        self.process: subprocess.Popen[bytes] | None = None
        self.kills = 0

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        assert not self.running, f"{self.name} runs already"
        self.process = _starter.submit(self._popen).result()

    def _popen(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.command,
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    def kill(self) -> None:
        """SIGKILL: for a server a crash, for a board a power cut. Returns when the process is gone."""
        if self.process is not None and self.process.poll() is None:
            self.kills += 1
            self._signal(signal.SIGKILL)
            self.process.wait()

    def stop(self, seconds: float = 15) -> int:
        """SIGTERM, and SIGKILL if that does not end it in time; the exit code (negative: the signal)."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self._signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
        return self.process.wait()

    def tail(self, lines: int = 15) -> str:
        """The end of the log, for an error message."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def wait_ready(self, ready: Callable[[], object], seconds: float) -> None:
        """Wait for readiness; NotReady with the log's end if the process ends before or takes too long."""
        until(lambda: ready() or not self.running, seconds)
        if not self.running:
            code = self.process.returncode if self.process is not None else None
            raise NotReady(f"{self.name} ended with {code} while starting:\n{self.tail()}")
        if not ready():
            raise NotReady(f"{self.name} was not ready after {seconds} s:\n{self.tail()}")

    def _signal(self, number: int) -> None:
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)  # its session's group: the wrapper script and what it started

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def piped(
    command: Sequence[object], log: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """A program that is spoken to through its standard input and output; what it complains of goes into the log."""

    def start() -> subprocess.Popen[bytes]:
        with log.open("ab") as complaints:
            return subprocess.Popen(
                [str(word) for word in command],
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                bufsize=0,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    return _starter.submit(start).result()


def _end_with_parent() -> None:
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
