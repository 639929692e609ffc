"""A renewed certificate for the key that the board has: the command `certificate`. Loaded for one only.

The command brings it as `der` (base64). It is written beside the old one and tried by a restart, as a configuration
from afar is (trialcert.py). The command's result comes after the trial; wanted.py sends it. Here only what surely is
not this board's is refused: the rest, its signature above all, is for the broker to judge, during the trial.
"""

import json
import sys
from binascii import a2b_base64

from bordstein import platform
from bordstein.configstate import NEXT, RUNNING, load, save

_LONGEST = 2048
# In DER: a P-256 public key up to its 65 bytes, and a common name of 12 characters (RFC 5480, RFC 5280).
_KEY = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04"
_KEY_BYTES = 91
_NAME = b"\x06\x03\x55\x04\x03\x0c\x0c"


def take(command):
    """Put it on trial. True: a restart is to follow, and the result after it; False: the board has it already; None:
    this very command is being followed. ValueError: the sentence why not; OSError.
    """
    state = load()
    if command["id"] in (state.get("certificate"), state.get("result", {}).get("id")):
        return None
    if "trial" in state or "certificate" in state:
        raise ValueError("a configuration or a certificate is on trial; send it again later")
    if "bordstein.update" in sys.modules:  # a restart would take the old software back
        raise ValueError("new software is being fetched or tried; send it again later")
    with open(RUNNING, encoding="utf-8") as file:
        path = (json.loads(file.read().lstrip("\ufeff")).get("mqtt") or {}).get("cert")
    if not path:
        raise ValueError("this board shows no certificate (mqtt.cert)")
    with open(path, "rb") as file:
        old = file.read()
    new = _decoded(command.get("der"))
    if new == old:
        return False
    _check(new, old)
    platform.replace(path + NEXT, new)
    state["certificate"] = command["id"]
    save(**state)
    return True


def _decoded(text):
    try:
        der = a2b_base64(text)
    except (TypeError, ValueError):
        der = b""
    # One sequence whose length takes two bytes, and nothing behind it.
    if not 256 <= len(der) <= _LONGEST or der[:2] != b"\x30\x82" or int.from_bytes(der[2:4], "big") != len(der) - 4:
        raise ValueError('"der" is no certificate in DER, in base64, of 256 to %d bytes' % _LONGEST)
    return der


def _check(new, old):
    if _NAME + platform.device_id().encode() not in new:
        raise ValueError("it is not the certificate of %s" % platform.device_id())
    key = old.find(_KEY)
    if key < 0:
        raise ValueError("the certificate that the board has is not one in DER with a P-256 key; it stays")
    if old[key : key + _KEY_BYTES] not in new:
        raise ValueError("it is for another key than the one on the board")
