"""The way out: spool -> packs -> link, and receipts back. Nothing is deleted but by a receipt.

Oldest first, but every fourth pack is the newest one not yet sent, so that the town sees the present while the past
is caught up on. At most WINDOW packs are out without a receipt. On each new connection, and when a receipt stays out
too long, what is not settled goes out again from the beginning; the gateway knows a pack by its number.

While the clock is not set only one pack goes out: its times are relative to the moment of sending, the receipt brings
the time, and all others then go out with true times.
"""

import asyncio
import json

from micropython import const

from bordstein import clock, senml
from bordstein.log import say
from bordstein.ranges import Ranges

WINDOW = const(16)
_SENDERS = const(2)  # publications under way at the same time: each takes a kB of memory
_NEWEST_EACH = const(4)
_PATIENCE_MS = const(20000)
_LONGEST_PATIENCE_MS = const(3600000)
_FRESH_MS = const(10000)  # a receipt that took longer does not set the clock
_STANDSTILL_S = const(300)
_LARGEST = (1 << 31) - 1


class Uplink:
    """spool: Spool; link: Link (or what publishes like one); device: 12 hex digits; topic: where packs go."""

    def __init__(self, spool, link, device, topic):
        self._spool = spool
        self._link = link
        self._device = device
        self._topic = topic
        self._sent = Ranges()  # since the beginning was last gone back to
        self._out = []  # [boot, seq, ticks when sent] without a receipt, oldest first
        self._busy = []  # (boot, seq) that the link has not yet delivered
        self._turn = 0
        self._session = None
        self._work = asyncio.Event()
        self.patience_ms = _PATIENCE_MS
        self.sent = 0  # publications since the start
        self.settled = False  # has a receipt come since then?
        self._touched = 0  # uptime at which run() last did something

    async def run(self):
        """For ever."""
        senders = [asyncio.create_task(self._send_all()) for _ in range(_SENDERS)]
        try:
            while True:
                await asyncio.sleep_ms(self._look())
        finally:
            for task in senders:
                task.cancel()

    def alive(self):
        """Does run() make progress?"""
        return clock.uptime() - self._touched < _STANDSTILL_S

    def wake(self, *_):
        """There is something new to send, or a new connection."""
        self._work.set()

    def _look(self):
        """Goes back to the beginning where that is due; returns after how many milliseconds to look again."""
        self._touched = clock.uptime()
        if self._link.connected and self._link.session != self._session:
            self._session = self._link.session
            self.patience_ms = _PATIENCE_MS
            self._rewind()
        elif self._out and clock.ticks_diff(clock.ticks_ms(), self._out[0][2]) >= self.patience_ms:
            if self._link.connected:
                say("uplink: no receipt for %d s, sending again" % (self.patience_ms // 1000))
                self._rewind()
                self.patience_ms = min(2 * self.patience_ms, _LONGEST_PATIENCE_MS)
        return 1000

    def _rewind(self):
        self._sent.clear()
        self._out = []
        for boot, seq in self._busy:  # the link sends these again by itself
            self._mark(boot, seq)
        self.wake()

    def _mark(self, boot, seq):
        self._sent.add(boot, seq, seq)
        self._out.append([boot, seq, clock.ticks_ms()])

    def _next(self):
        """The next pack to send, or None when there is nothing or enough is out."""
        if not self._link.connected:
            return None
        window = WINDOW if clock.quality() == "set" else 1
        if len(self._out) >= window:
            return None
        newest = self._turn % _NEWEST_EACH == _NEWEST_EACH - 1
        number = self._spool.newest(self._sent) if newest else self._spool.oldest(self._sent)
        if number:
            self._turn += 1
        return number

    async def _send_all(self):
        while True:
            number = self._next()
            if number is None:
                self._work.clear()
                await self._work.wait()
                continue
            try:
                await self._send(number[0], number[1])
            except Exception as error:  # noqa: BLE001  # one pack must not stop the rest
                say("uplink: pack %d of boot %d could not be sent: %s" % (number[1], number[0], error))
                await asyncio.sleep(5)

    async def _send(self, boot, seq):
        self._mark(boot, seq)
        self._busy.append((boot, seq))
        try:
            found = self._spool.read(boot, seq)
            if found is None:
                self._forget(boot, seq, seq)  # damaged in flash, and counted there
                return
            self.sent += 1
            payload = senml.expand(found[0], self._device, boot, seq)
            found = None
            await self._link.publish(self._topic, payload)
        finally:
            self._busy.remove((boot, seq))

    def _age_ms(self, ranges):
        """How long ago went out, on this connection, what a receipt is for. The broker also keeps receipts from before
        an outage for the board, and their time is long past: these answer nothing of this connection."""
        for boot, first, last in ranges:
            for at, seq, sent in self._out:
                if at == boot and first <= seq <= last:
                    return clock.ticks_diff(clock.ticks_ms(), sent)
        return _FRESH_MS

    def _forget(self, boot, first, last):
        self._out = [item for item in self._out if not (item[0] == boot and first <= item[1] <= last)]
        self._sent.remove(boot, first, last)
        self.wake()

    def receipt(self, payload):
        """Take the gateway's receipt (bytes, JSON). One that can't be read is ignored, with a line in the log."""
        try:
            message = json.loads(payload)
            ranges = [(message["boot"], message.get("from", 0), message["seq"])]
            ranges += [tuple(item) for item in message.get("more", ())]
            for item in ranges:
                if len(item) != 3 or not all(_is_number(number) for number in item):
                    raise ValueError("not three numbers: %s" % (item,))
            time = message.get("time")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            say("uplink: a receipt that can't be read is ignored:", error)
            return
        age_ms = self._age_ms(ranges)
        if _is_number(time, 1 << 40) and age_ms < _FRESH_MS:
            clock.set_utc(time + age_ms // 2000, "receipt")
        held = self._spool.packs
        for boot, first, last in ranges:
            self._spool.settle(boot, first, last)
            self._forget(boot, first, last)
        if self._spool.packs < held:
            if not self.settled:
                say("uplink: the gateway has the first readings")  # somebody may be waiting for that at the console
            self.settled = True
            self.patience_ms = _PATIENCE_MS


def _is_number(value, largest=_LARGEST):
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= largest
