"""How the prompt of a board with MicroPython is reached, whatever runs there, on mpremote's serial transport."""

import time
from typing import Any

RAW = b"raw REPL; CTRL-B to exit\r\n"
_QUIET_S = 0.05
_HOPELESS = 9  # a chip without an image says so again and again: it won't get better


class Silent(Exception):
    """It was not reached; seen: what was said instead."""

    def __init__(self, seen: bytes) -> None:
        self.seen = seen


def take(transport: Any, patience_s: float) -> None:
    """Interrupts what runs there and takes the raw prompt. Silent, or what a port raises that goes away.

    patience_s: for so long a board may be starting, or busy.
    """
    port, end, seen = transport.serial, time.monotonic() + patience_s, b""
    while True:
        port.write(b"\r\x03")
        seen += drain(port)
        port.write(b"\r\x01")
        said = _until(port, RAW, 1, 2)
        if said.endswith(RAW):
            break
        seen = (seen + said)[-4000:]
        if time.monotonic() > end or seen.count(b"invalid header") > _HOPELESS:
            raise Silent(seen)
    # What an earlier knock is still answered must not be taken for an answer to what follows.
    drain(port)
    port.write(b"\r\x01")
    if not _until(port, RAW, 2, 4).endswith(RAW):
        raise Silent(seen)
    transport.in_raw_repl = True


def drain(port: Any, quiet_s: float = _QUIET_S) -> bytes:
    """Takes what has come until it is quiet, for a second at most. OSError and more of a port that goes away."""
    said = b""
    end = time.monotonic() + 1
    last = time.monotonic()
    while time.monotonic() < min(end, last + quiet_s):
        if waiting := port.in_waiting:
            said += (data := port.read(waiting))
            if len(data) < waiting:
                raise OSError  # so the port of a serial server ends
            last = time.monotonic()
        else:
            time.sleep(0.005)
    return said


def _until(port: Any, ending: bytes, quiet_s: float, most_s: float) -> bytes:
    """What comes up to the ending, or until it is quiet. The transport's own never ends while something talks."""
    said = b""
    start = last = time.monotonic()
    while not said.endswith(ending) and time.monotonic() < min(last + quiet_s, start + most_s):
        if port.in_waiting:
            said += port.read(1)
            last = time.monotonic()
        else:
            time.sleep(0.005)
    return said
