"""The format of the spool's files. Bytes and open files in, values out; no names, no policy.

A segment is a header and then records, one behind the other, little-endian:

    header  magic "BS", version u8, 0 u8, packs dropped u32, readings taken u32 (both since the board's birth, up to
            this segment's beginning), CRC32 of these 12 bytes u32
    record  0xB5 u8, length of the payload u16, number of readings u16, boot u32, seq u32, CRC32 u32 (of the 13 bytes
            before it and the payload), payload
"""

import struct
from binascii import crc32

from micropython import const

HEADER_BYTES = 16
RECORD_BYTES = 17
_VERSION = const(1)
_MAGIC = const(0xB5)
_CHUNK = const(256)


def header(dropped, taken):
    """The 16 bytes a segment begins with."""
    head = struct.pack("<2sBBII", b"BS", _VERSION, 0, dropped, taken)
    return head + struct.pack("<I", crc32(head))


def parse_header(data):
    """(dropped, taken), or None when this is no sound header."""
    if len(data) < HEADER_BYTES:
        return None
    magic, version, _, dropped, taken, check = struct.unpack("<2sBBIII", data)
    if magic != b"BS" or version != _VERSION or crc32(data[:12]) != check:
        return None
    return dropped, taken


def record(boot, seq, readings, payload):
    """One pack as it goes into a segment."""
    head = struct.pack("<BHHII", _MAGIC, len(payload), readings, boot, seq)
    return head + struct.pack("<I", crc32(payload, crc32(head))) + payload


def parse_record(data, at):
    """(boot, seq, readings, payload) of the record that begins at data[at], or None."""
    if len(data) - at < RECORD_BYTES or data[at] != _MAGIC:
        return None
    _, length, readings, boot, seq, check = struct.unpack_from("<BHHIII", data, at)
    begin = at + RECORD_BYTES
    payload = data[begin : begin + length]
    if len(payload) != length or crc32(payload, crc32(data[at : at + 13])) != check:
        return None
    return boot, seq, readings, payload


def read_record(file, offset, limit):
    """(boot, seq, readings, payload) of the record at this offset of an open file, or None; limit: largest payload."""
    file.seek(offset)
    head = file.read(RECORD_BYTES)
    if len(head) < RECORD_BYTES or head[0] != _MAGIC:
        return None
    length = head[1] | head[2] << 8
    if length > limit:
        return None
    return parse_record(head + file.read(length), 0)


def scan(file, size, found):
    """Walk through a segment of `size` bytes; found(offset, boot, seq, readings) is called for each sound record.

    What is damaged is stepped over. Returns (sound, damaged): whether the file ends with a sound record, so that one
    may write behind it, and how many damaged places there are.
    """
    offset = HEADER_BYTES
    damaged = 0
    sound = True
    while offset < size:
        whole = read_record(file, offset, size)
        if whole:
            found(offset, whole[0], whole[1], whole[2])
            offset += RECORD_BYTES + len(whole[3])
            sound = True
            continue
        if sound:
            damaged += 1
            sound = False
        offset = _next_magic(file, offset + 1, size)
    return sound, damaged


def _next_magic(file, offset, size):
    """Offset of the next byte that may begin a record, or `size`."""
    file.seek(offset)
    while offset < size:
        chunk = file.read(_CHUNK)
        if not chunk:
            break
        at = chunk.find(bytes((_MAGIC,)))
        if at >= 0:
            return offset + at
        offset += len(chunk)
    return size
