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

_PRIMES = (
    0xff0b6ec7998cd32fd91d108d787455586824a79fe18d53ae90a2311779dec2b5,
    0xff96ca07a45c2e5fc132568f7d228ecd335c53f78ddb4c98fc26df19359429b1,
    0xff8e21ab8719dd037c692658092c84e25f32ee973cd33ab825d885ee3171fc21,
    0xff11ec399ff5840064aeb3ec498c229935be7824f7174e3a1d6d7d62bddaf8c1,
    0xff3d5209d20d2904090c65669169b565d01073c59797ae1afbaefdbab8486277,
    0xff352fb5a8c67fa5a2f355e6ddc1c01c32be5be57b1383cc1f60d1a2f58b78fb,
    0xffd67b7898e62849e9f4bb10337d7b0e4c9f5817d78a5ece4bb1fe046a9ea1df,
    0xffcdc9b5bb850c9a6d49d068ac35f1c239244b0bc7af7eb404f27fb14ad5bc37,
    0xff936281b5d78c109233e95030acd9340ffd2761ddf9dccf2d845866cf0bd8bb,
    0xff4ff2abae87a73e03e1ef579eab2fccf8486e18368f581ce17f6de347a9f6f1,
    0xffeb240ee5ec24858d9275fe665e00270fdaa48f8c448287bf63041e66a0c3e9,
    0xff29bca900e7337e5e97328a3f411e8772584815a0d9143ba02b45ba5341222d,
)
# Twelve primes instead of two (RFC 8017 section 3.1): to sign takes a hundredth of the time, to check is the same.
N = 1
for _prime in _PRIMES:
    N *= _prime
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


def _root(number):
    """The number whose 65537th power is this one, modulo N: modulo each prime, then put together."""
    found = 0
    product = 1
    for prime in _PRIMES:
        part = pow(number % prime, _inverse(65537, prime - 1), prime)
        found += product * ((part - found) * _inverse(product, prime) % prime)
        product *= prime
    return found


def _inverse(number, modulus):
    a, b, x, y = number % modulus, modulus, 1, 0
    while a:
        quotient = b // a
        a, b, x, y = b - quotient * a, a, y - quotient * x, x
    return y % modulus


def sign(data):
    """PKCS#1 v1.5 with SHA-256 (RFC 8017 section 9.2); remembered."""
    if data not in _signed:
        tail = b"\x00" + _SHA256 + hashlib.sha256(data).digest()
        block = b"\x00\x01" + b"\xff" * (384 - 2 - len(tail)) + tail
        _signed[data] = _root(int.from_bytes(block, "big")).to_bytes(384, "big")
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
