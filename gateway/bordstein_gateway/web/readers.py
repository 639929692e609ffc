"""Who may see what is not public: names with the hashes of their passwords, in a file of their own.

A line is `name:scrypt$N$r$p$salt$key`, salt and key in base64 (RFC 7914). What is not such a line is nobody.
"""

import base64
import hashlib
import hmac
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,62}")
SHORTEST = 12
"""Characters of a password."""
_N, _R, _P = 2**14, 8, 5
"""16 MB, and some 0.2 s of a small server's processor; OWASP's Password Storage Cheat Sheet has these numbers."""
_MOST = 64 * 2**20
_LINE = re.compile(r"([^:\s]+):scrypt\$(\d{1,8})\$(\d{1,3})\$(\d{1,3})\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)")


def hashed(password: str) -> str:
    """What stands behind a name."""
    salt = os.urandom(16)
    key = hashlib.scrypt(password.encode(), salt=salt, n=_N, r=_R, p=_P, maxmem=_MOST, dklen=32)
    return f"scrypt${_N}${_R}${_P}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


NOBODY = f"scrypt${_N}${_R}${_P}${'A' * 22}==${'A' * 43}="
"""A hash that no password has: a name that is unknown takes as long as a known one."""


def read(text: str) -> dict[str, str]:
    """Name -> hash of a file's lines."""
    found = (_LINE.fullmatch(line.strip()) for line in text.splitlines())
    return {match[1]: line for match in found if match and (line := match[0].partition(":")[2])}


def fits(password: str, hash: str) -> bool:
    """Whether this is the password; takes as long as it takes on purpose."""
    match = _LINE.fullmatch(f"x:{hash}")
    if match is None:
        return False
    _, n, r, p, salt, key = match.groups()
    try:
        wanted = base64.b64decode(key, validate=True)
        made = hashlib.scrypt(
            password.encode(),
            salt=base64.b64decode(salt, validate=True),
            n=int(n),
            r=int(r),
            p=int(p),
            maxmem=_MOST,
            dklen=len(wanted) or 1,
        )
    except ValueError:
        return False
    return hmac.compare_digest(made, wanted)


def write(path: Path, readers: Mapping[str, str]) -> None:
    """The file anew, whole or not at all, for its owner alone; who owned it owns it still. OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(f"{reader}:{hash}\n" for reader, hash in sorted(readers.items()))
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            there = path.stat()
            Path(name).chmod(there.st_mode & 0o777)
            if os.geteuid() == 0:
                os.chown(name, there.st_uid, there.st_gid)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
