"""Releases for the tests of the update, put together and signed here, and an App that has no more than it needs.

For MicroPython. The key is for these tests alone.
"""

import asyncio
import hashlib
import json
import os
import struct
import sys
from binascii import hexlify

from simulated import board

from bordstein import clock, prompt
from bordstein.update import Update

N = (
    "85c526fead3471e8077399bb147b9e8c4825b2913a2a1adb660d4d9b11ae441d7e5a703169ff3b4614a08be143935b8ad33e649a7df4a7dc"
    "d74ecea95d85ac206a19d8edb5bdf98d1b820cc3aae06121d914479e1972a42d969dbf3cc5e56a42ade8f96125ea17e905d4d888ddd4eca7"
    "d3a62722efa533018090269b05c495aa9ba1145be43584b53d840fe11827bc35b6cb84c3fbdc6758e164cb5e2c543bc38c759f8c57f99d93"
    "83b55e236045ff259ea037cc51a26138f7a004c4a30b86c032629e2136246b79db6d50c9b65136758da2868c2e9c614f0f429f35f08cfc44"
    "2e0c71f73f90d8cc445e25fc7d4ec3f0b821305071065748bfe83eff869231b3be02d959a2f7550ec75aed1ca4348e6ca1f948b60741a972"
    "d5fb141f826b840cd1fdc89969ea8837e29dbc061e71f08325619bdc5286897225e304c4186b8f9af3ed0b24aa07dee7edb8a3de3e170fae"
    "fef1d3fecf490fc1f331f32b62c8a77a568d211b7ce47ebc8409861633faa786475f956c6d05e31ab5c957b691fbeb3b"
)
D = (
    "28b98cd59c058b68085cb940ab4bb7491deddc1f3a85f707345a7875ed3c10a0aa06fe810cb417678e801215d26cda41b96e1552b365f874"
    "d357bab2f535ece1316c0d0ed175b4b3b0dc36e69aef14a32963732a3eb5182688e41d8472fb150e97c385a87dd276d50a61724ab8be4a0e"
    "0df15798db3c7ffac5191da7b469d4e6cbda8e482b81df950dd556c0408a5852420453b716c652f04c2e537ba8233cce9bc4737e568a37de"
    "e10a264ebed0908cf36df38ed08b8eedb8f58e7e0ee543706f38eff976536df8d077e187b7cf292d73a0b7b9e17784873710ef6c42e86c10"
    "d8bc38af7c4027f59eb1c69661adefb01b7d733d3d1a711c959f2cc5fa5c51565a5417551dff89e1269793e9fab0e359b0574fe388f9acdb"
    "95901ee3e2087743a251b51580c04d8c4cedae6beb68fa5a3d471ca3bb1b674a187bf80b0fcce43c7a5fe0138a21a9d79388706ee47f0be5"
    "9a3a839d075fdec5ce3394ef0244b383d1279ffd559fe773e09048562a6d94cff291d11a7a727e4fa23369f9c0dafe9"
)
N, D = int(N, 16), int(D, 16)
_SHA256 = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
DATE = clock.BUILD_TIME + 1000
OLD = {"bordstein/__init__.mpy": b"old", "bordstein/net/__init__.mpy": b"old net" * 20}
NEW = {
    "bordstein/__init__.mpy": b"new",
    "bordstein/app.mpy": bytes(range(256)) * 13,
    "bordstein/net/__init__.mpy": b"new net" * 300,
    "bordstein/sensors/shared/i2c.mpy": b"shared" * 11,
    "bordstein/empty.mpy": b"",
}

_signed = {}


def sign(data):
    """PKCS#1 v1.5 with SHA-256 (RFC 8017 section 9.2); remembered, as it takes a while."""
    if data not in _signed:
        tail = b"\x00" + _SHA256 + hashlib.sha256(data).digest()
        block = b"\x00\x01" + b"\xff" * (384 - 2 - len(tail)) + tail
        _signed[data] = pow(int.from_bytes(block, "big"), D, N).to_bytes(384, "big")
    return _signed[data]


def sha256(data):
    return hexlify(hashlib.sha256(data).digest()).decode()


