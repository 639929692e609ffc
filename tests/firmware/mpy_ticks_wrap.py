"""Pauses and limits that begin a second before the ticks of an ESP32 wrap, and end behind it. For MicroPython.

What a wrong subtraction makes endless is cut off by a limit of the test's own, in virtual time.
"""
# heapsize: 512K
# again: single, 31-bit

import asyncio

import flash
import virtual_time

virtual = virtual_time.install(virtual_time.WRAP - 1000)

from bordstein import clock, link, platform, uplink  # noqa: E402
from bordstein.net import ppp  # noqa: E402
from bordstein.sensors.shared import pulses, serial  # noqa: E402


def took_ms(coroutine):
    """(result or sentence of the error, milliseconds) of what must be over within 10 minutes."""
    assert virtual.ticks_ms() > virtual_time.WRAP // 2
    try:
        result = asyncio.run(asyncio.wait_for(coroutine, 600))
    except OSError as error:
        result = str(error)
    assert virtual.ticks_ms() < virtual_time.WRAP // 2
    return result, virtual.now_ms


class Uart:
    """A UART; answer: function from what was written to the bytes that then come."""

    def __init__(self, answer=None):
        self.written = []
        self._answer = answer
        self._coming = b""

    def any(self):
        return len(self._coming)

    def read(self):
        coming, self._coming = self._coming, b""
        return coming or None

    def write(self, data):
        self.written.append(virtual.now_ms)
        if self._answer:
            self._coming += self._answer(data)


def test_a_silent_sensor_is_waited_for_as_long_as_was_said_and_asked_again_and_again():
    uart = Uart()
    framer = serial.Framer(b"\xff", 4, lambda frame: True)
    found, ms = took_ms(serial.frames(uart, framer, 1, 3000, ask=b"\x55"))
    assert found == [] and 3000 <= ms <= 3040
    pauses = [uart.written[i + 1] - uart.written[i] for i in range(len(uart.written) - 1)]
    assert len(pauses) >= 13 and all(200 <= pause <= 240 for pause in pauses), pauses


def test_a_silent_modem_is_given_up_in_time():
    said, ms = took_ms(ppp.Modem(Uart()).ask("AT+CSQ"))
    assert "no answer" in said and 5000 <= ms <= 5040


def test_a_modem_that_starts_up_is_given_its_time_and_no_more():
    awake, ms = took_ms(ppp.Modem(Uart()).awake(15000))
    assert awake is False and 15000 <= ms <= 16000


def test_a_search_for_a_network_ends():
    modem = ppp.Modem(Uart(lambda data: b"+CEREG: 0,2\r\nOK\r\n" if b"CEREG" in data else b"+CSQ: 99,99\r\nOK\r\n"))
    said, ms = took_ms(ppp.Interface({"ppp": {}})._register(modem))
    assert "no mobile network" in said and 90000 <= ms <= 95000


def test_a_bouncing_contact_is_one_pulse():
    counter = pulses.Counter(50, clock.ticks_diff)
    virtual.advance(990)
    for pause in (0, 15, 40, 60):
        virtual.advance(pause)
        counter.edge(clock.ticks_ms())
    assert clock.ticks_ms() < 1000 and counter.take() == 2


class Wire:
    """Stands where the link's stream is: a broker that takes a connection and says no more but to pings."""

    opened = []
    answers_pings = False

    def __init__(self, *address):
        self._inbox = [b"\x20\x02\x00\x00"]
        self._news = asyncio.Event()
        self.sent = []
        self.closed_ms = None
        Wire.opened.append(self)

    async def connected(self):
        pass

    async def greet(self, data):
        pass

    async def write(self, data):
        kind = data[0] >> 4
        self.sent.append(kind)
        if kind == 12 and self.answers_pings:
            self._inbox.append(b"\xd0\x00")
            self._news.set()

    async def readinto(self, buffer):
        while not self._inbox:
            self._news.clear()
            await self._news.wait()
        data = self._inbox.pop()
        buffer[: len(data)] = data
        return len(data)

    def close(self):
        self.closed_ms = self.closed_ms or virtual.now_ms


async def _connection(published=None):
    """For how long the broker has said nothing when the link leaves it."""
    link.Stream = Wire
    board = link.Link(host="h", port=1, device="d", subscriptions=["a"])
    running = asyncio.create_task(board.run())
    await board.wait_connected()
    tasks = [running]
    if published:
        tasks.append(asyncio.create_task(board.publish("t", published)))
    while Wire.opened[0].closed_ms is None:
        await asyncio.sleep(1)
    silent_s = board.silent_s()
    for task in tasks:
        task.cancel()
    return silent_s


def test_a_silent_broker_is_asked_for_a_sign_of_life_and_then_left():
    silent_s, ms = took_ms(_connection())
    assert 60 <= silent_s <= 61 and 60000 <= ms <= 62000
    assert Wire.opened[0].sent == [8, 12]


def test_a_broker_that_acknowledges_nothing_is_left():
    Wire.answers_pings = True
    _, ms = took_ms(_connection(b"pack"))
    assert 60000 <= ms <= 92000 and Wire.opened[0].sent[:2] == [8, 3]


def test_a_receipt_that_took_long_does_not_set_the_clock_and_a_quick_one_does():
    flash.mount()
    platform.rtc_utc = lambda: 946684800
    platform.set_rtc = lambda utc: None
    clock.start(1)

    class Spool:
        packs = 1

        def settle(self, boot, first, last):
            pass

    for waited_ms, wanted in ((11000, "unset"), (5000, "set")):
        virtual.start_ms = virtual_time.WRAP - 1000 - virtual.now_ms
        sender = uplink.Uplink(Spool(), None, "24a160123456", "t")
        sender._mark(1, 7)
        virtual.advance(waited_ms)
        assert clock.ticks_ms() < waited_ms
        sender.receipt(b'{"boot":1,"seq":7,"time":%d}' % (clock.BUILD_TIME + 1000))
        assert clock.quality() == wanted
