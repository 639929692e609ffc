"""The link on a wire that stalls, lies and answers at the worst moment. Bytes in and out; real asyncio, real time.

For MicroPython.
"""
# heapsize: 512K

import asyncio
import time

from bordstein import link, mqtt

BUSY_MS = 5  # taking a packet off a TLS connection keeps an ESP32 busy for so long


class Wire:
    """Stands where the TLS stream is: the broker's end of it is in this class."""

    opened = []

    def __init__(self, *address):
        self.inbox = []
        self.news = asyncio.Event()
        self.published = []  # (packet id, duplicate)
        self.pings = 0
        self.stuck = False  # takes no bytes
        self.deaf = False  # takes bytes and acknowledges nothing
        self.puback_before_ms = None  # acknowledge so long before the board's patience ends
        self.closed = False
        self.last = time.ticks_ms()
        Wire.opened.append(self)

    async def connected(self):
        pass

    async def greet(self, data):
        self.say(b"\x20\x02\x01\x00")

    def say(self, data):
        self.inbox.append(data)
        self.news.set()

    async def write(self, data):
        while self.stuck:
            await asyncio.sleep_ms(20)
        kind = data[0] >> 4
        if kind == 8:
            self.say(b"\x90\x03" + bytes(data[2:4]) + b"\x01")
        elif kind == 12:
            self.pings += 1
            self.say(b"\xd0\x00")
        elif kind == 3:
            at = 4 + (data[2] << 8 | data[3])
            number = bytes(data[at : at + 2])
            self.published.append((int.from_bytes(number, "big"), bool(data[0] & 8)))
            if self.puback_before_ms is not None:
                asyncio.create_task(self.acknowledge_late(number))
            elif not self.deaf:
                self.say(b"\x40\x02" + number)

    async def acknowledge_late(self, number):
        end = time.ticks_add(self.last, 500 - self.puback_before_ms)
        await asyncio.sleep_ms(max(0, time.ticks_diff(end, time.ticks_ms())))
        self.say(b"\x40\x02" + number)

    async def readinto(self, buffer):
        while not self.inbox:
            self.news.clear()
            await self.news.wait()
        data = self.inbox.pop(0)
        time.sleep_ms(BUSY_MS)
        buffer[: len(data)] = data
        self.last = time.ticks_ms()
        return len(data)

    def close(self):
        self.closed = True


link.Stream = Wire


def connect(script, keepalive_s=1, on_message=None, **limits):
    """Runs script(link) on a link of which the first connection stands."""
    Wire.opened = []

    async def main():
        board = link.Link(
            host="h", port=1, device="d", keepalive_s=keepalive_s, subscriptions=["a"], on_message=on_message
        )
        for name, value in limits.items():
            setattr(board, name, value)
        running = asyncio.create_task(board.run())
        await board.wait_connected()
        await script(board)
        running.cancel()
        try:
            await running
        except asyncio.CancelledError:
            pass
        assert not board.connected and Wire.opened[-1].closed

    asyncio.run(main())


def test_an_acknowledgement_that_comes_when_the_patience_ends_is_not_lost():
    async def script(board):
        for before_ms in range(8):
            Wire.opened[0].puback_before_ms = before_ms
            await asyncio.wait_for_ms(board.publish("t", b"pack"), 3000)
        assert board.session == 1 and len(Wire.opened[0].published) == 8

    connect(script)


def test_a_broker_that_acknowledges_nothing_is_left_and_gets_everything_again():
    async def script(board):
        Wire.opened[0].deaf = True
        tasks = [asyncio.create_task(board.publish("t", b"%d" % i)) for i in range(6)]
        for task in tasks:
            await asyncio.wait_for_ms(task, 8000)
        first, second = Wire.opened
        assert first.closed and [duplicate for _, duplicate in first.published] == [False] * 4
        assert [duplicate for _, duplicate in second.published] == [True] * 4 + [False] * 2
        assert [number for number, _ in second.published[:4]] == [number for number, _ in first.published]

    connect(script, puback_ms=1000)


def test_a_write_that_gets_stuck_ends_the_connection_and_nothing_follows_half_a_packet():
    async def script(board):
        Wire.opened[0].stuck = True
        tasks = [asyncio.create_task(board.publish("t", b"%d" % i)) for i in range(6)]
        for task in tasks:
            await asyncio.wait_for_ms(task, 8000)
        first, second = Wire.opened
        assert first.closed and not first.published
        assert sorted(number for number, _ in second.published) == sorted({number for number, _ in second.published})
        assert len(second.published) == 6 and board.connected and board.session == 2

    connect(script, keepalive_s=20, step_ms=500)


def test_a_publisher_that_is_cancelled_in_mid_write_ends_the_connection():
    async def script(board):
        Wire.opened[0].stuck = True
        task = asyncio.create_task(board.publish("t", b"half"))
        await asyncio.sleep_ms(50)
        task.cancel()
        await asyncio.wait_for_ms(board.publish("t", b"whole"), 8000)
        assert Wire.opened[0].closed and len(Wire.opened[1].published) == 1

    connect(script, keepalive_s=20)


def test_a_silent_broker_is_asked_for_a_sign_of_life_and_then_left():
    async def script(board):
        await asyncio.sleep_ms(1200)
        assert Wire.opened[0].pings >= 2 and board.session == 1
        Wire.opened[0].inbox = []
        Wire.opened[0].say = lambda data: None
        while board.session == 1:
            await asyncio.sleep_ms(50)
        assert Wire.opened[0].closed

    connect(script)


def test_what_a_session_kept_may_come_right_behind_the_connack():
    heard = []

    class Greeting(Wire):
        async def greet(self, data):
            self.say(b"\x20\x02\x01\x00" + bytes(mqtt.publish("a", b"kept", 7)))

    async def script(board):
        while not heard:
            await asyncio.sleep_ms(10)

    link.Stream = Greeting
    try:
        connect(script, on_message=lambda topic, payload: heard.append((topic, payload)))
    finally:
        link.Stream = Wire
    assert heard == [("a", b"kept")]
