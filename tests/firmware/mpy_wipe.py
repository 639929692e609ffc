"""A board is made blank: nothing of its keys and data stays on the chip, it starts the software that it had, and takes
a signed release. Also when the power goes on the way.

For MicroPython.
"""
# heapsize: 3M

import gc
import json
import os

import flash
import virtual_time

virtual_time.install(virtual_time.WRAP - 5000)


import update_bench  # noqa: E402
from flash import RamDisk  # noqa: E402
from update_bench import DATE, App, Release, boot, gateway, install, settle, trust  # noqa: E402

from bordstein import configstate, platform, wipe  # noqa: E402
from bordstein.update import slots  # noqa: E402

KEY = b"-a-private-key-of-this-board-"
PASSWORD = b"bitte-nicht-lesen"
OLD = {"bordstein/__init__.mpy": b"1", "bordstein/app.mpy": b"old"}
NEW = {"bordstein/__init__.mpy": b"2", "bordstein/app.mpy": b"new" * 9}
THIRD = {"bordstein/__init__.mpy": b"3", "bordstein/app.mpy": b"third" * 40}
# (the slot that runs, the one on trial): only what came over the cable; a slot; a slot, while the other is on trial
CHOICES = (("-", "-"), ("a", "-"), ("b", "a"))


def plain(active="-", trial="-", blocks=26, size=4096):
    """A board of a town; with a slot in use its software of the cable is an older one."""
    disk = flash.mount(flash.blank(RamDisk(blocks, size)))
    os.mkdir("spool")
    os.mkdir("lib")
    install(OLD)
    if active != "-":
        install(NEW, active + "/")
        install({"release": b"manifest"}, active + "/")
        if trial != "-":
            install(THIRD, trial + "/")
        slots.save(active, trial)
        if trial != "-":
            assert boot("soft") == root(trial)
        last = {"order": 7, "version": "0.2.0", "result": "done", "why": PASSWORD.decode()}
        slots.remember({"floor": "0.2.0", "newest": DATE, "last": last})
    trust()
    data = {"device.key.der": KEY * 4, "ca.der": KEY * 40, "clock": b"1\n", "spool/00000001.seg": KEY * 100}
    data["config.json"] = json.dumps({"network": {"wifi": [{"ssid": "x", "password": PASSWORD.decode()}]}}).encode()
    for name in ("config.new.json", "config.state", "config.state.new", "crash", "pin", "update.new", "slot.new"):
        data[name] = KEY
    # As MicroPython's own webrepl_setup leaves it: not every module is software of ours.
    data["webrepl_cfg.py"] = data["lib/secrets.py"] = PASSWORD
    data["boot.py"] = data["main.py"] = b"1"
    for name, content in data.items():
        with open(name, "wb") as file:
            file.write(content)
    for turn in range(3):  # older copies lie about
        with open("device.key.der", "wb") as file:
            file.write(KEY * (4 - turn))
    return disk


def holds(disk, text):
    return any(cells is not None and text in cells for cells in disk._cells)


def root(active):
    return "" if active == "-" else active + "/"


def software(root):
    """Which software a start finds there; None: it is not whole."""
    for files in (OLD, NEW, THIRD):
        if update_bench.holds(files, root):
            return files
    return None


def is_blank(active="-", trial="-"):
    """Nothing is there that is not the firmware's, and this is as it was."""
    folders = {"bordstein"} | ({active, trial} - {"-"})
    files = {"boot.py", "main.py", "release.pub", "update"} | ({"slot"} if active != "-" else set())
    assert set(os.listdir()) == folders | files, os.listdir()
    assert slots.load() == (active, "-"), slots.load()
    assert slots.record() == ({"floor": "0.2.0", "newest": DATE} if active != "-" else {}), slots.record()
    assert update_bench.holds(OLD) and (active == "-" or update_bench.holds(NEW, active + "/"))
    with open("release.pub") as file:
        return file.read() == "65537 %x\n" % update_bench.N


def test_nothing_but_the_firmware_stays_and_nothing_old_can_be_read():
    for active, trial in CHOICES:
        disk = plain(active, trial)
        platform.rtc_memory(b"readings")
        assert holds(disk, KEY) and holds(disk, PASSWORD)
        wipe.order()
        assert boot("soft") == root(active)
        _, problems, trying = configstate.settings("soft")
        assert is_blank(active, trial) and not trying and "no such file" in problems[0]
        assert not holds(disk, KEY) and not holds(disk, PASSWORD)
        assert platform.rtc_memory() == b""
        assert boot("power-on") == root(active)


def test_without_an_order_nothing_goes():
    disk = plain()
    before = os.listdir()
    configstate.settings("hard")
    assert os.listdir() == before and holds(disk, KEY)


def test_a_blank_board_takes_a_signed_release_and_no_old_one():
    for active, trial in CHOICES[1:]:
        plain(active, trial, blocks=64)
        wipe.order()
        boot()
        configstate.settings("soft")
        for release, sentence in (
            (Release(THIRD, "0.3.0", 8, date=DATE - 1), "signed before"),
            (Release(THIRD, "0.1.9", 9, date=DATE + 1), "0.2.0"),
        ):
            boot()
            app = App(gateway(release))
            assert not app.run(release.offer)
            assert app.told[-1]["result"] == "refused" and sentence in app.told[-1]["why"], app.told
        release = Release(THIRD, "0.3.0", 10, date=DATE + 1)
        assert App(gateway(release)).run(release.offer)
        new = boot()
        assert software(new) == THIRD and not settle()[0] and boot() == new == root(slots.idle(active))


def cut_everywhere(torn, active, trial):
    """Returns how many points were cut. Small blocks, as these take fewer writes until all are written anew."""
    wipe._REWRITES = 6
    start = plain(active, trial, 38, 1024).snapshot()
    cut = 0
    while True:
        cut += 1
        disk = start.snapshot()
        flash.mount(disk)
        disk.cut_at = cut
        disk.torn = torn
        try:
            wipe.order()
            boot("soft")
            wipe.run()
        except OSError:
            pass
        if not disk.dead:
            return cut
        left = disk.snapshot()
        disk.cut_at, disk.dead = None, False  # the collector closes what the cut left open
        gc.collect()
        flash.mount(left)
        assert software(boot("power-on")), ("no whole software", cut)
        if wipe.ORDER not in os.listdir():
            # Cut before the order was there, or when all was done.
            assert holds(left, KEY) == ("config.json" in os.listdir()), cut
            wipe.order()
        configstate.settings("power-on")
        assert not holds(left, KEY) and not holds(left, PASSWORD), cut
        assert is_blank(active, trial) and boot("power-on") == root(active), cut


def test_a_power_cut_at_every_flash_write_is_made_good_by_the_next_start():
    assert cut_everywhere(False, *CHOICES[2]) > 300


def test_a_power_cut_that_tears_every_flash_write_is_made_good_by_the_next_start():
    assert cut_everywhere(True, *CHOICES[1]) > 300
