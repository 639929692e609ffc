"""A whole board in virtual time, to be measured. For MicroPython: main(SCENARIO.json), in a folder with the scenario
and, in `hardware`, the compiled simulated hardware. That folder becomes /host, so that nothing depends on its name.

The firmware is unchanged down to its sockets: in their place stand a broker and a gateway that answer in the bytes of
MQTT, a moment later, and with receipts once a second. So a run is the same each time. The scenario is one of
tests/hardware/README.md, and beside it

    seconds   how long the board runs, if it does not go to deep sleep before; 0: nothing of the firmware is loaded
    now_s     where a board that slept goes on in time; what it had in RTC is in the file `rtc`
    from_s    what is counted begins here
    outage    [from, until] in seconds: the broker is gone
    look_ms   how often `live` is looked at, 60000; 0: never, as a look is a collection that makes room
    collect   false: the collector never runs, so that instructions can be counted

The last line of the output is one JSON object: `packs` and `readings` that the town has, `erases` of flash, all from
from_s on, `taken` readings by the spool's count; `before` bytes of the heap in use before anything of the firmware is
there, `total` bytes of the heap, `live` the most that was in use after a collection: the firmware's own, those looks,
and one before deep sleep; `now_s` when that sleep is over, null when the board did not go to sleep.
"""

# ruff: noqa: E402
import sys

import vfs

vfs.mount(vfs.VfsPosix("."), "/host")
sys.path[:] = ["", "/host/hardware/port", "/host/hardware", ".frozen"]

import asyncio
import errno
import gc
import json
import os
import random

import board as volume
import virtual_time
from simulated import board as hardware
from simulated import world

_ANSWER_MS = 50
_RECEIPT_MS = 1000


class Town:
    """Broker and gateway: what arrived, and what is to be answered."""

    def __init__(self, outage):
        self._outage = outage
        self.stream = None
        self.packs = 0
        self.readings = 0
        self.time = 0  # UTC at the start of the process
        self._known = bytearray(1024)  # a bit for each pack of the boot
        self._owed = []  # [boot, first, last] without a receipt
        self._number = 0

    def up(self):
        return not self._outage[0] <= virtual.now_ms // 1000 < self._outage[1]

    def take(self, packet):
        """A packet of the board's, whole."""
        kind = packet[0] >> 4
        at = 1
        while packet[at] & 128:
            at += 1
        at += 1
        if kind == 1:
            self.stream.answer(b"\x20\x02\x00\x00")
        elif kind == 8:
            self.stream.answer(b"\x90\x07" + bytes(packet[at : at + 2]) + b"\1\1\1\1\1")
        elif kind == 12:
            self.stream.answer(b"\xd0\x00")
        elif kind == 3:
            end = at + 2 + (packet[at] << 8 | packet[at + 1])
            topic = bytes(packet[at + 2 : end])
            self.stream.answer(b"\x40\x02" + bytes(packet[end : end + 2]))
            if topic.endswith(b"/readings"):
                self._store(topic[:-8], bytes(packet[end + 2 :]))

    def _store(self, topics, payload):
        boot = int(_after(payload, b'"n":"boot","v":'))
        seq = int(_after(payload, b'"n":"seq","v":'))
        place, bit = seq >> 3, 1 << (seq & 7)
        if not self._known[place] & bit:  # else it was sent again
            self._known[place] |= bit
            self.packs += 1
            self.readings += payload.count(b'"n":') - 2 - payload.count(b'"clock"')
        for owed in self._owed:
            if owed[0] == boot and owed[2] == seq - 1:
                owed[2] = seq
                return
        self._owed.append([boot, seq, seq])
        if len(self._owed) == 1:
            asyncio.create_task(self._receipt(topics))  # noqa: RUF006

    async def _receipt(self, topics):
        await asyncio.sleep_ms(_RECEIPT_MS)
        boot, first, last = self._owed.pop(0)
        time = self.time + virtual.now_ms // 1000
        text = f'{{"boot":{boot},"seq":{last},"from":{first},"time":{time}'
        if self._owed:
            text += f',"more":{json.dumps(self._owed)}'
        self._owed = []
        topic = topics + b"receipt"
        self._number = self._number % 65535 + 1
        body = len(topic).to_bytes(2, "big") + topic + self._number.to_bytes(2, "big") + text.encode() + b"}"
        length = len(body)
        self.stream.answer(bytes((0x32, length) if length < 128 else (0x32, length & 127 | 128, length >> 7)) + body)


def _after(payload, mark):
    at = payload.find(mark) + len(mark)
    return payload[at : payload.find(b"}", at)]


class NoCollector:
    """In the place of gc. The figures it gives are only reported."""

    @staticmethod
    def collect():
        pass

    threshold = mem_free = mem_alloc = lambda *_: 100000


class Collector:
    """In the place of gc: remembers the most that was in use after a collection."""

    live = 0
    threshold, mem_free, mem_alloc = gc.threshold, gc.mem_free, gc.mem_alloc

    @classmethod
    def collect(cls):
        gc.collect()
        cls.live = max(cls.live, gc.mem_alloc())


