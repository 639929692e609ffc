"""The board's end of its USB cable: stdin and stdout of this process.

As on a board, what comes in while a program runs waits until somebody reads it, and Ctrl-C interrupts the program.
Here it is noticed where a program waits (sleep, asyncio): a loop that never waits can't be interrupted.
"""

import select
import sys

import ffi
import utime

_CTRL_C = b"\x03"

_in = sys.stdin.buffer
_out = sys.stdout.buffer
_poll = select.poll()
_poll.register(_in, select.POLLIN)
# A file's own read() waits until it has as many bytes as it was asked for.
_libc_read = ffi.open("libc.so.6").func("i", "read", "iPi")
_chunk = bytearray(512)
_waiting = b""  # has come, and nobody has read it yet
gone = sys.exit  # what to do when nobody is at the other end any more; console.py puts its own here
idle = None  # called about once a second while read() waits


def write(data):
    _out.write(data)


def read():
    """The next byte, as a number; waits for it."""
    return take(1)[0]


def take(most, at_once=False):
    """What has come, at least one and at most so many bytes; waits for them. at_once: they are on their way, so nothing
    is done meanwhile."""
    global _waiting
    if not _waiting:
        while not at_once and not _poll.poll(1000):
            if idle:
                idle()
        _receive()
    data = _waiting[:most]
    _waiting = _waiting[most:]
    return data


def back(data):
    """Nobody wanted these yet."""
    global _waiting
    _waiting = data + _waiting


def look(wait_ms=0):
    """Waits so long or until something comes, and takes it; KeyboardInterrupt when a Ctrl-C was among it."""
    global _waiting
    while _poll.poll(wait_ms):
        wait_ms = 0
        _receive()
    if _CTRL_C in _waiting:
        _waiting = _waiting.replace(_CTRL_C, b"")
        raise KeyboardInterrupt


def sleep_ms(ms):
    end = utime.ticks_add(utime.ticks_ms(), max(int(ms), 0))
    while True:
        left = utime.ticks_diff(end, utime.ticks_ms())
        look(max(left, 0))
        if left <= 0:
            return


def _receive():
    global _waiting
    count = _libc_read(0, _chunk, len(_chunk))
    if count <= 0:
        gone(0)
    _waiting += bytes(memoryview(_chunk)[:count])
