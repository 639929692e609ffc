"""RTC memory as a place for blobs that outlive resets and sleep: each in an area of its own, with magic, length, check
sum, data.

The first byte of RTC memory belongs to clock.py, the next four to guard.py.
"""

import struct
from binascii import crc32

from micropython import const

from bordstein import platform

_HEAD = "<2sHI"
_HEAD_BYTES = const(8)

# Areas: (first byte, bytes).
CYCLE = (8, 768)  # cycle.py
BATCH = (CYCLE[0] + CYCLE[1], platform.RTC_BYTES - CYCLE[0] - CYCLE[1])  # batch.py


def capacity(area):
    """Bytes that a blob there may have."""
    return area[1] - _HEAD_BYTES


def load(area):
    """What store() left in an area, or b"" when nothing whole is there."""
    start = area[0]
    memory = platform.rtc_memory()
    if len(memory) < start + _HEAD_BYTES:
        return b""
    magic, length, check = struct.unpack_from(_HEAD, memory, start)
    start += _HEAD_BYTES
    data = bytes(memory[start : start + length])
    if magic != b"Bo" or len(data) != length or crc32(data) != check:
        return b""
    return data


def store(area, data):
    """Replace an area's blob; at most capacity(area) bytes."""
    if len(data) > capacity(area):
        raise ValueError("RTC memory holds %d bytes there, not %d" % (capacity(area), len(data)))
    blob = struct.pack(_HEAD, b"Bo", len(data), crc32(data)) + data
    start, end = area[0], area[0] + len(blob)
    memory = platform.rtc_memory()
    before = memory[:start] + bytes(max(start - len(memory), 0))
    platform.rtc_memory(before + blob + memory[end:])
