"""Keeps a board going that nobody visits: a record of how starts end, safe mode, and the watchdog.

The record lies in RTC memory, which outlives everything but a power cut: how many starts in a row ended before the
board was well, and how the last one ended. From LIMIT such starts on the board comes up in safe mode: link, uplink and
commands only, no sensors. After SAFE_S it tries again; if that goes well, safe mode is over.

A start is well after WELL_S in which every part made progress. Only then is the watchdog fed, so a part that hangs
restarts the board. A board that reached nobody for FORLORN_S restarts in good order: radios hang too.
"""

import asyncio

from micropython import const

from bordstein import clock, platform
from bordstein.log import say

LIMIT = 5
WELL_S = 300
SAFE_S = 900
FORLORN_S = 21600
_DOG_MS = const(120000)
_TURN_S = const(10)
_MAGIC = const(0xB5)
_RUNNING, _WELL, _ENDED = const(1), const(2), const(3)


class Guard:
    """reset: why the board started. unhealthy: starts in a row that did not get well. safe: is this safe mode?"""

    def __init__(self):
        record = platform.rtc_memory()[1:5]
        known = len(record) == 4 and record[0] == _MAGIC and (sum(record[:3]) & 255) == record[3]
        self.reset = platform.reset_cause()
        if known and self.reset == "power-on":
            self.reset = "brown-out"  # a real power cut would have taken the record
        self.unhealthy = 0
        if known:
            self.unhealthy = min(record[1] + (record[2] == _RUNNING), 255)
        self.safe = self.unhealthy >= LIMIT
        self.late = []  # names of the parts without progress
        self._state = _RUNNING
        self._write()

    def _write(self):
        record = bytes((_MAGIC, self.unhealthy, self._state))
        memory = platform.rtc_memory()
        first = memory[:1] or b"\0"
        platform.rtc_memory(first + record + bytes((sum(record) & 255,)) + memory[5:])

    def well(self):
        """This start is a good one."""
        if self._state != _WELL:
            self._state = _WELL
            self.unhealthy = 0
            self._write()

    def ended(self, well=False):
        """The board is about to restart or sleep in good order; well: it did what it woke up for."""
        if self._state != _WELL:
            self._state = _ENDED
            if well:
                self.unhealthy = 0
            self._write()

    def try_again(self):
        """Safe mode is over: one more start that ends early, and it begins anew."""
        self.unhealthy = LIMIT - 1
        self.ended()

    async def run(self, parts, link, restart):
        """For ever. parts: (name, function that says whether it makes progress); restart: coroutine function."""
        dog = platform.watchdog(_DOG_MS)
        begun = heard = clock.uptime()
        while True:
            await asyncio.sleep(_TURN_S)
            late = [name for name, progress in parts if not progress()]
            if late and late != self.late:
                say("guard: no progress in", ", ".join(late))
            self.late = late
            if late:
                continue
            dog.feed()
            now = clock.uptime()
            if link.connected:
                heard = now
            if self.safe:
                if now - begun >= SAFE_S:
                    self.try_again()
                    await restart("safe mode is over")
            elif now - begun >= WELL_S:
                self.well()
            if now - heard >= FORLORN_S and not link.idle:
                await restart("nobody was reached for %d h" % (FORLORN_S // 3600))
