"""A UART line: chips send frames at their own pace; bytes arrive one after the other at the baud rate.

The receive buffer keeps the oldest bytes and drops what comes when it is full, as the ESP32's driver does.
"""

from simulated import world


class Line:
    def __init__(self, chips):
        self._chips = chips
        self._received = bytearray()
        self.buffer_size = 256
        self.baudrate = 115200

    def poll(self):
        """Brings the receive buffer up to date; returns how many bytes are in it."""
        now = world.elapsed_ms()
        for chip in self._chips:
            chip.transmit(now, self)
        return len(self._received)

    def deliver(self, chip, data):
        """Bytes from a chip; at the wrong baud rate they turn into others."""
        if self.baudrate != chip.BAUDRATE:
            data = bytes((byte * 37 + 91) & 0xFF for byte in data)
        room = self.buffer_size - len(self._received)
        self._received.extend(data[:room])
        return room > len(data)

    def take(self, count):
        data = bytes(self._received[:count])
        self._received = self._received[count:]
        return data

    def send(self, data):
        for chip in self._chips:
            if self.baudrate == chip.BAUDRATE and chip.alive():
                chip.receive(data)


class UartChip(world.BaseChip):
    """A sensor that sends a frame each PERIOD_MS by itself."""

    BAUDRATE = 9600
    PERIOD_MS = 1000

    def __init__(self, spec, name, faults):
        super().__init__(spec, name, faults)
        # Not at a round second, as real sensors.
        self._next = world.elapsed_ms() + faults.random.below(self.PERIOD_MS)
        self._frame = None
        self._sent = 0

    def frame(self):
        """The bytes of the frame that is due now, or None to stay silent."""
        raise NotImplementedError

    def receive(self, data):
        """Bytes from the board."""

    def answer(self, data):
        """Sends a frame out of turn, at once."""
        self._frame = data
        self._sent = 0
        self._began = world.elapsed_ms()

    def transmit(self, now, line):
        """Hands over all bytes that have arrived until `now`."""
        while True:
            if self._frame is None:
                if now < self._next:
                    return
                self._began = self._next
                self._next += self.PERIOD_MS
                if now - self._next > 10000:
                    # Nobody looked for long: the buffer is full of old frames, the rest was dropped.
                    if not line.deliver(self, b""):
                        self._next = now - (now - self._next) % self.PERIOD_MS
                frame = self.frame() if self.alive() else None
                if frame is None:
                    continue
                self._frame = self.faults.line(frame)
                self._sent = 0
            arrived = min(len(self._frame), (now - self._began) * self.BAUDRATE // 10000)
            if arrived > self._sent:
                line.deliver(self, self._frame[self._sent : arrived])
                self._sent = arrived
            if arrived < len(self._frame):
                return
            self._frame = None
