"""RTC memory as a place for one blob that outlives resets and sleep: magic, length, check sum, data.

The first byte of RTC memory belongs to clock.py, the next four to guard.py.
"""

import struct
from binascii import crc32

from bordstein import platform

_HEAD = "<2sHI"
_START = 8
_AT = _START + 8
CAPACITY = platform.RTC_BYTES - _AT


def load():
    """What store() left, or b"" when nothing whole is there."""
    memory = platform.rtc_memory()
    if len(memory) < _AT:
        return b""
    magic, length, check = struct.unpack_from(_HEAD, memory, _START)
    data = memory[_AT : _AT + length]
    if magic != b"Bo" or len(data) != length or crc32(data) != check:
        return b""
    return bytes(data)


def store(data):
    """Replace the blob; at most CAPACITY bytes."""
    if len(data) > CAPACITY:
        raise ValueError("RTC memory holds %d bytes, not %d" % (CAPACITY, len(data)))
    first = platform.rtc_memory()[:_START]
    first += bytes(_START - len(first))
    platform.rtc_memory(first + struct.pack(_HEAD, b"Bo", len(data), crc32(data)) + data)