class Release:
    """A pack and its offer. more: members of the manifest that are otherwise."""

    def __init__(self, files=NEW, version="0.2.0", order=1, **more):
        head = {
            "format": 1,
            "version": version,
            "date": DATE,
            "floor": "0.0.0",
            "micropython": "1.25",
            "mpy": sys.implementation._mpy & 255,
            "boards": ["virtual"],
            "chips": ["esp32"],
        }
        head.update(more)
        lines = [json.dumps([name, len(data), sha256(data)]) for name, data in sorted(files.items())]
        text = json.dumps(head)[:-1] + ', "files": [\n' + ",\n".join(lines) + "\n]}\n"
        self.manifest = text.encode()
        self.files = files
        self.version = version
        self.order = order
        content = b"".join([data for _, data in sorted(files.items())])
        self.pack = b"BSR1" + struct.pack(">I", len(self.manifest)) + sign(self.manifest) + self.manifest + content

    @property
    def offer(self):
        told = {"order": self.order, "version": self.version, "sha256": sha256(self.manifest)}
        return json.dumps(told).encode()


class Restarted(BaseException):
    """The board restarts here."""


class Part:
    """Something with the attributes that it is given."""

    def __init__(self, **attributes):
        for name, value in attributes.items():
            setattr(self, name, value)


class App:
    """Stands for the application. answer(order, offset, length): a list of what then comes on release/data."""

    topics = "bordstein/v1/x/"

    def __init__(self, answer=None):
        self.answer = answer
        self.asked = []  # offsets
        self.told = []  # what the state said of the update
        self.state = Part(board="virtual", update=None, refresh=self._refresh)
        self.guard = Part(ended=lambda well: None)
        self.link = Part(publish=self._publish)
        self.sampler = Part(sensors={"air": Part(values=None)})
        self.uplink = Part(settled=False)
        self.update = Update(self)

    def run(self, offer=None):
        """Whether the board restarts by it."""
        try:
            asyncio.run(self.update.run(offer))
        except Restarted:
            return True
        finally:
            while asyncio.core._task_queue.peek():
                asyncio.core._task_queue.pop()
        return False

    async def restart(self, why):
        raise Restarted(why)

    def _refresh(self):
        self.told.append(dict(self.state.update))

    async def _publish(self, topic, payload):
        assert topic == self.topics + "release/get"
        wanted = json.loads(payload)
        self.asked.append(wanted["offset"])
        await asyncio.sleep_ms(50)
        for piece in self.answer(wanted["order"], wanted["offset"], wanted["length"]):
            self.update.take("bordstein/v1/x/release/data", piece)


def piece(order, offset, data):
    return struct.pack(">II", order, offset) + data


def gateway(release):
    """Answers as the gateway does."""
    return lambda order, offset, length: [piece(order, offset, release.pack[offset : offset + length])]


def install(files, root=""):
    """Files on the volume, as over the cable."""
    for name, data in files.items():
        path = root + name
        at = path.find("/")
        while at >= 0:
            try:  # noqa: SIM105  (no contextlib here)
                os.mkdir(path[:at])
            except OSError:
                pass
            at = path.find("/", at + 1)
        with open(path, "wb") as file:
            file.write(data)


def holds(files, root=""):
    """Are just these files there?"""
    found = {}

    def walk(folder, name):
        for entry in os.ilistdir(folder + name):
            if entry[1] == 0x4000:
                walk(folder, name + entry[0] + "/")
            else:
                with open(folder + name + entry[0], "rb") as file:
                    found[name + entry[0]] = file.read()

    try:
        walk(root, "bordstein/")
    except OSError:
        return False
    return found == files


def boot(cause="soft"):
    """Runs the real boot.py; the root of the software that it chooses: "", "a/" or "b/"."""
    board.cause = board._CAUSES[cause]
    clock._last, clock._ms = clock.ticks_ms(), 0  # the uptime begins
    while sys.path[0] in ("a", "b"):
        sys.path.pop(0)
    with open(BOOT) as file:
        text = file.read().replace("time.sleep_ms(1000)", "")
    exec(text, {"__name__": "__main__"})
    return sys.path[0] + "/" if sys.path[0] in ("a", "b") else ""


def settle(confirmed=True):
    """What a started board does of itself: it looks how the update went. Whether it restarts by it."""
    app = App()
    if confirmed:
        app.sampler.sensors["air"].values = [("air_temperature", 815)]
        app.uplink.settled = True
    return app.run(), app


def trust():
    """The key that this bench signs with."""
    with open("release.pub", "w") as file:
        file.write(f"65537 {N:x}\n")


BOOT = next(path + "/boot.py" for path in sys.path if path.endswith("/firmware") and "tests" not in path)
prompt.hold_watchdog = lambda: None
