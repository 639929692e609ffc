"""What happens on the board, a line each: to the console, and the last of it kept for the town (command `log`).

No secret comes here: whoever says something names settings, never their values.
"""

import io
import sys

from micropython import const

from bordstein import platform

_MOST = const(1500)  # characters kept
_FILE = "crash"

_lines = []  # type: list[str]


def stamp():
    """Seconds since the start; clock.py puts its own here."""
    return 0


def say(*words):
    """Print a line and keep it."""
    line = " ".join([str(word) for word in words]).rstrip()
    print(line)
    _lines.append("%d %s" % (stamp(), line))
    size = sum([len(kept) for kept in _lines])
    while size > _MOST and len(_lines) > 1:
        size -= len(_lines.pop(0))


def trace(error):
    """Say an exception with its way through the code."""
    text = io.StringIO()
    sys.print_exception(error, text)  # type: ignore[call-arg]
    say(text.getvalue().rstrip())


def lines():
    """What is kept, oldest first, each with the second it was said; before it what the last crash left."""
    try:
        with open(_FILE) as file:
            return file.read().split("\0") + _lines
    except OSError:
        return _lines


def keep():
    """Write what is kept to flash: the board is about to restart over a mistake."""
    try:
        platform.replace(_FILE, "\0".join(_lines))
    except OSError:
        pass  # then it is only on the console
