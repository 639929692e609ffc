"""The C library's way with memory, where that is glibc: what large answers took is given back once they are sent.

Without it each thread has an arena of its own, and keeps the most that it ever needed. Source: mallopt(3).
"""

import ctypes
import sys
from contextlib import suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_BYTES = 131_072


def frugal() -> None:
    """For the whole process; before its threads begin."""
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError):  # another C library
        library = ctypes.CDLL(None)
        for option, value in ((_ARENA_MAX, 1), (_TRIM_THRESHOLD, _BYTES), (_MMAP_THRESHOLD, _BYTES)):
            library.mallopt(option, value)
