"""RSA signatures of releases: PKCS#1 v1.5 with SHA-256 (RFC 8017 section 8.2.2).

`release.pub`: a line for each key that is believed, e and n (hex). Two keys while one takes over from the other.
"""

BYTES = 384  # of a signature: RSA-3072
# DigestInfo of SHA-256 (RFC 8017 section 9.2).
_ALGORITHM = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"


def keys(path="release.pub"):
    """[(e, n)]; none where the file is missing."""
    try:
        with open(path) as file:
            pairs = [line.split() for line in file if line.strip()]
    except OSError:
        return []
    return [(int(e), int(n, 16)) for e, n in pairs]


def genuine(digest, signature, keys):
    """Did the owner of one of these keys sign what has this SHA-256?"""
    tail = b"\x00" + _ALGORITHM + digest
    wanted = b"\x00\x01" + b"\xff" * (BYTES - 2 - len(tail)) + tail
    number = int.from_bytes(signature, "big")
    for e, n in keys:
        # Shorter keys are none; the whole block is compared, so nothing can hide in its padding.
        if len(signature) == BYTES and n >> 8 * BYTES - 1 == 1 and number < n:
            if pow(number, e, n).to_bytes(BYTES, "big") == wanted:
                return True
    return False