class Stream:
    """In the place of bordstein.stream.Stream."""

    def __init__(self, address, port, tls_context=None, host=None):
        self._in = b""
        self._came = asyncio.Event()
        self._open = True

    async def connected(self):
        await asyncio.sleep_ms(_ANSWER_MS)
        if not town.up():
            raise OSError(errno.ECONNREFUSED)
        town.stream = self

    async def write(self, data):
        if not town.up():
            raise OSError(errno.ECONNRESET)
        town.take(data)

    greet = write

    def answer(self, data):
        self._in += data
        self._came.set()

    async def readinto(self, buffer):
        while not self._in:
            self._came.clear()
            await self._came.wait()
        await asyncio.sleep_ms(_ANSWER_MS)
        count = min(len(buffer), len(self._in))
        buffer[:count] = self._in[:count]
        self._in = self._in[count:]
        return count

    def close(self):
        pass


class Life:
    """A start of the board, to its end. disk: its flash; found: what is counted goes there."""

    def __init__(self, scenario, disk, found):
        self._scenario = scenario
        self._disk = disk
        self._found = found
        self._begun = (0, 0, disk.erases)
        self._app = None

    def run(self):
        """In the place of bordstein.app.run."""
        from bordstein import app

        class App(app.App):
            def join(self):
                from bordstein import stream

                stream.Stream = Stream
                super().join()

        self._app = App()
        asyncio.run(self._live())

    async def _live(self):
        running = asyncio.create_task(self._app.run())
        end_ms = self._scenario["seconds"] * 1000
        look_ms = self._scenario.get("look_ms", 60000)
        for ms in range(0, end_ms, look_ms or end_ms):
            if ms == self._scenario.get("from_s", -1) * 1000:
                self._begun = (town.packs, town.readings, self._disk.erases)
            await asyncio.sleep_ms(look_ms or end_ms)
            if look_ms:
                sys.modules["gc"].collect()
        running.cancel()
        self._count()

    def _count(self):
        packs, readings, erases = self._begun
        self._found["packs"] = town.packs - packs
        self._found["readings"] = town.readings - readings
        self._found["erases"] = self._disk.erases - erases
        self._found["taken"] = self._app.spool.taken
        self._found["live"] = Collector.live

    def sleep(self, ms):
        """In the place of simulated.board.sleep."""
        sys.modules["gc"].collect()
        self._count()
        self._found["now_s"] = hardware.host_seconds() + ms // 1000
        hardware.woken_by = hardware.TIMER
        hardware.restart(hardware._CAUSES["deep-sleep"])

    def start(self):
        """boot.py and main.py, as on a board."""
        from bordstein import clock

        virtual.drive(clock)
        town.time = clock.BUILD_TIME + 3600 + hardware.host_seconds()
        hardware.sleep = self.sleep
        sys.modules["time"] = Pause
        self._execute("boot.py")
        del sys.modules["time"]
        from bordstein import app

        app.run = self.run
        self._execute("main.py")

    def _execute(self, name):
        with open(sys.path[0] + "/" + name if sys.path[0] else name) as file:
            exec(compile(file.read(), name, "exec"), {"__name__": "__main__"})


class Pause:
    """In the place of `time` for boot.py, which waits for somebody to press Ctrl-C."""

    @staticmethod
    def sleep_ms(ms):
        virtual.advance(ms)


def _keep_rtc(cause):
    """In the place of simulated.board._store: only at the end, when it counts; and nothing can be renamed in /host."""
    if cause and hardware._rtc_file:
        with open(hardware._rtc_file, "wb") as file:
            file.write(b"%s %d %d\n" % (cause.encode(), hardware._rtc_offset, hardware.woken_by))
            file.write(hardware.rtc_memory)


def main(path):
    global virtual, town
    with open(path) as file:
        scenario = json.load(file)
    if not scenario.get("collect", True):
        gc.disable()
    sys.modules["gc"] = Collector if scenario.get("collect", True) else NoCollector
    random.seed(1)  # pauses between tries
    virtual = virtual_time.VirtualTime(virtual_time.WRAP - 600000).install()
    virtual.drive(world)
    virtual.drive(hardware)
    now_s = scenario.get("now_s", 0)
    hardware.host_seconds = lambda: now_s + virtual.now_ms // 1000
    town = Town(scenario.get("outage", (0, 0)))
    hardware._store = _keep_rtc
    hardware.start(scenario)
    world.load(scenario)
    world._elapsed = now_s * 1000
    for chip in world.chips:
        if hasattr(chip, "_measure"):
            chip._measure()  # it searches for the raw values of what it is to measure, and keeps them
    disk = volume.mount(scenario)
    volume.install(scenario["files"])
    if not scenario.get("firmware_on_flash"):
        sys.path[0] = scenario["firmware"]
    elif "boot.py" not in os.listdir():
        volume.install_tree(scenario["firmware"])
    # What an image for the ESP32 has built in is none of the firmware's memory.
    for name in ("ds18x20", "esp32", "machine", "network", "onewire"):
        __import__(name)
    for name in ("Event", "Lock", "gather", "wait_for_ms"):
        getattr(asyncio, name)
    found = {"now_s": None if scenario["seconds"] else now_s}
    if scenario.get("collect", True):
        gc.collect()
        found["before"] = gc.mem_alloc()
        found["total"] = gc.mem_alloc() + gc.mem_free()

    def end(code):
        print(json.dumps(found))
        exit_(code if found["now_s"] is None else 0)

    exit_, hardware._exit = hardware._exit, end
    if scenario["seconds"]:
        Life(scenario, disk, found).start()
    end(0)
