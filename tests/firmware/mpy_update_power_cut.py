"""Power cut at every single program and erase of flash of whole updates, whole and torn. For MicroPython.

Whatever the cut leaves, the real boot.py then starts old or new software, each complete, and the update can be made
again from there.
"""
# heapsize: 3M

import gc

import flash
import virtual_time

virtual_time.install(virtual_time.WRAP - 5000)

from simulated.flashdisk import RamDisk  # noqa: E402
from update_bench import DATE, NEW, OLD, App, Release, boot, gateway, holds, install, settle, trust  # noqa: E402

THIRD = {"bordstein/__init__.mpy": b"third", "bordstein/app.mpy": b"third app" * 400, "bordstein/new/x.mpy": b"x" * 50}
SECOND = Release(NEW, "0.2.0", 1, floor="0.1.0")
LAST = Release(THIRD, "0.3.0", 2, date=DATE + 1, floor="0.2.0")


def update(release):
    """As a board goes through it, from the offer to the confirmation."""
    app = App(gateway(release))
    if not app.run(release.offer):
        return app
    boot()
    return settle()[1]


def work():
    update(SECOND)
    update(LAST)


def complete(root):
    """Which software is it? None: it is not whole."""
    for name, files in (("old", OLD), ("second", NEW), ("third", THIRD)):
        if holds(files, root):
            return name
    return None


def cut_everywhere(torn):
    blank = flash.mount(flash.blank(RamDisk(96)))
    install(OLD)
    trust()
    start = blank.snapshot()
    whole = start.snapshot()
    flash.mount(whole)
    work()
    assert complete(boot()) == "third"
    operations = whole.operations
    seen = []
    for cut in range(1, operations + 1):
        disk = start.snapshot()
        flash.mount(disk)
        disk.cut_at = cut
        disk.torn = torn
        boot()
        try:
            work()
        except OSError:
            pass
        left = disk.snapshot()
        disk.cut_at, disk.dead = None, False  # the collector closes what the cut left open
        gc.collect()
        flash.mount(left)
        before = seen[-1] if seen else "old"
        name = complete(boot("power-on"))
        assert name, ("neither old nor new", cut, operations)
        if name != before:
            seen.append(name)
        # The board goes on by itself: a trial is confirmed or was given up, and the order is made again.
        settle()
        root = boot()
        assert complete(root), ("after the start", cut)
        update(LAST)
        assert complete(boot()) == "third", ("not repeated", cut, complete(boot()))
    assert seen[-1:] == ["third"], seen
    return operations


def test_power_cut_at_every_flash_write_of_an_update_leaves_old_or_new_software():
    assert cut_everywhere(False) > 100


def test_power_cut_that_tears_every_flash_write_of_an_update_leaves_old_or_new_software():
    assert cut_everywhere(True) > 100
