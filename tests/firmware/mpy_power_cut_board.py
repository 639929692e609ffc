"""Power cut at every single program and erase of flash of a whole board that samples and sends: configuration, clock,
sampler with simulated chips, spool, uplink, commands.

For MicroPython, in virtual time. The broker and the gateway are a model here: what was published while the power was
on is stored, and its receipt comes a little later. After the cut the board comes up again without sensors and empties
its spool; what it had confirmed is then in the town, under one number and one time each.
"""
# heapsize: 3M

import asyncio
import gc
import json

import flash
import virtual_time

virtual = virtual_time.install(virtual_time.WRAP - 5000)

from lives import StandIn, live, use  # noqa: E402
from simulated import world  # noqa: E402
from simulated.flashdisk import RamDisk  # noqa: E402

from bordstein import app, clock, platform  # noqa: E402
from bordstein.batch import Batch  # noqa: E402
from bordstein.spool import Spool  # noqa: E402

BUSES = {"i2c0": {"type": "i2c", "id": 0, "scl": 22, "sda": 21}, "w1": {"type": "onewire", "pin": 4}}
SENSORS = {
    "bay": {"driver": "rm3100", "bus": "i2c0", "interval_s": 5, "sample_ms": 200},
    "road": {"driver": "ds18b20", "bus": "w1", "property": "road_surface_temperature", "interval_s": 3},
}
CHIPS = [
    {"chip": "rm3100", "name": "bay", "bus": "i2c:0", "address": 0x20, "values": {"occupied": 0}},
    {"chip": "ds18b20", "name": "road", "bus": "onewire:4", "values": {"temperature": 3.5}},
]
MQTT = {"host": "127.0.0.1", "ca": "ca.der", "cert": "device.der", "key": "device.key.der"}


class Disk(RamDisk):
    """Tells when its power goes; after that nothing that happens counts."""

    when_cut = None

    def _is_cut(self):
        was = self.dead
        cut = super()._is_cut()
        if cut and not was and self.when_cut:
            self.when_cut()
        return cut


class Town:
    """Broker and gateway. readings: {(boot, seq): [(series, time, value)]}; doubled: what came with other content."""

    def __init__(self):
        self.packs = {}
        self.answering = True
        self.link = None

    def take(self, payload):
        pack = json.loads(payload)
        number = pack[0]["v"], pack[1]["v"]
        base = pack[0].get("bt")
        items = [(r["n"], base, r.get("v", r.get("vb"))) for r in pack[2:] if r["n"] != "clock"]
        values = [(name, value) for name, _, value in items]
        before = self.packs.get(number)
        assert before is None or [(name, value) for name, _, value in before] == values, (number, before, values)
        if before is None or before[0][1] is None:
            self.packs[number] = items
        return number

    async def answer(self, number):
        await asyncio.sleep(1)
        if self.answering and alive():
            receipt = {
                "boot": number[0],
                "from": number[1],
                "seq": number[1],
                "time": TRUE_TIME + virtual.now_ms // 1000,
            }
            self.link.on_message("x/receipt", json.dumps(receipt).encode())


class Link(StandIn):
    def __init__(self, *, on_message, **_):
        self.on_message = on_message
        self.on_connect = []
        town.link = self

    async def run(self):
        await asyncio.sleep(1)
        self.connected = True
        self.session = 1
        for told in self.on_connect:
            told(False)
        await asyncio.Event().wait()

    async def publish(self, topic, payload, retain=False):
        await asyncio.sleep_ms(50)
        if alive() and topic.endswith("/readings"):
            asyncio.create_task(town.answer(town.take(payload)))


use(Link)
TRUE_TIME = clock.BUILD_TIME + 50000

town = None
disk = None
confirmed = {}  # number: payload, of what append() returned while the power was on
append = Spool.append


def alive():
    return disk.cut_at is None or not disk.dead


def recorded(spool, payload, readings):
    number = append(spool, payload, readings)
    if alive():
        confirmed[number] = (payload, readings)
    return number


Spool.append = recorded


resets = []
platform.reset = lambda: resets.append(True)


def power_on():
    """RTC memory and clock are as after a power cut."""
    platform.rtc_memory(b"")
    platform.set_rtc(946684800)
    platform._buses.clear()
    world.load({"chips": CHIPS})


def board(config, seconds, script=None):
    """Runs a board until it restarts or the time is over; returns its spool."""
    with open("config.json", "w") as file:
        json.dump(config, file)
    for name in ("ca.der", "device.der", "device.key.der"):
        open(name, "w").close()
    resets.clear()
    return live(app.App(), seconds, lambda: resets or not alive(), script).spool


def work(config):
    """Two starts: receipts at first, then none; a reboot by command; receipts again."""

    async def script(running):
        await asyncio.sleep(14)
        town.answering = False
        await asyncio.sleep(8)
        if alive():
            running._message("x/command", b'{"id":"r","do":"reboot"}')

    board(config, 10, script)
    if not alive():
        return
    assert resets
    town.answering = True
    platform._buses.clear()
    board(config, 14)


def cut_everywhere(torn=False, **spool):
    """Runs the workload once for each of its flash operations, cut there; returns how many these are."""
    global town, disk
    config = {"mqtt": MQTT, "buses": BUSES, "sensors": SENSORS, "spool": spool}
    blank = Disk(48)
    flash.mount(flash.blank(blank))
    disk, town = blank, Town()
    confirmed.clear()
    power_on()
    blank.operations = 0
    work(config)
    operations = blank.operations
    assert len(town.packs) > 8 and set(town.packs) <= set(confirmed) and len({boot for boot, _ in confirmed}) == 2
    for cut in range(1, operations + 1):
        disk, town = Disk(48), Town()
        flash.mount(flash.blank(disk))
        confirmed.clear()
        power_on()
        disk.operations = 0
        disk.cut_at = cut
        disk.torn = torn
        disk.when_cut = forget_what_waits_in_rtc_memory
        try:
            work(config)
        except OSError:
            pass
        assert disk.dead, (cut, operations)
        left = disk.snapshot()
        disk.cut_at, disk.dead = None, False  # the collector closes what the cut left open
        gc.collect()
        flash.mount(left)
        disk = left
        town.answering = True
        power_on()
        spool = board({"mqtt": MQTT, "buses": BUSES, "sensors": {}, "spool": config["spool"]}, 30)
        assert spool.packs == 0 and spool.dropped == 0 and spool.corrupt == 0
        missing = set(confirmed) - set(town.packs)
        assert not missing, ("lost", cut, sorted(missing))
        keys = [(name, time) for items in town.packs.values() for name, time, _ in items if time is not None]
        assert len(set(keys)) == len(keys), ("doubled", cut, sorted(keys))
    return operations


def forget_what_waits_in_rtc_memory():
    """With batching, append() promises to keep a pack through resets, not through a power cut."""
    batch = Batch()
    batch.recover()
    for entry in batch.entries:
        confirmed.pop((entry[0], entry[1]), None)


def test_power_cut_at_every_flash_write_of_a_board_loses_and_doubles_nothing():
    assert cut_everywhere() > 100


def test_power_cut_that_tears_every_flash_write_of_a_board_loses_and_doubles_nothing():
    assert cut_everywhere(torn=True) > 100


def test_power_cut_of_a_board_that_batches_costs_only_what_was_not_in_flash_yet():
    assert cut_everywhere(batch_s=5) > 60
