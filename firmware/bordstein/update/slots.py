"""Which software a board runs, and what it remembers of updates: two small files, replaced by rename.

`slot`: the slot that runs (a, b, or - for what came over the cable), the slot on trial (or -), the starts which that
trial has left, and the CRC of these three characters. boot.py reads it and counts the starts; its form never changes.

`update`: the CRC of the rest in 8 hex digits, then JSON: `floor` (no older version is installed), `newest` (date of the
newest release that was confirmed) and `last` (the last order as it stands in the board's state).
"""

import json
import sys
from binascii import crc32

from bordstein import platform

STARTS = "3"
NONE = "-"


def running():
    """The slot from which this software was loaded."""
    return sys.path[0] if sys.path[0] in ("a", "b") else NONE


def load():
    """(the slot that is in use, the one on trial)"""
    try:
        with open("slot", "rb") as file:
            data = file.read(8)
        if crc32(data[:3]) == int.from_bytes(data[3:], "big"):
            active, trial, _ = data[:3].decode()
            return active, trial
    except (OSError, ValueError):
        pass
    return NONE, NONE


def save(active, trial=NONE):
    """From the next start on. Durable on return; OSError."""
    data = (active + trial + STARTS).encode()
    platform.replace("slot", data + crc32(data).to_bytes(4, "big"))


def idle(active):
    """The slot that may be written to."""
    return "b" if active == "a" else "a"


def record():
    """What is remembered."""
    try:
        with open("update") as file:
            text = file.read()
        if crc32(text[8:].encode()) == int(text[:8], 16):
            return json.loads(text[8:])
    except (OSError, ValueError):
        pass
    return {}


def remember(record):
    """Durable on return; OSError."""
    text = json.dumps(record)
    platform.replace("update", ("%08x" % crc32(text.encode()) + text).encode())
