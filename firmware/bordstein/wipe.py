"""Makes a board blank that leaves the town: keys, configuration, readings, clock and all other data go.

order() is what the command `decommission` does; run() follows at the next start, before anything is open. The order is
a file, and the last that goes: a power cut on the way only means that the next start goes on.
"""

import os

from bordstein import platform
from bordstein.log import say

ORDER = "wipe"
_FILL = "wipe.fill"
_REWRITES = 200  # of a small file, until nothing old is left in the blocks of the volume's root
_FOLDER = 0x4000


def order():
    """Durable on return; OSError."""
    with open(ORDER, "w"):
        pass


def run():
    """Takes about half a minute: what is only deleted could still be read from the chip. OSError."""
    say("wipe: this board is made blank; it takes a while")
    platform.rtc_memory(b"")
    for name in os.listdir():
        if name != ORDER and not _is_firmware(name):
            _remove(name)
    for _ in range(_REWRITES):
        with open(_FILL, "wb") as file:
            file.write(bytes(64))
    try:
        with open(_FILL, "wb") as file:
            while True:
                file.write(bytes(512))
    except OSError:  # the volume is full: each free block was written anew
        pass
    os.remove(_FILL)
    os.remove(ORDER)
    say("wipe: done; this board is blank, without keys and configuration")


def _is_folder(path):
    return os.stat(path)[0] & _FOLDER


def _is_firmware(path):
    """boot.py, main.py, and folders with modules in them."""
    if _is_folder(path):
        return any(_is_firmware(path + "/" + name) for name in os.listdir(path))
    return path.endswith((".py", ".mpy"))


def _remove(path):
    if _is_folder(path):
        for name in os.listdir(path):
            _remove(path + "/" + name)
        os.rmdir(path)
    else:
        os.remove(path)
