"""Prints what is on a board's volume, as one JSON object: name -> content in hex. For tests that look at a flash file.

micropython tests/hardware/volume.py FLASH [OFFSET]
"""

import binascii
import json
import os
import sys

sys.path[:] = [__file__.rsplit("/", 1)[0] + "/port", ".frozen"]

import vfs  # noqa: E402
from simulated.flashdisk import FileDisk  # noqa: E402


def main(flash, offset=0x200000):
    try:
        vfs.mount(vfs.VfsLfs2(FileDisk(flash, 512, 4096, offset=offset)), "/flash")
    except OSError:
        print("null")
        return
    found = {}

    def look(folder):
        for entry in os.ilistdir(folder):
            path = folder + "/" + entry[0]
            if entry[1] == 0x4000:
                look(path)
            else:
                with open(path, "rb") as file:
                    found[path[7:]] = binascii.hexlify(file.read()).decode()

    look("/flash")
    print(json.dumps(found))


main(sys.argv[1], *[int(word, 0) for word in sys.argv[2:]])
