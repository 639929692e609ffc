"""A board is made blank: nothing of its keys and data stays on the chip, also when the power goes on the way.

For MicroPython.
"""
# heapsize: 2M

import gc
import json
import os

import flash
import virtual_time

virtual_time.install(0)


from bordstein import configstate, platform, wipe  # noqa: E402

KEY = b"-a-private-key-of-this-board-"
PASSWORD = b"bitte-nicht-lesen"
FIRMWARE = {"boot.py": b"1", "main.py": b"2", "bordstein/app.mpy": b"3", "bordstein/sensors/rain.mpy": b"4"}


def plain(blocks=24):
    disk = flash.mount(blocks=blocks)
    for folder in ("bordstein", "bordstein/sensors", "spool"):
        os.mkdir(folder)
    data = {"device.key.der": KEY * 4, "ca.der": KEY * 100, "clock": b"1\n", "spool/00000001.seg": KEY * 500}
    data["config.json"] = json.dumps({"network": {"wifi": [{"ssid": "x", "password": PASSWORD.decode()}]}}).encode()
    data["config.new.json"] = data["config.state"] = b"{}"
    data.update(FIRMWARE)
    for name, content in data.items():
        with open(name, "wb") as file:
            file.write(content)
    for turn in range(3):  # older copies lie about
        with open("device.key.der", "wb") as file:
            file.write(KEY * (4 - turn))
    return disk


def holds(disk, text):
    return any(cells is not None and text in cells for cells in disk._cells)


def is_blank():
    for name, content in FIRMWARE.items():
        with open(name, "rb") as file:
            if file.read() != content:
                return False
    return sorted(os.listdir()) == ["boot.py", "bordstein", "main.py"]


def test_nothing_but_the_firmware_stays_and_nothing_old_can_be_read():
    disk = plain()
    platform.rtc_memory(b"readings")
    assert holds(disk, KEY) and holds(disk, PASSWORD)
    wipe.order()
    _, problems, trying = configstate.settings("hard")
    assert is_blank() and not trying and "no such file" in problems[0]
    assert not holds(disk, KEY) and not holds(disk, PASSWORD)
    assert platform.rtc_memory() == b""


def test_without_an_order_nothing_goes():
    disk = plain()
    before = os.listdir()
    configstate.settings("hard")
    assert os.listdir() == before and holds(disk, KEY)


def test_a_power_cut_on_the_way_is_made_good_by_the_next_start():
    disk = plain()
    wipe.order()
    disk.operations = 0
    wipe.run()
    operations = disk.operations
    for cut in list(range(1, operations, 7)) + [operations]:
        disk = plain()
        wipe.order()
        disk.operations = 0
        disk.cut_at = cut
        try:
            wipe.run()
        except OSError:
            pass
        left = disk.snapshot()
        disk.cut_at, disk.dead = None, False
        gc.collect()
        flash.mount(left)
        configstate.settings("power-on")
        if wipe.ORDER not in os.listdir():
            configstate.settings("power-on")
        assert is_blank() and not holds(left, KEY) and not holds(left, PASSWORD), (cut, os.listdir())
