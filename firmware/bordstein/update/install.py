"""Brings a release into the idle slot: fetched in pieces, each file straight to its place, then tried.

A pack: "BSR1", length of the manifest (4 bytes, high first), signature, manifest, files. What is in the slot already
with the right hash is not fetched again: that is how an interrupted update goes on. And what the software that runs has
in common with the new one is copied: it costs no bytes on the air.
"""

import asyncio
import gc
import hashlib
import json
import os
import struct
from binascii import hexlify, unhexlify

from micropython import const

from bordstein import clock
from bordstein.update import Later, Refused, manifest, signature, slots

PIECE = const(512)  # a heap that has been in use for months may have no larger hole
_PATIENCE_MS = const(10000)
_TRIES = const(12)
_LONGEST_MANIFEST = const(32768)
_BLOCK = const(4096)
_RESERVE = const(65536)  # of flash, for readings


class Install:
    """update: Update; offer: the offer as a dict."""

    def __init__(self, update, offer):
        self._update = update
        self._offer = offer
        self._payload = update.offer
        self._app = update.app
        self._active, self._trial = slots.load()
        self._slot = slots.idle(self._active)
        self._ours = "" if self._active == slots.NONE else self._active + "/"
        self._manifest = self._slot + "/release"

    async def run(self):
        """Ends with a restart into the new software. Refused, Later, OSError."""
        gc.collect()
        record = self._update.record
        if self._trial != slots.NONE:
            slots.save(self._active)
        _folder(self._manifest)
        new = self._manifest
        known = await _digest(new, manifest.START) == self._offer["sha256"]
        if not known:
            new += ".new"
            await self._fetch_manifest(new)
        await _check_signature(new)
        head = manifest.head(new)
        if head["version"] != self._offer["version"]:
            raise Refused("%s was offered, but %s is in the pack" % (self._offer["version"], head["version"]))
        newest = max(record.get("newest", 0), clock.BUILD_TIME)
        manifest.check(head, self._app.state.board, record.get("floor", "0"), newest)
        if not known:
            os.rename(new, self._manifest)
        files = {name for name, _, _ in manifest.files(self._manifest)}
        _remove_others(self._slot, "", files)
        at = os.stat(self._manifest)[6]
        await self._room()
        for name, size, digest in manifest.files(self._manifest):
            target = self._slot + "/" + name
            if await _digest(target) != digest:
                _folder(target)
                if await _digest(self._ours + name) == digest:
                    _copy(self._ours + name, target)
                else:
                    await self._fetch(target, at, size)
                    if await _digest(target) != digest:
                        raise Refused("%s is not what the manifest says" % name)
            at += size
        # Once more all of it, as flash gives it back.
        for name, _, digest in manifest.files(self._manifest):
            if await _digest(self._slot + "/" + name) != digest:
                raise Refused("%s is not in flash as it was written" % name)
        self._update.tell("trying")
        slots.save(self._active, self._slot)
        self._app.guard.ended(True)
        await self._app.restart("release %s is tried" % head["version"])

    async def _fetch_manifest(self, target):
        head = await self._piece(0, 8)
        magic, size = struct.unpack(">4sI", head) if len(head) == 8 else (b"", 0)
        if magic != b"BSR1" or not 0 < size <= _LONGEST_MANIFEST:
            raise Refused("the pack does not begin as one does")
        await self._fetch(target, 0, manifest.START + size)

    async def _fetch(self, target, at, size):
        """Bytes of the pack into a file."""
        end = at + size
        with open(target, "wb") as file:
            while at < end:
                data = await self._piece(at, min(PIECE, end - at))
                if not data:
                    raise Refused("the pack is shorter than its manifest says")
                file.write(data)
                at += len(data)

    async def _piece(self, at, length):
        """What the gateway has there, at most `length` bytes; asked for again until it comes. Later."""
        update = self._update
        order = self._offer["order"]
        ask = json.dumps({"order": order, "version": self._offer["version"], "offset": at, "length": length}).encode()
        head = struct.pack(">II", order, at)
        for _ in range(_TRIES):
            update.news.clear()
            await self._app.link.publish(self._app.topics + "release/get", ask)
            asked = clock.ticks_ms()
            left = _PATIENCE_MS
            while left > 0:
                if update.offer != self._payload:
                    raise Later("the order was taken back or replaced")
                data, update.piece = update.piece, None
                if data and data[:8] == head and len(data) <= 8 + length:
                    return memoryview(data)[8:]
                try:
                    await asyncio.wait_for_ms(update.news.wait(), left)
                except asyncio.TimeoutError:
                    pass
                update.news.clear()
                left = _PATIENCE_MS - clock.ticks_diff(clock.ticks_ms(), asked)
        raise Later("the gateway gives no pieces; it goes on with the next offer")

    async def _room(self):
        """Refused when flash has no room for what is missing."""
        needed = _RESERVE
        for name, size, digest in manifest.files(self._manifest):
            path = self._slot + "/" + name
            if await _digest(path) != digest:
                needed += size + _BLOCK  # its last block
                try:
                    needed -= os.stat(path)[6] + _BLOCK  # what stands there goes
                except OSError:
                    pass
        block, _, _, free = os.statvfs(".")[:4]
        if block * free < needed:
            raise Refused("flash has %d kB free, the release needs %d" % (block * free // 1024, needed // 1024))


async def _check_signature(path):
    keys = signature.keys()
    if not keys:
        raise Refused("this board has no key to check releases with (release.pub)")
    with open(path, "rb") as file:
        file.seek(8)
        signed = file.read(signature.BYTES)
    if not signature.genuine(unhexlify(await _digest(path, manifest.START)), signed, keys):
        raise Refused("the signature is not one of the keys' of this board")


async def _digest(path, start=0):
    """SHA-256 of a file from there on, in hex; None: there is none."""
    sha = hashlib.sha256()
    buffer = memoryview(bytearray(512))
    try:
        with open(path, "rb") as file:
            file.seek(start)
            while True:
                count = file.readinto(buffer)
                if not count:
                    break
                sha.update(buffer[:count])
    except OSError:
        return None
    await asyncio.sleep_ms(0)
    return hexlify(sha.digest()).decode()


def _copy(source, target):
    buffer = memoryview(bytearray(512))
    with open(source, "rb") as old, open(target, "wb") as new:
        while True:
            count = old.readinto(buffer)
            if not count:
                return
            new.write(buffer[:count])


def _folder(path):
    """Make the folders above a file."""
    at = path.find("/")
    while at >= 0:
        try:
            os.mkdir(path[:at])
        except OSError:
            pass  # it is there; if not, opening the file says so
        at = path.find("/", at + 1)


def _remove_others(slot, below, names):
    """Delete what is not in the release: another release's module could be found in place of a new one."""
    for entry in list(os.ilistdir(slot + "/" + below if below else slot)):
        name = below + entry[0]
        if entry[1] == 0x4000:
            _remove_others(slot, name + "/", names)
            if not any(known.startswith(name + "/") for known in names):
                os.rmdir(slot + "/" + name)
        elif name not in names and name != "release":
            os.remove(slot + "/" + name)
