"""Names to addresses without blocking: a DNS question by UDP with a limit. Source: RFC 1035 (sections 4.1, 4.2.1).

The stock socket.getaddrinfo blocks the whole board while a name server is silent. Only A records (IPv4): that is what
boards speak.
"""

import random
import struct

from micropython import const

from bordstein import stream

_PORT = const(53)
_LIMIT_MS = const(3000)
_ROUNDS = const(2)
_TYPE_A = const(1)
_CLASS_IN = const(1)
_LONGEST_NAME = const(253)


def is_address(host):
    """Is it a numeric IPv4 address?"""
    parts = host.split(".")
    return len(parts) == 4 and all(part.isdigit() and len(part) <= 3 and int(part) < 256 for part in parts)


def question(name, number):
    """The datagram that asks for the A records of a name; ValueError when it is none."""
    labels = name.rstrip(".").split(".")
    if len(name) > _LONGEST_NAME or not all(0 < len(label) < 64 for label in labels):
        raise ValueError("%s is no host name" % name)
    parts = [struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0)]
    for label in labels:
        parts.append(bytes((len(label),)) + label.encode())
    parts.append(struct.pack(">BHH", 0, _TYPE_A, _CLASS_IN))
    return b"".join(parts)


def answer(data, number):
    """The first address in an answer; None: it answers another question. OSError: there is no such name."""
    try:
        got, flags, questions, records = struct.unpack_from(">HHHH", data, 0)
        if got != number or not flags & 0x8000:
            return None
        if flags & 15:
            raise OSError("the name server does not know it (code %d)" % (flags & 15))
        at = 12
        for _ in range(questions):
            at = _skip_name(data, at) + 4
        for _ in range(records):
            at = _skip_name(data, at)
            kind, group, _, size = struct.unpack_from(">HHIH", data, at)
            at += 10
            if kind == _TYPE_A and group == _CLASS_IN and size == 4 and at + 4 <= len(data):
                return "%d.%d.%d.%d" % tuple(data[at : at + 4])
            at += size  # a CNAME: the A record it leads to stands further on
    except (ValueError, IndexError):
        return None  # cut off: whoever sent that, the next answer may be whole
    raise OSError("the name server knows no IPv4 address of it")


def _skip_name(data, at):
    """The index behind a name. A pointer ends a name, so no pointer is ever followed."""
    while True:
        length = data[at]
        if length >= 0xC0:
            return at + 2
        at += 1 + length
        if not length:
            return at


async def lookup(host, servers):
    """The address of a host as text; OSError with a sentence when no server gives one.

    Numeric addresses and `localhost` need nobody.
    """
    if host == "localhost":
        return "127.0.0.1"
    if is_address(host):
        return host
    if not servers:
        raise OSError("%s can't be looked up: the network gave no name server" % host)
    why = None
    for _ in range(_ROUNDS):
        for server in servers:
            number = random.getrandbits(16)
            try:
                return await stream.ask(
                    server, _PORT, question(host, number), lambda data, number=number: answer(data, number), _LIMIT_MS
                )
            except OSError as error:
                why = error.args[-1] if error.args else error
    raise OSError("%s can't be looked up: %s" % (host, why))
