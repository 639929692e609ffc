"""What a batch has done: a line of JSON each, appended to a file beside the list and on the disk before it counts.

| event | what |
|---|---|
| `begin` | the row `asset` is `device`'s from here on |
| `step` | what is done now, with `text` |
| `ready` | with `seconds`, `complaints` and `facts` for the label |
| `failed`, `broken` | with `error`; broken: the cable was out |
| `redo` | the row may go to another board |

Each has `time` (UTC), and `asset`, `device` and `port` where there are such. Nothing is done to a board before its
`begin` is on the disk; so a last line that a power cut tore is as good as none.
"""

import datetime as dt
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any, BinaryIO, Self

from ..texts import Problem, reason

Record = dict[str, Any]
EVENTS = ("begin", "step", "ready", "failed", "broken", "redo")
_FAR = 1 << 40
"""Where Windows' lock lies: what is locked there nobody else can read."""


def beside(path: Path) -> Path:
    """Where a list's protocol lies."""
    return path.with_name(path.stem + ".protocol.jsonl")


def records(content: bytes) -> list[Record]:
    """All whole lines of a protocol, in their order."""
    found = []
    for line in content.split(b"\n"):
        try:
            record = json.loads(line)
        except ValueError:  # torn, and never counted
            continue
        if isinstance(record, dict) and record.get("event") in EVENTS:
            found.append(record)
    return found


class Unwritable(Problem):
    """Nothing may be done any more: nobody would know of it."""


class Protocol:
    """Opened to be gone on with, by one program at a time. note() may be called from several threads."""

    def __init__(self, path: Path) -> None:
        """Problem: it cannot be written, or another program writes it."""
        self.path = path
        self._lock = threading.Lock()
        try:
            self._file = path.open("a+b")
            try:
                if not _taken(self._file):
                    raise Problem(
                        f"An {path} arbeitet schon ein anderes „bordstein batch“; bitte das beenden.",
                        f'another "bordstein batch" is at work on {path}; end that, please.',
                    )
                self._file.seek(0)
                content = self._file.read()
                self.found = records(content)
                if content and not content.endswith(b"\n"):
                    self._write(b"\n")
            except BaseException:
                self._file.close()
                raise
        except OSError as error:
            raise self._unwritable(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._file.close()

    def note(self, event: str, **facts: Any) -> None:
        """On the disk when this returns. Unwritable."""
        record = {"time": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"), "event": event, **facts}
        with self._lock:
            try:
                self._write(json.dumps(record).encode() + b"\n")
            except (OSError, ValueError) as error:  # ValueError: it is closed
                raise self._unwritable(error if isinstance(error, OSError) else OSError()) from None

    def _write(self, content: bytes) -> None:
        self._file.write(content)
        self._file.flush()
        os.fsync(self._file.fileno())

    def _unwritable(self, error: OSError) -> Unwritable:
        return Unwritable(
            f"Das Protokoll {self.path} lässt sich nicht schreiben ({reason(error)}).",
            f"the protocol {self.path} cannot be written ({error.strerror}).",
        )


def _taken(file: BinaryIO) -> bool:
    """Is the file ours alone now? However this program ends, it is free then."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(_FAR)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a file system that knows no locks
        return True
    return True
