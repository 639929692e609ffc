"""The time from an SNTP server, in whole seconds. Source: RFC 4330 (message format section 4, client checks section 5).

No float: seconds of the NTP era go through integers only. Beyond 2036, when the 32-bit seconds begin anew, the era is
the one whose time lies after this software was built.
"""

import random
import struct

from micropython import const

from bordstein import clock, net, stream
from bordstein.resolve import lookup

_PORT = const(123)
_LIMIT_MS = const(3000)
_SIZE = const(48)
_REQUEST = const(0x23)  # leap 0, version 4, mode 3 (client)
_SERVER = const(4)
_UNSYNCHRONISED = const(3)
_UNIX = 2208988800  # seconds from 1900 to 1970
_ERA = 1 << 32
_YEARS_30 = const(946728000)


def request(mark):
    """The question; `mark`: 8 bytes that the answer has to repeat, so that nobody can answer who did not hear it."""
    packet = bytearray(_SIZE)
    packet[0] = _REQUEST
    packet[40:48] = mark
    return packet


def parse(data, mark, not_before):
    """Unix seconds of an answer; None: it is not the answer to this question. OSError: the server has no good time.

    not_before: Unix seconds that are surely past, and not for longer than 30 years.
    """
    if len(data) < _SIZE or data[0] & 7 != _SERVER or bytes(data[24:32]) != mark:
        return None
    if data[1] == 0:
        raise OSError(
            "the time server asks for quiet (%s)" % "".join([chr(byte) for byte in data[12:16] if 32 < byte < 127])
        )
    if data[0] >> 6 == _UNSYNCHRONISED or data[1] > 15:
        raise OSError("the time server's own clock is not set")
    seconds, fraction = struct.unpack_from(">II", data, 40)
    if not seconds and not fraction:
        raise OSError("the time server gives no time")
    seconds += fraction >> 31  # to the nearest second
    seconds -= _UNIX
    while seconds < not_before:
        seconds += _ERA
    if seconds - not_before > _YEARS_30:
        raise OSError("the time server's own clock is wrong, it lies before this software was built")
    return seconds


async def query(server):
    """Ask one server by name or address: Unix seconds; OSError with a sentence."""
    address = await lookup(server, net.dns_servers())
    mark = struct.pack(">II", random.getrandbits(32), random.getrandbits(32))
    return await stream.ask(address, _PORT, request(mark), lambda data: parse(data, mark, clock.BUILD_TIME), _LIMIT_MS)
