"""The board's ends of its USB cable (usb.py): at a client of an RFC 2217 server, and at a pseudo-terminal."""

import contextlib
import os
import select
import socket
import threading
from typing import Protocol

from serial import rfc2217


class Board(Protocol):
    """What is at the other end. lock: held while one of them is called."""

    lock: threading.RLock

    def hear(self, data: bytes) -> None:
        """Bytes from the host."""

    def lines(self, dtr: bool, rts: bool) -> None:
        """The lines that reset a board."""


class Lines:
    """What pyserial's PortManager sees as its serial port: the UART bridge's settings and lines."""

    bytesize, parity, stopbits, baudrate = 8, "N", 1, 115200
    xonxoff = rtscts = break_condition = False
    cts = dsr = cd = True
    ri = False

    def __init__(self, end: "Socket") -> None:
        self._end = end
        self._dtr = self._rts = False

    def put(self, dtr: bool, rts: bool) -> None:
        self._end.flush()  # what was sent before comes before
        self._dtr, self._rts = dtr, rts
        self._end.board.lines(dtr, rts)

    @property
    def dtr(self) -> bool:
        return self._dtr

    @dtr.setter
    def dtr(self, on: bool) -> None:
        self.put(on, self._rts)

    @property
    def rts(self) -> bool:
        return self._rts

    @rts.setter
    def rts(self, on: bool) -> None:
        self.put(self._dtr, on)

    def reset_input_buffer(self) -> None:
        """Nothing waits here."""

    reset_output_buffer = reset_input_buffer


class Socket:
    """The cable's end at a client of the RFC 2217 server."""

    def __init__(self, board: Board, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.settimeout(10)  # for a client that does not read; the board must not wait for ever
        self.board = board
        self.client = client
        self.heard = bytearray()
        self.lines = Lines(self)
        self.manager = rfc2217.PortManager(self.lines, self)

    def write(self, data: bytes) -> None:
        with self.board.lock, contextlib.suppress(OSError):
            self.client.sendall(data)

    def send(self, data: bytes) -> None:
        self.write(data.replace(b"\xff", b"\xff\xff"))

    def serve(self) -> None:
        while True:
            try:
                received = self.client.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                break
            if not received:
                break
            with self.board.lock:
                for byte in self.manager.filter(received):
                    self.heard += byte
                self.flush()
        self.client.close()

    def flush(self) -> None:
        data, self.heard = bytes(self.heard), bytearray()
        if data:
            self.board.hear(data)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.client.shutdown(socket.SHUT_RDWR)


class Terminal:
    """The cable's end as a pseudo-terminal."""

    def __init__(self, board: Board, master: int) -> None:
        self.board, self.master = board, master
        os.set_blocking(master, False)
        self.over, self.hangup = os.pipe()
        self.read = True

    def send(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self.master, data) :]
                self.read = True
            except BlockingIOError:
                # Either nobody reads, or somebody who is a little slow.
                if not self.read or not select.select([], [self.master], [], 1)[1]:
                    self.read = False
                    return

    def serve(self) -> None:
        while True:
            ready, _, _ = select.select([self.master, self.over], [], [])
            if self.over in ready:
                break
            try:
                received = os.read(self.master, 65536)
            except OSError:  # nobody has the port open, which no event tells the end of
                select.select([self.over], [], [], 0.01)
                continue
            with self.board.lock:
                self.board.hear(received)
        for descriptor in (self.master, self.over):
            os.close(descriptor)

    def close(self) -> None:
        os.close(self.hangup)
