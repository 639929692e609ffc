"""Framed serial data: cutting frames out of a stream, and waiting for them on a UART."""

_ASK_MS = 200


def median(values):
    """The middle one of some integers (of an even number the lower of the two in the middle)."""
    values = sorted(values)
    return values[(len(values) - 1) // 2]


class Framer:
    """Cuts fixed-length frames out of a byte stream that may hold noise, cut-off frames and flipped bits. Pure.

    head: the bytes each frame starts with. length: bytes of a whole frame. check: function of a frame, True when its
    check sum (and whatever else is fixed) is right.

    After a bad frame the search goes on one byte behind its head, so the next intact frame is always found.
    """

    def __init__(self, head, length, check):
        self._head = head
        self._length = length
        self._check = check
        self._buffer = b""
        self.refused = 0  # pieces that began like a frame but failed the check

    def feed(self, data):
        """Takes more bytes of the stream; returns the list of whole, checked frames in them (often empty)."""
        buffer = self._buffer + data
        frames: list = []
        while True:
            start = buffer.find(self._head)
            if start < 0:
                # The end may hold the beginning of a head.
                keep = len(self._head) - 1
                while keep and not self._head.startswith(buffer[len(buffer) - keep :]):
                    keep -= 1
                self._buffer = buffer[len(buffer) - keep :]
                return frames
            buffer = buffer[start:]
            if len(buffer) < self._length:
                self._buffer = buffer
                return frames
            frame = buffer[: self._length]
            if self._check(frame):
                frames.append(frame)
                buffer = buffer[self._length :]
            else:
                self.refused += 1
                buffer = buffer[1:]

    def clear(self):
        self._buffer = b""


async def frames(uart, framer, wanted, timeout_ms, ask=b""):
    """Reads from a UART until `wanted` good frames came or the time is over; returns what came, oldest first.

    What the UART still held is thrown away first: its buffer keeps the oldest bytes, which may be minutes old.
    ask: bytes for which the sensor sends one frame; sent each _ASK_MS, as an answer may be lost on the line.
    """
    import asyncio

    from bordstein import clock

    if uart.any():
        uart.read()
    framer.clear()
    found: list = []
    began = asked = clock.ticks_ms()
    if ask:
        uart.write(ask)
    while len(found) < wanted and clock.ticks_diff(clock.ticks_ms(), began) < timeout_ms:
        await asyncio.sleep_ms(20)
        if ask and clock.ticks_diff(clock.ticks_ms(), asked) >= _ASK_MS:
            asked = clock.ticks_ms()
            uart.write(ask)
        if uart.any():
            found.extend(framer.feed(uart.read() or b""))
    return found
