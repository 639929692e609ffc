"""MQTT 3.1.1 packets: bytes in, values out. No socket, no clock, no asyncio; runs unchanged on CPython.

Only what a board needs (OASIS mqtt-v3.1.1-os): it builds CONNECT, PUBLISH with QoS 0 and 1, PUBACK, SUBSCRIBE, PINGREQ
and DISCONNECT; `Parser` takes apart what a broker sends to it.
"""

try:
    from micropython import const
except ImportError:  # CPython, in tests

    def const(value):  # type: ignore[misc]
        return value


CONNACK = const(2)
PUBLISH = const(3)
PUBACK = const(4)
SUBACK = const(9)
PINGRESP = const(13)

PINGREQ_PACKET = b"\xc0\x00"
DISCONNECT_PACKET = b"\xe0\x00"

_DUP = const(8)
_USUAL = const(1024)
_LONGEST = const(268435455)  # §2.2.3: four bytes of seven bits


class MQTTError(Exception):
    """What the broker sent is not MQTT 3.1.1. The text is a sentence that says what was wrong."""


def _frame(first, length):
    """Return a packet with its fixed header written and room for `length` bytes, and the index where these start."""
    if length > _LONGEST:
        raise ValueError("an MQTT packet holds 256 MB at most")
    size = 2
    while length >> 7 * (size - 1):
        size += 1
    packet = bytearray(size + length)
    packet[0] = first
    for i in range(1, size - 1):
        packet[i] = length & 127 | 128
        length >>= 7
    packet[size - 1] = length
    return packet, size


def _put(packet, at, data):
    """Write a two-byte length and the data (§1.5.3) at index `at`; return the index after them."""
    size = len(data)
    if size > 65535:
        raise ValueError("an MQTT string holds 65535 bytes at most")
    _put_id(packet, at, size)
    packet[at + 2 : at + 2 + size] = data
    return at + 2 + size


def _put_id(packet, at, number):
    packet[at] = number >> 8
    packet[at + 1] = number & 255


def connect(client_id, keepalive_s, clean=False, will=None, will_qos=1, will_retain=True):
    """CONNECT (§3.1). will: (topic, payload) or None; keepalive in seconds, 0 switches it off."""
    client_id = client_id.encode()
    length = 12 + len(client_id)
    flags = 2 if clean else 0
    if will:
        topic = will[0].encode()
        length += 4 + len(topic) + len(will[1])
        flags |= 4 | will_qos << 3 | (32 if will_retain else 0)
    packet, at = _frame(0x10, length)
    at = _put(packet, at, b"MQTT")
    packet[at] = 4  # protocol level: 3.1.1
    packet[at + 1] = flags
    _put_id(packet, at + 2, keepalive_s)
    at = _put(packet, at + 4, client_id)
    if will:
        at = _put(packet, at, topic)
        _put(packet, at, will[1])
    return packet


def publish(topic, payload, packet_id=0, retain=False):
    """PUBLISH (§3.3): QoS 1 with a packet id (1..65535), QoS 0 without."""
    topic = topic.encode()
    first = 0x30 | (2 if packet_id else 0) | (1 if retain else 0)
    packet, at = _frame(first, 2 + len(topic) + (2 if packet_id else 0) + len(payload))
    at = _put(packet, at, topic)
    if packet_id:
        _put_id(packet, at, packet_id)
        at += 2
    packet[at:] = payload
    return packet


def mark_duplicate(packet):
    """Set the DUP flag of a built PUBLISH in place: it is sent again (§3.3.1.1)."""
    packet[0] |= _DUP


def puback(packet_id):
    """PUBACK (§3.4)."""
    packet = bytearray(b"\x40\x02\x00\x00")
    _put_id(packet, 2, packet_id)
    return packet


def subscribe(packet_id, topics, qos=1):
    """SUBSCRIBE (§3.8) to all topic filters of a list with one quality of service."""
    topics = [topic.encode() for topic in topics]
    packet, at = _frame(0x82, 2 + sum(3 + len(topic) for topic in topics))
    _put_id(packet, at, packet_id)
    at += 2
    for topic in topics:
        at = _put(packet, at, topic)
        packet[at] = qos
        at += 1
    return packet


