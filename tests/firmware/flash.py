"""A littlefs volume in RAM at /flash as working directory, for tests in MicroPython."""

import os

import vfs
from simulated.flashdisk import PowerCut, RamDisk  # noqa: F401  (for the tests)


def blank(disk):
    """Formats a disk; returns it."""
    vfs.VfsLfs2.mkfs(disk)
    return disk


def mount(disk=None, blocks=64):
    """Mount a disk (a new, formatted one without argument) and go there; returns the disk."""
    if disk is None:
        disk = blank(RamDisk(blocks, 4096))
    os.chdir("/")
    try:  # noqa: SIM105  (no contextlib here)
        vfs.umount("/flash")
    except OSError:
        pass
    vfs.mount(vfs.VfsLfs2(disk), "/flash")
    os.chdir("/flash")
    return disk
