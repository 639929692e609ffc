"""How devices are called: in the store, in topics and in the town's data. Pure.

    24a160123456           a Bordstein board: its base MAC
    a84041ffff123456       any other device with an EUI-64: a LoRaWAN device's DevEUI, or made from a 48-bit MAC
    4711-pump.3            one without: its operator's IANA Private Enterprise Number and a name

As a name in data each is a URN. Source: RFC 9039 sections 4.1 and 4.3 (its grammar: section 3.2).
"""

import re

_BOARD = re.compile("[0-9a-f]{12}")
_EUI64 = re.compile("[0-9a-f]{16}")
_ORG = re.compile(r"[1-9][0-9]{0,9}-[A-Za-z0-9.-]{1,63}")
_SEPARATORS = re.compile("[:.-]")

FORMS = r"[0-9a-f]{12}|[0-9a-f]{16}|[1-9][0-9]{0,9}-[A-Za-z0-9.\-]{1,63}"
"""All forms as one regular expression."""
DE = "12 Hexadezimalziffern in Kleinschreibung, wie 24a160123456; 16 bei anderen Geräten (EUI-64), oder wie 4711-name"
EN = "12 lower-case hex digits, as in 24a160123456; 16 for other devices (EUI-64), or as in 4711-name"


def is_board(text: str) -> bool:
    """Whether this can be a Bordstein board's id: the base MAC as 12 lower-case hex digits."""
    return _BOARD.fullmatch(text) is not None


def is_eui64(text: str) -> bool:
    """Whether this can be the id of another device with an EUI-64: 16 lower-case hex digits."""
    return _EUI64.fullmatch(text) is not None


def is_device(text: str) -> bool:
    """Whether this can be any device's id."""
    return is_board(text) or is_eui64(text) or _ORG.fullmatch(text) is not None


def eui64(text: str) -> str | None:
    """The id of a device that is no board: its EUI-64, or the one made from its MAC; however it is spelt."""
    digits = _SEPARATORS.sub("", text).lower()
    if is_board(digits):
        return f"{digits[:6]}fffe{digits[6:]}"
    return digits if is_eui64(digits) else None


def organisation(enterprise: int, name: str) -> str:
    """The id of a device that has only a name. Signs that RFC 9039 has no room for become "." and two hex digits each,
    and so does "." itself, so that no two names become one."""
    signs = (sign if sign.isascii() and (sign.isalnum() or sign == "-") else _escaped(sign) for sign in name)
    return f"{enterprise}-{''.join(signs)}"


def _escaped(sign: str) -> str:
    return "".join(f".{byte:02x}" for byte in sign.encode())


def device_name(device: str) -> str:
    """The name that all of a device's series begin with: a URN and a colon."""
    if "-" in device:
        return f"urn:dev:org:{device}:"
    return f"urn:dev:mac:{device if len(device) == 16 else f'{device[:6]}fffe{device[6:]}'}:"
