"""The pages' address, taken before the first message is: a gateway that can't show how it is does not start."""

import errno
import socket
from contextlib import ExitStack

from ..config.config import Http
from ..texts import Sentence, both

_NOT_HERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class NoAddress(Exception):
    """The pages' address can't be had; the text is one sentence. `taken`: another program has it."""

    def __init__(self, sentence: Sentence, *, taken: bool = False) -> None:
        super().__init__(sentence)
        self.taken = taken


def listen(http: Http) -> list[socket.socket]:
    """A socket for each address of http.host; connections wait in them. NoAddress."""
    try:
        found = socket.getaddrinfo(http.host, http.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise _not_here(http) from None
    with ExitStack() as opened:
        sockets: list[socket.socket] = []
        for family, _, _, _, address in dict.fromkeys(found):
            try:
                one = socket.create_server(address, family=family)
            except OSError as error:
                if error.errno in _NOT_HERE:  # localhost on a machine without IPv6
                    continue
                raise _no_address(http, error) from None
            sockets.append(opened.enter_context(one))
        if not sockets:
            raise _not_here(http)
        opened.pop_all()
        return sockets


def _no_address(http: Http, error: OSError) -> NoAddress:
    if error.errno == errno.EADDRINUSE:
        taken = both(
            f"Port {http.port} ist belegt; http.port ändern oder das andere Programm beenden.",
            f"Port {http.port} is taken; change http.port or end the other program.",
        )
        return NoAddress(taken, taken=True)
    if error.errno == errno.EACCES:
        return NoAddress(
            both(
                f"Port {http.port} ist Diensten des Systems vorbehalten; http.port ändern, 1024 oder mehr.",
                f"Port {http.port} is for services of the system only; change http.port, to 1024 or more.",
            )
        )
    why = error.strerror or error
    return NoAddress(
        both(
            f"Seiten unter {http.host}:{http.port} sind nicht möglich ({why}); http.host und http.port prüfen.",
            f"There can't be pages at {http.host}:{http.port} ({why}); look at http.host and http.port.",
        )
    )


def _not_here(http: Http) -> NoAddress:
    return NoAddress(
        both(
            f"{http.host} ist keine Adresse dieses Rechners; http.host ändern.",
            f"{http.host} is no address of this machine; change http.host.",
        )
    )
