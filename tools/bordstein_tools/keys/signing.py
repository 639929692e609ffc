"""Releases: the key that signs them (RSA-3072), and the pack that boards fetch.

A pack: "BSR1", length of the manifest (4 bytes, high first), signature (PKCS#1 v1.5, SHA-256), manifest, files. The
manifest is JSON with one file a line, so that a board reads it line by line (firmware/bordstein/update/manifest.py).
"""

import hashlib
import json
import re
import struct
from collections.abc import Collection, Mapping
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .. import boards
from ..texts import Problem
from . import keyfiles

BITS = 3072
MAGIC = b"BSR1"
MPY_VERSION = 6
"""Of the .mpy format that mpy-cross writes and MicroPython 1.25 reads."""
MICROPYTHON = "1.25"
_VERSION = re.compile(r"(0|[1-9]\d{0,4})(\.(0|[1-9]\d{0,4})){2}")


def create(directory: Path, passphrase: bytes | None) -> rsa.RSAPrivateKey:
    """A new key: release.key.pem, and release.pub for the boards. Problem: there is one already."""
    keyfiles.refuse_existing(directory / "release.key.pem")
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    encryption: serialization.KeySerializationEncryption = (
        serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    keyfiles.write_new(
        directory,
        {"release.key.pem": (pem, keyfiles.PRIVATE), "release.pub": (public_line(key), keyfiles.PUBLIC)},
    )
    return key


def public_line(key: rsa.RSAPrivateKey) -> bytes:
    """The line for a board's release.pub: e, and n in hex."""
    numbers = key.public_key().public_numbers()
    return f"{numbers.e} {numbers.n:x}\n".encode()


def is_encrypted(path: Path) -> bool:
    """Whether the key in this file asks for a passphrase."""
    return b"ENCRYPTED" in _pem(path)


def load(path: Path, passphrase: bytes | None) -> rsa.RSAPrivateKey:
    """The key in a file. Problem: wrong passphrase, or another kind of key."""
    try:
        key = serialization.load_pem_private_key(_pem(path), passphrase)
    except (ValueError, TypeError):
        raise Problem(
            f"{path} lässt sich nicht öffnen: falsche Passphrase, oder kein Schlüssel.",
            f"{path} cannot be opened: wrong passphrase, or not a key.",
        ) from None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size != BITS:
        raise Problem(
            f"{path} ist kein RSA-Schlüssel mit {BITS} Bit; «bordstein signing init» legt einen an.",
            f'{path} is not an RSA key of {BITS} bits; "bordstein signing init" makes one.',
        )
    return key


def _pem(path: Path) -> bytes:
    return keyfiles.read(path, "Der Signaturschlüssel", "the signing key")


def pack(
    files: Mapping[str, bytes],
    key: rsa.RSAPrivateKey,
    *,
    version: str,
    floor: str,
    date: int,
    names: Collection[str] = (),
    micropython: str = MICROPYTHON,
) -> bytes:
    """A signed release. files: name below a slot -> content; names: of boards it is for (none: all that are known).

    date: Unix seconds of the signature; floor: boards that run it go back to nothing older.
    """
    for text in (version, floor):
        if not _VERSION.fullmatch(text):
            raise Problem(
                f"«{text}» ist keine Version wie 0.2.0.",
                f'"{text}" is not a version like 0.2.0.',
            )
    if _parts(floor) > _parts(version):
        raise Problem(
            f"Die Untergrenze {floor} liegt über der Version {version}.",
            f"the floor {floor} is above the version {version}.",
        )
    known = boards.known()
    for name in names:
        if name not in known:
            raise Problem(
                f"«{name}» ist kein bekanntes Board; es gibt: {', '.join(known)}.",
                f'"{name}" is not a known board; there are: {", ".join(known)}.',
            )
    chosen = sorted(names or known)
    head = {
        "format": 1,
        "version": version,
        "date": date,
        "floor": floor,
        "micropython": micropython,
        "mpy": MPY_VERSION,
        "boards": chosen,
        "chips": sorted({known[name]["chip"] for name in chosen}),
        "files": [],
    }
    lines = [
        json.dumps([name, len(content), hashlib.sha256(content).hexdigest()], separators=(",", ":"))
        for name, content in files.items()
    ]
    start = json.dumps(head, separators=(",", ":")).removesuffix("]}")
    manifest = (start + "\n" + ",\n".join(lines) + "\n]}\n").encode()
    signature = key.sign(manifest, padding.PKCS1v15(), hashes.SHA256())
    return MAGIC + struct.pack(">I", len(manifest)) + signature + manifest + b"".join(files.values())


def _parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
