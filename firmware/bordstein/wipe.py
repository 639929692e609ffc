"""Makes a board blank that leaves the town: keys, configuration, readings, clock and all other data go.

order() is what the command `decommission` does; run() follows at the next start, before anything is open. The order is
a file, and the last that goes: a power cut on the way only means that the next start goes on. It goes on with the same
software, which knows what an order is; so the choice of it stays.
"""

import os

from bordstein import platform
from bordstein.log import say

ORDER = "wipe"
# The software, which copy of it runs, what it remembers of updates; and release.pub*, whose releases it believes.
_KEPT = ("boot.py", "main.py", "bordstein", "a", "b", "slot", "update")
_FILL = "wipe.fill"
_BESIDE = "~"
_REWRITES = 60  # of a small file beside each other one, until nothing old is left in the blocks of the volume's root
_FOLDER = 0x4000


def order():
    """Durable on return; OSError."""
    with open(ORDER, "w"):
        pass


def run():
    """Takes about half a minute: what is only deleted could still be read from the chip. OSError."""
    from bordstein.update import slots

    say("wipe: this board is made blank; it takes a while")
    platform.rtc_memory(b"")
    active, trial = slots.load()
    if trial != slots.NONE:
        slots.save(active)  # a board without a town would never pass it
    # The town's last order goes; no board ever takes software again that is older than what it had.
    record = slots.record()
    slots.remember({key: record[key] for key in ("floor", "newest") if key in record})
    for name in os.listdir():
        if name[-1] == _BESIDE or not (name in _KEPT or name == ORDER or name.startswith("release.pub")):
            _remove(name)
    # Small files lie in the root itself: in one pair of blocks or, in the order of their names, in several.
    for _ in range(_REWRITES):
        for name in os.listdir():
            with open(name + _BESIDE, "wb") as file:
                file.write(bytes(64))
            os.remove(name + _BESIDE)
    try:
        with open(_FILL, "wb") as file:
            while True:
                file.write(bytes(512))
    except OSError:  # the volume is full: each free block was written anew
        pass
    os.remove(_FILL)
    os.remove(ORDER)
    say("wipe: done; this board is blank, without keys and configuration")


def _remove(path):
    if os.stat(path)[0] & _FOLDER:
        for name in os.listdir(path):
            _remove(path + "/" + name)
        os.rmdir(path)
    else:
        os.remove(path)
