"""Is the board on a port still the same? Noticed without a word to it, as it works already."""

import contextlib
import sys
import threading
import time
from pathlib import Path

from serial.tools import list_ports  # type: ignore[import-untyped]

from ..board import ports
from ..texts import Problem

_STARTS = b"rst:0x", b"invalid header"  # what a chip's ROM says with new power, and one without an image
_SETTLES_S = 3  # opening a port may restart the board
_LOOK_S = 15
_READ_S = 0.2


def there(port: str) -> bool:
    """Does a port exist, or answer, if it is one over the network?"""
    if "://" in port:
        try:
            ports.opened(port, timeout=_READ_S).close()
        except Problem:
            return False
        return True
    if sys.platform == "win32":
        return port.upper() in (found.device.upper() for found in list_ports.comports())
    return Path(port).exists()


class Kept:
    """A port that is held open, and listened to. Problem: it cannot be opened."""

    def __init__(self, port: str) -> None:
        self.port = port
        self._serial = ports.opened(port, baudrate=115200, timeout=_READ_S)
        self._opened = time.monotonic()

    def close(self) -> None:
        with contextlib.suppress(*ports.BROKEN):
            self._serial.close()

    def same(self, stopped: threading.Event) -> bool:
        """Returns False when the cable was pulled, or a board starts; True when it should be looked at: it starts again
        and again. Or when stopped."""
        said, restless = b"", False
        while not stopped.is_set():
            try:
                said = said[-20:] + self._serial.read(4096)
            except ports.BROKEN:
                return False
            passed = time.monotonic() - self._opened
            starts = any(word in said for word in _STARTS)
            if starts and passed < _SETTLES_S:
                restless = True
            elif starts and not restless:
                return False
            if restless and passed > _LOOK_S:
                return True
        return True


def patiently(port: str, stopped: threading.Event) -> Kept:
    """Kept(port) after a restart, at which some chips' ports go away for a moment. Problem: it is gone."""
    end = time.monotonic() + _SETTLES_S
    while not there(port) and time.monotonic() < end:
        stopped.wait(_READ_S)
    return Kept(port)
