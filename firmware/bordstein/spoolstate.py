"""What the spool knows besides its packs: 24 bytes with a check sum, replaced by rename: old or new, never both."""

import struct
from binascii import crc32

from bordstein import platform

_FORM = "<2sHIIII"


def load(folder):
    """(boot, dropped, taken, first file that counts); zeros when there is none, or no sound one."""
    try:
        with open(folder + "/state", "rb") as file:
            data = file.read()
        if crc32(data[:-4]) == struct.unpack("<I", data[-4:])[0]:
            return struct.unpack(_FORM, data[:-4])[2:]
    except (OSError, ValueError):
        pass
    return 0, 0, 0, 0


def save(folder, boot, dropped, taken, first):
    """Durable on return; OSError."""
    data = struct.pack(_FORM, b"BT", 1, boot, dropped, taken, first)
    platform.replace(folder + "/state", data + struct.pack("<I", crc32(data)))
