"""The board's state as the town sees it: retained on `state`, with Homie's words; the last will says "lost"."""

import asyncio
import json

import bordstein


class State:
    """spool, sampler, link: what it tells of; topic: where it is published; reset: why the board started."""

    def __init__(self, spool, sampler, link, topic, board, reset):
        self.word = "init"
        self.problems = []  # sentences, for the state "alert"
        self._spool = spool
        self._sampler = sampler
        self._link = link
        self._topic = topic
        self.board = board
        self.update = None  # how the last update went
        self.wake = None  # UTC of the next connection of a board that sleeps
        self._reset = reset
        self._news = asyncio.Event()

    def set(self, word):
        """init, ready, sleeping, alert or disconnected."""
        self.word = word
        self._news.set()

    def refresh(self, *_):
        """Publish again: its numbers have changed, or there is a new connection."""
        self._news.set()

    def payload(self):
        """The state as JSON (bytes)."""
        message = {
            "state": self.word,
            "version": bordstein.__version__,
            "board": self.board,
            "boot": self._spool.boot,
            "reset": self._reset,
            "next": list(self._spool.next),
            "dropped": self._spool.dropped,
            "taken": self._spool.taken,
            "interval": self._sampler.intervals(),
        }
        if self.wake:
            message["wake"] = self.wake
        if self.problems:
            message["problems"] = self.problems[:5]
        if self.update:
            message["update"] = self.update
        return json.dumps(message).encode()

    async def publish(self):
        """Publish now; returns when the broker has it."""
        self._news.clear()
        await self._link.publish(self._topic, self.payload(), True)

    async def run(self):
        """Publish whenever there is news, one after the other, so that the last word is the newest."""
        while True:
            await self._news.wait()
            await self._link.wait_connected()
            await self.publish()


def will(boot):
    """The payload of the last will."""
    return json.dumps({"state": "lost", "boot": boot}).encode()
