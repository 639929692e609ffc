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
    0xFF0B6EC7998CD32FD91D108D787455586824A79FE18D53AE90A2311779DEC2B5,
    0xFF96CA07A45C2E5FC132568F7D228ECD335C53F78DDB4C98FC26DF19359429B1,
    0xFF8E21AB8719DD037C692658092C84E25F32EE973CD33AB825D885EE3171FC21,
    0xFF11EC399FF5840064AEB3EC498C229935BE7824F7174E3A1D6D7D62BDDAF8C1,
    0xFF3D5209D20D2904090C65669169B565D01073C59797AE1AFBAEFDBAB8486277,
    0xFF352FB5A8C67FA5A2F355E6DDC1C01C32BE5BE57B1383CC1F60D1A2F58B78FB,
    0xFFD67B7898E62849E9F4BB10337D7B0E4C9F5817D78A5ECE4BB1FE046A9EA1DF,
    0xFFCDC9B5BB850C9A6D49D068AC35F1C239244B0BC7AF7EB404F27FB14AD5BC37,
    0xFF936281B5D78C109233E95030ACD9340FFD2761DDF9DCCF2D845866CF0BD8BB,
    0xFF4FF2ABAE87A73E03E1EF579EAB2FCCF8486E18368F581CE17F6DE347A9F6F1,
    0xFFEB240EE5EC24858D9275FE665E00270FDAA48F8C448287BF63041E66A0C3E9,
    0xFF29BCA900E7337E5E97328A3F411E8772584815A0D9143BA02B45BA5341222D,
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
