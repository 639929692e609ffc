"""The software that goes onto a board: out of a signed release pack (signing.py), or the one this package carries."""

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ..config import firmware_rules
from ..keys import keyfiles, signing
from ..texts import Problem

PACKAGE = "bordstein/"
STARTERS = ("boot.py", "main.py")
"""No release has them: they choose between the old and the new one."""
COMPILED = Path(__file__).parents[1] / "compiled"
"""The wheel carries it (tools/hatch_build.py); in a checkout it is what `make package` compiled."""
CHECKOUT = Path(__file__).parents[3] / "dist" / "firmware"
_SIGNATURE_BYTES = 384
_NAME = re.compile(r"bordstein(/[a-z0-9_]+)+\.mpy")


class Software(NamedTuple):
    """files: path on the board -> content, with boot.py and main.py. micropython: the oldest that runs it."""

    version: str
    files: dict[str, bytes]
    mpy: int = signing.MPY_VERSION
    micropython: str = signing.MICROPYTHON


def own() -> Software:
    """What this package carries. Problem: a checkout in which nothing was compiled yet."""
    folder = COMPILED if COMPILED.is_dir() else CHECKOUT
    names = [file.relative_to(folder).as_posix() for file in sorted(folder.glob("bordstein/**/*.mpy"))]
    if not names:
        raise Problem(
            "Hier ist keine übersetzte Software; «make package» übersetzt sie, oder --release nennt eine.",
            'there is no compiled software here; "make package" compiles it, or --release names one.',
        )
    files = {name: (folder / name).read_bytes() for name in names}
    found = re.search(rb"(?<![\d.])\d{1,5}\.\d{1,5}\.\d{1,5}(?![\d.])", files.get("bordstein/__init__.mpy", b""))
    return Software(found[0].decode() if found else "?", files | _starters())


def release(path: Path, keys: bytes) -> Software:
    """What a release pack has in it, checked. keys: the lines of a release.pub. Problem: not whole, not genuine."""
    pack = keyfiles.read(path, "Die Software", "the software")
    end = 8 + _SIGNATURE_BYTES + int.from_bytes(pack[4:8], "big")
    manifest = pack[8 + _SIGNATURE_BYTES : end]
    if pack[:4] != signing.MAGIC or len(pack) < end:
        raise Problem(
            f"{path} ist keine Software für Geräte; gebraucht wird die Datei .pack einer Version.",
            f"{path} is no software for boards; the .pack file of a release is needed.",
        )
    if not _genuine(manifest, pack[8 : 8 + _SIGNATURE_BYTES], keys):
        raise Problem(
            f"{path} ist mit keinem Schlüssel signiert, dem hier vertraut wird; sie kommt nicht auf das Gerät. Ist es "
            "die richtige Datei und die richtige release.pub (--public)?",
            f"{path} is not signed with any key that is believed here; it does not go onto the board. Is it the right "
            "file, and the right release.pub (--public)?",
        )
    head = json.loads(manifest)
    files: dict[str, bytes] = {}
    for name, size, digest in head["files"]:
        content = pack[end : end + size]
        end += size
        if hashlib.sha256(content).hexdigest() != digest or not _NAME.fullmatch(name):
            raise Problem(
                f"{path} ist beschädigt; bitte noch einmal kopieren.", f"{path} is damaged; copy it once more."
            )
        files[name] = content
    return Software(head["version"], files | _starters(), head["mpy"], head["micropython"])


def _starters() -> dict[str, bytes]:
    folder = firmware_rules.CARRIED if firmware_rules.CARRIED.is_dir() else firmware_rules.CHECKOUT
    return {name: (folder / name).read_bytes() for name in STARTERS}


def _genuine(manifest: bytes, signature: bytes, keys: bytes) -> bool:
    for key in _public(keys):
        try:
            key.verify(signature, manifest, padding.PKCS1v15(), hashes.SHA256())
            return True
        except InvalidSignature:
            continue
    return False


def count_keys(lines: bytes) -> int:
    """How many keys there are in a release.pub."""
    return len(list(_public(lines)))


def _public(lines: bytes) -> Iterable[rsa.RSAPublicKey]:
    for line in lines.decode("ascii", "replace").splitlines():
        try:
            e, n = line.split()
            key = rsa.RSAPublicNumbers(int(e), int(n, 16)).public_key()
        except ValueError:
            continue
        if key.key_size == signing.BITS:
            yield key
