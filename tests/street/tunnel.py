"""A TCP connection that can become half-open: a tunnel to a server on this machine which swallows bytes on demand.

with Tunnel(broker.port) as tunnel:      # connect to tunnel.port
    tunnel.freeze()                      # what runs through it stands still, nobody is told
    tunnel.thaw()                        # new connections get through again; the old ones stay dead

A `watch` is called with all that comes through: (from the client?, bytes), and without bytes when that direction ends.
"""

import contextlib
import socket
import threading
from collections.abc import Callable

from tests.street.processes import free_port


class Tunnel:
    """Each connection is two threads, one a direction; frozen ones go on taking bytes and deliver none."""

    def __init__(self, port: int, watch: Callable[[bool, bytes], None] = lambda *_: None) -> None:
        self._server_port = port
        self._watch = watch
        self.port = free_port()
        self.connections = 0
        self._frozen = False
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        self._frozen = True

    def thaw(self) -> None:
        self._frozen = False

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed: the end
            while True:
                near, _ = self._listener.accept()
                self.connections += 1
                if self._frozen:
                    self._sockets.append(near)  # the handshake of TCP is done, and then comes nothing
                    continue
                far = socket.create_connection(("127.0.0.1", self._server_port))
                self._sockets += [near, far]
                dead = threading.Event()
                for source, target in ((near, far), (far, near)):
                    arguments = (source, target, dead, source is near)
                    threading.Thread(target=self._carry, args=arguments, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, dead: threading.Event, up: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._watch(up, data)
                if self._frozen:
                    dead.set()
                if not dead.is_set():
                    target.sendall(data)
        self._watch(up, b"")
        if not dead.is_set():
            with contextlib.suppress(OSError):
                target.shutdown(socket.SHUT_WR)

    def __enter__(self) -> "Tunnel":
        return self

    def __exit__(self, *_: object) -> None:
        for one in [self._listener, *self._sockets]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
