"""What a wanted configuration may leave to the board, because the gateway need not know it. Pure: the tools carry this
file.

As it is on the board is
* what is null; where the board has no such key, it is left out,
* when it is left out: `network` and `mqtt` as a whole, the files `ca`, `cert` and `key` of `mqtt`, `pin` and `password`
  of `network.ppp`, and a Wi-Fi network's `password` where the board knows a network with that `ssid`.

A `password` or `pin` of "" is none.
"""

import hashlib
import json
from binascii import hexlify

_SECRETS = ("password", "pin")
_OWN = {"mqtt": ("ca", "cert", "key"), "ppp": _SECRETS}


def complete(wanted, own):
    """A wanted configuration with what it leaves to the board, from the board's own one."""
    return _filled(wanted, own, ("network", "mqtt"))


def _filled(wanted, own, kept):
    if not isinstance(own, dict):
        own = {}
    filled = {key: own[key] for key in kept if key in own and key not in wanted}
    for key, value in wanted.items():
        if value is None:
            value = own.get(key)
        elif isinstance(value, dict):
            value = _filled(value, own.get(key), _OWN.get(key, ()))
        elif key == "wifi" and isinstance(value, list):
            value = [_network(entry, own.get(key)) for entry in value]
        if value is not None and not (value == "" and key in _SECRETS):
            filled[key] = value
    return filled


def _network(entry, known):
    if not isinstance(entry, dict):
        return entry
    for other in known if isinstance(known, list) else ():
        if isinstance(other, dict) and other.get("ssid") == entry.get("ssid"):
            return _filled(entry, other, ("password",))
    return _filled(entry, {}, ())


def digest(config):
    """16 hex digits that change with a configuration, but not with its secrets or the order of its keys."""
    total = hashlib.sha256()
    _feed(total, config, "")
    return hexlify(total.digest())[:16].decode()


def _feed(total, value, name):
    if isinstance(value, dict):
        total.update(b"{")
        for key in sorted(value):
            if key not in _SECRETS or name not in ("wifi", "ppp"):
                total.update(json.dumps(key).encode() + b":")
                _feed(total, value[key], key)
                total.update(b",")
        total.update(b"}")
    elif isinstance(value, list):
        total.update(b"[")
        for item in value:
            _feed(total, item, name)
            total.update(b",")
        total.update(b"]")
    else:
        total.update(json.dumps(value).encode())
