"""`bordstein` in a terminal of its own, for what people type and see."""

import fcntl
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

BORDSTEIN = Path(sys.executable).with_name("bordstein")
ENVIRONMENT = {**os.environ, "BORDSTEIN_LANG": "en", "COLUMNS": "160", "LINES": "40", "TERM": "xterm"}
_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """said: all that was shown, without control sequences."""

    def __init__(
        self,
        *words: str,
        folder: Path | None = None,
        program: Path = BORDSTEIN,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._words, self._folder = words, folder
        self._program, self._environment = program, {**ENVIRONMENT, **(environment or {})}
        self._shown = b""

    @property
    def said(self) -> str:
        return _SEQUENCE.sub("", self._shown.decode(errors="replace"))

    def __enter__(self) -> Self:
        self._end, inner = pty.openpty()
        self._process = subprocess.Popen(
            [self._program, *self._words],
            cwd=self._folder,
            env=self._environment,
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C reaches it as a person's
        )
        os.close(inner)
        return self

    def __exit__(self, *_: Any) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._end)

    def type(self, keys: bytes) -> None:
        os.write(self._end, keys)

    def wait_for(self, *texts: str, seconds: float = 30) -> None:
        """Until all of them were shown. AssertionError."""
        self._read(lambda: all(text in self.said for text in texts), seconds)
        missing = [text for text in texts if text not in self.said]
        assert not missing, f"{missing} did not come; there stands {self.said}"

    def ends(self, seconds: float = 30) -> int:
        """Its exit code."""
        self._read(lambda: self._process.poll() is not None, seconds)
        return self._process.wait(1)

    def _read(self, enough: Any, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not enough() and time.monotonic() < end:
            if select.select([self._end], [], [], 0.1)[0]:
                try:
                    self._shown += os.read(self._end, 65536)
                except OSError:  # it ended
                    time.sleep(0.02)
