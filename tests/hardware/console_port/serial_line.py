"""The board's end of its USB cable: stdin and stdout of this process.

As on a board, what comes in while a program runs waits until somebody reads it, and Ctrl-C interrupts the program.
Here it is noticed where a program waits (sleep, asyncio): a loop that never waits can't be interrupted.
"""

import select
import sys

import utime

_CTRL_C = 3

_in = sys.stdin.buffer
_out = sys.stdout.buffer
_poll = select.poll()
_poll.register(_in, select.POLLIN)
_waiting = bytearray()  # came while a program ran
gone = sys.exit  # what to do when nobody is at the other end any more; console.py puts its own here
idle = None  # called about once a second while read() waits


def write(data):
    _out.write(data)


def read(at_once=False):
    """The next byte, as a number; waits for it. at_once: it is on its way, so nothing is done meanwhile."""
    global _waiting
    if _waiting:
        byte = _waiting[0]
        _waiting = _waiting[1:]
        return byte
    while not at_once and not _poll.poll(1000):
        if idle:
            idle()
    return _byte()


def look(wait_ms=0):
    """Waits so long or until something comes, and takes it; KeyboardInterrupt when a Ctrl-C was among it."""
    interrupted = False
    while _poll.poll(wait_ms):
        wait_ms = 0
        byte = _byte()
        if byte == _CTRL_C:
            interrupted = True
        else:
            _waiting.append(byte)
    if interrupted:
        raise KeyboardInterrupt


def sleep_ms(ms):
    end = utime.ticks_add(utime.ticks_ms(), max(int(ms), 0))
    while True:
        left = utime.ticks_diff(end, utime.ticks_ms())
        look(max(left, 0))
        if left <= 0:
            return


def _byte():
    data = _in.read(1)
    if not data:
        gone(0)
    return data[0]