class Parser:
    """Takes the bytes of one connection in pieces of any size and gives whole packets.

    limit: the most bytes of one packet that are kept. Of a longer PUBLISH only the head is kept and its payload given
    as None, so that it can be acknowledged (or the broker would send it again for ever); nothing else may be longer.
    """

    def __init__(self, limit=4096):
        self._limit = limit
        self._body = bytearray(64)  # grows to the longest packet seen and is used again, unless that is a rare one
        self._first = -1  # first byte of the fixed header, or -1 before it
        self._length = 0  # remaining length as far as it is known
        self._shift = 0  # of the next byte of the remaining length, or -1 when the length is complete
        self._got = 0  # bytes of the body so far

    def feed(self, data):
        """Yield a tuple for each packet that `data` (bytes, bytearray or memoryview) completes.

        (CONNACK, session present, code), (PUBLISH, quality, duplicate, retain, packet id or 0, topic, payload or None),
        (PUBACK, packet id), (SUBACK, packet id, codes), (PINGRESP,). Raises MQTTError; the connection is useless then.
        To be used up: data that was not looked at is gone.
        """
        data = memoryview(data)
        i = 0
        while i < len(data):
            if self._shift >= 0:
                self._header(data[i])
                i += 1
                if self._shift >= 0 or self._length:
                    continue
            take = min(len(data) - i, self._length - self._got)
            keep = min(take, self._limit - self._got)
            if keep > 0:
                self._body[self._got : self._got + keep] = data[i : i + keep]
            self._got += take
            i += take
            if self._got == self._length:
                packet = self._packet(self._first, self._length)
                self._first = -1
                self._length = self._shift = self._got = 0
                if len(self._body) > _USUAL:
                    self._body = bytearray(64)
                yield packet

    def _header(self, byte):
        if self._first < 0:
            kind = byte >> 4
            if kind != PUBLISH and (byte & 15 or kind not in (CONNACK, PUBACK, SUBACK, PINGRESP)):
                raise MQTTError("the broker sent a packet that begins with 0x%02x, which no broker sends" % byte)
            self._first = byte
            return
        self._length |= (byte & 127) << self._shift
        self._shift += 7
        if byte & 128:
            if self._shift > 21:
                raise MQTTError("the broker sent a packet length of more than four bytes")
            return
        self._shift = -1
        if self._length > self._limit and self._first >> 4 != PUBLISH:
            raise MQTTError("the broker sent an acknowledgement of %d bytes" % self._length)
        needed = min(self._length, self._limit)
        if len(self._body) < needed:
            self._body = bytearray(needed)

    def _packet(self, first, length):
        kind = first >> 4
        body = self._body
        if kind == PUBLISH:
            return self._publish(first, length)
        if kind == PINGRESP and length == 0:
            return (PINGRESP,)
        if kind == CONNACK and length == 2 and body[0] <= 1:
            return (CONNACK, body[0] == 1, body[1])
        if kind in (PUBACK, SUBACK) and length >= 2 and (length == 2) == (kind == PUBACK):
            packet_id = body[0] << 8 | body[1]
            if packet_id:
                return (PUBACK, packet_id) if kind == PUBACK else (SUBACK, packet_id, bytes(memoryview(body)[2:length]))
        raise MQTTError("the broker sent a packet of type %d with %d bytes that cannot be read" % (kind, length))

    def _publish(self, first, length):
        body = self._body
        quality = first >> 1 & 3
        end = 2 + (body[0] << 8 | body[1]) if length >= 2 else length + 1
        start = end + 2 if quality else end
        if quality > 1 or start > length or end == 2:
            raise MQTTError("the broker sent a message whose head cannot be read")
        if start > self._limit:
            raise MQTTError("the broker sent a message with a topic of %d bytes" % (end - 2))
        view = memoryview(body)
        try:
            topic = str(view[2:end], "utf-8")
        except UnicodeError:
            raise MQTTError("the broker sent a message whose topic is not UTF-8")
        packet_id = body[end] << 8 | body[end + 1] if quality else 0
        if quality and not packet_id:
            raise MQTTError("the broker sent a message with packet id 0")
        payload = bytes(view[start:length]) if length <= self._limit else None
        return (PUBLISH, quality, bool(first & _DUP), bool(first & 1), packet_id, topic, payload)
