"""What a board takes for certificates, for tests in MicroPython; it looks only at what is in here."""

from binascii import b2a_base64

from bordstein import certificate, platform


def made(number, device=None, point=b"\x07" * 64):
    """One of this board's that ends in 203x; the number stands for the rest, too."""
    ends = b"\x30\x1e\x17\x0d241126000000Z\x17\x0d3%d1231235959Z" % number
    device = device or platform.device_id().encode()
    body = bytes([number]) * 150 + ends + certificate._NAME + device + certificate._KEY + point
    return b"\x30\x82" + len(body).to_bytes(2, "big") + body


HAS, GETS = made(1), made(2)


def renewal(der=GETS, number="c1"):
    """The command that brings it."""
    return {"id": number, "do": "certificate", "der": b2a_base64(der).decode().strip()}


def content(path):
    """Of a file (bytes)."""
    with open(path, "rb") as file:
        return file.read()
