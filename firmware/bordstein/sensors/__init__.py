"""Sensor drivers, one module a chip, loaded by name.

A driver module has a pure part (bytes or counts in, scaled integers out; no bus, no clock) and one class `Driver`:

    PROPERTIES   names of the property table that it can report
    WARM_UP_S    seconds after power-on whose readings are no good
    INTERVAL_S   how often it is read when the configuration says nothing
    Driver(options, platform)   stores only; options: the sensor's section of the configuration, options["bus"]: the bus
    await setup()               finds and prepares the chip
    await read()                list of (property, integer scaled by 10**decimals of the property table, or bool)
    describe()                  what is there, for the log and for people
    await wait()                (event sensors only) returns when a reading should be taken now

setup and read end within a bounded time and raise OSError or ValueError with a sentence that says what is wrong.

This module itself holds what drivers with framed serial data share.
"""


def median(values):
    """The middle one of some integers (of an even number the lower of the two in the middle)."""
    values = sorted(values)
    return values[(len(values) - 1) // 2]


class Registers:
    """A chip's registers on an I2C bus; every failure names the chip and says what to look at."""

    def __init__(self, i2c, address, chip):
        self._i2c = i2c
        self._address = address
        self._chip = chip

    def read(self, register, length):
        try:
            return self._i2c.readfrom_mem(self._address, register, length)
        except OSError:
            raise OSError(self.says("no answer: check power, wires and the address"))

    def write(self, register, data):
        try:
            self._i2c.writeto_mem(self._address, register, data)
        except OSError:
            raise OSError(self.says("no answer: check power, wires and the address"))

    def says(self, problem):
        return "%s at 0x%02x: %s" % (self._chip, self._address, problem)


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


async def frames(uart, framer, wanted, timeout_ms):
    """Reads from a UART until `wanted` good frames came or the time is over; returns what came, oldest first.

    What the UART still held is thrown away first: its buffer keeps the oldest bytes, which may be minutes old.
    """
    import asyncio

    from bordstein import clock

    if uart.any():
        uart.read()
    framer.clear()
    found: list = []
    began = clock.ticks_ms()
    while len(found) < wanted and clock.ticks_diff(clock.ticks_ms(), began) < timeout_ms:
        await asyncio.sleep_ms(20)
        if uart.any():
            found.extend(framer.feed(uart.read() or b""))
    return found
