"""Sockets under asyncio that never block the loop: a TCP or TLS stream, and one question by UDP.

asyncio.open_connection looks names up and, on boards, connects and shakes hands without a limit; here every step is
non-blocking and the caller gives it a limit with `limited`. Addresses are numeric: names are resolve.py's work.
"""

import asyncio
import errno
import socket
from asyncio import core  # type: ignore[attr-defined]


def _wait(queue, sock):
    # A plain generator: in MicroPython it can be awaited, and only a generator can hand over to the I/O queue.
    yield queue(sock)


def readable(sock):
    """Awaitable: ends when the socket has something to read, or failed."""
    return _wait(core._io_queue.queue_read, sock)


def writable(sock):
    """Awaitable: ends when the socket takes bytes, or failed."""
    return _wait(core._io_queue.queue_write, sock)


async def limited(awaitable, limit_ms, sentence):
    """Await with a time limit; OSError(ETIMEDOUT, sentence) when it is over."""
    try:
        return await asyncio.wait_for_ms(awaitable, limit_ms)
    except asyncio.TimeoutError:
        raise OSError(errno.ETIMEDOUT, sentence)


def make_context(ca, cert=None, key=None):
    """A TLS context that believes only the authority in the file `ca`, and shows the board's certificate (DER or PEM).

    OSError for a missing file, ValueError for one that is no certificate or key.
    """
    import tls

    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    # The default of tls (not of ssl); said because everything hangs on it.
    context.verify_mode = tls.CERT_REQUIRED  # type: ignore[attr-defined]
    context.load_verify_locations(_content(ca))
    if cert and key:
        context.load_cert_chain(_content(cert), _content(key))
    return context


def _content(path):
    with open(path, "rb") as file:
        return file.read()


def _open(kind, address, port):
    sock = socket.socket(socket.AF_INET, kind)
    sock.setblocking(False)
    try:
        # For a numeric address this asks nobody: it only makes the port's own form of an address.
        sock.connect(socket.getaddrinfo(address, port)[0][-1])
    except OSError as error:
        if error.errno != errno.EINPROGRESS:
            sock.close()
            raise
    return sock


class Stream:
    """One TCP connection, with TLS when a context is given. One reader and one writer at a time."""

    def __init__(self, address, port, tls_context=None, host=None):
        self._socket = self._wire = _open(socket.SOCK_STREAM, address, port)
        self._tls = tls_context
        self._host = host

    async def connected(self):
        """Wait for the TCP connection; the first write then raises OSError if there is none."""
        await writable(self._socket)
        if self._tls:
            # The handshake happens in the first writes. The name is what the certificate must have.
            self._wire = self._tls.wrap_socket(self._socket, server_hostname=self._host, do_handshake_on_connect=False)

    async def greet(self, data):
        """Write the first bytes, and with them do the TLS handshake. Raises OSError or, from TLS, ValueError."""
        # In a handshake only the TLS object knows in which direction it has to wait.
        await self._send(data, self._wire)

    async def write(self, data):
        """Write all of `data`; OSError."""
        await self._send(data, self._socket)

    async def _send(self, data, poll):
        data = memoryview(data)
        done = 0
        while done < len(data):
            count = self._wire.write(data[done:])
            if count:
                done += count
            else:
                await writable(poll)

    async def readinto(self, buffer):
        """Read what there is, at least one byte; returns how many, 0 at the end of the stream; OSError."""
        while True:
            count = self._wire.readinto(buffer)
            if count is not None:
                return count
            # TLS has used up all the socket had, so that the socket itself says when to go on (and on the Unix port,
            # waiting for the TLS object would be a busy loop).
            await readable(self._socket)

    def close(self):
        """Close; no OSError, may be called again."""
        for end in (self._wire, self._socket):
            try:
                end.close()
            except OSError:
                pass


async def ask(address, port, question, accept, limit_ms):
    """Send one datagram and return accept(answer) for the first answer for which this is not None.

    accept: bytes -> value or None (not an answer to this question: go on waiting). Raises OSError, also when nothing
    came within limit_ms, and what accept raises.
    """
    sock = _open(socket.SOCK_DGRAM, address, port)  # connected: nobody else's datagrams get in
    try:
        sock.write(question)
        return await limited(_answer(sock, accept), limit_ms, "%s gave no answer" % address)
    finally:
        sock.close()


async def _answer(sock, accept):
    while True:
        await readable(sock)
        answer = sock.read(512)
        if answer:
            value = accept(answer)
            if value is not None:
                return value
