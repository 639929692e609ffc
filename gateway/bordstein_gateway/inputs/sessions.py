"""LoRaWAN frame counters as running numbers: which boot and number an uplink has in the account of its device.

A session (a join, or a device address that is new) is a boot, its frame counter the number in it. A counter that goes
back later than the last uplink began anew, and is a boot too, unless it rolled over: 16 bit counters go on above
65,535. What was known before the last stop is in the store, in the same commit as the readings it numbers, so that a
message that comes a second time has the number that it had.
"""

from concurrent.futures import Future
from typing import NamedTuple

import msgspec

from ..store import Store

SAME_MS = 600_000
"""The same counter again within this time is the same uplink: repeated by the device, or heard by another server."""
_PLACE = "input sessions"
"""Among the forwarders' names in the store; none of theirs has a space."""
_KEPT = 6
"""Sessions of a device that are remembered: what is redelivered belongs to one of these."""
_ROLLS = (1 << 16, 1 << 32)
_GAP = 1024
"""Lost uplinks over which a roll-over is still believed."""


class Numbered(NamedTuple):
    """`boot`, `seq`: None for an uplink of a session that nobody remembers. `time`: of the first that came (ms)."""

    boot: int | None
    seq: int | None
    time: int


class Session(msgspec.Struct, array_like=True):
    """`start`, `time` (the latest) and `at` (of the counter): ms. `high`: what rolled over is worth."""

    key: str
    boot: int
    start: int
    count: int = -1
    at: int = 0
    time: int = 0
    high: int = 0


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Session]).decode


class Sessions:
    """Of the devices of all inputs: one that is moved from a network server to another begins a session there.

    `store` None: nothing is known and nothing kept.
    """

    def __init__(self, store: Store | None = None) -> None:
        self._store = store
        self._devices: dict[str, list[Session]] | None = None
        self._changed: set[str] = set()
        self._writing: tuple[Future[None], set[str]] | None = None

    def joined(self, device: str, key: str, time: int) -> bool:
        """A join at `time` (ms); False: it was known."""
        known = self._of(device)
        if known and (time < known[-1].start or (known[-1].key == key and time == known[-1].start)):
            return False
        if known and known[-1].count < 0:  # joined again before anything was sent
            known[-1].key, known[-1].start = key, time
            self._changed.add(device)
        else:
            # Boot 1 says that numbers count from 0 on; of a device that was there before the gateway they do not.
            self._open(device, known, key, time, 1)
        return True

    def number(self, device: str, key: str, count: int, time: int) -> Numbered:
        """The uplink with this frame counter, heard at `time` (ms)."""
        known = self._of(device)
        mine = [session for session in known if session.key == key]
        if mine:
            session = ([one for one in mine if one.start <= time] or mine[:1])[-1]
        else:
            if known and time < known[-1].start:
                return Numbered(None, None, time)
            session = self._open(device, known, key, time, 2)
        if count == session.count and abs(time - session.at) <= SAME_MS:
            return Numbered(session.boot, session.high + count, session.at)
        if count > session.count or time > session.time:
            roll = _roll(session, count, late=time <= session.time)
            if roll is None:
                session = self._open(device, known, key, time, 2)
            elif roll < 0:
                return Numbered(session.boot, session.high + roll + count, time)
            else:
                session.high += roll
            session.count, session.at, session.time = count, time, max(time, session.time)
            self._changed.add(device)
        return Numbered(session.boot, session.high + count, time)

    def flush(self) -> None:
        """Have what changed written with the next commit."""
        if self._writing is not None and self._writing[0].done():
            if self._writing[0].exception() is not None:
                self._changed |= self._writing[1]
            self._writing = None
        if self._changed and self._store is not None and self._writing is None and self._devices is not None:
            names, self._changed = self._changed, set()
            values = {name: _encode(self._devices[name]).decode() for name in names}
            self._writing = self._store.remote_set(_PLACE, values), names

    def forget(self) -> None:
        """The batch was put back: what is in the store counts."""
        self._devices = self._writing = None
        self._changed.clear()

    def _of(self, device: str) -> list[Session]:
        if self._devices is None:
            kept = self._store.remote_get(_PLACE) if self._store is not None else {}
            self._devices = {name: _decode(text) for name, text in kept.items()}
        return self._devices.setdefault(device, [])

    def _open(self, device: str, known: list[Session], key: str, time: int, first: int) -> Session:
        session = Session(key, known[-1].boot + 1 if known else first, time, time=time)
        known.append(session)
        del known[:-_KEPT]
        self._changed.add(device)
        return session


def _roll(session: Session, count: int, *, late: bool) -> int | None:
    """What has to be added to `high` for this counter, usually 0; below 0: it is of before the roll-over, come late.

    None: the counter began anew.
    """
    last = session.count
    if count > last:
        before = [size for size in _ROLLS if late and session.high >= size and last + size - count <= _GAP]
        return -before[0] if before else 0
    return next((size for size in _ROLLS if last < size and count + size - last <= _GAP), None)
