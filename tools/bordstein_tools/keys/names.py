"""The names that stand in certificates, and which of them are allowed.

A common name becomes the MQTT user name, and the broker's access list puts it into topics. So the names of
devices, gateways and brokers must not be mistakable for each other nor carry MQTT's wildcards.
"""

import ipaddress
import re
import unicodedata

from ..texts import Problem

_DEVICE = re.compile(r"[0-9a-f]{12}")
_GATEWAY = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


def device_id(text: str) -> str:
    """12 lower-case hex digits from a MAC address as people write it (24:A1:60:12:34:56, 24-a1-…, 24a160123456).

    Raises Problem for anything else, and for a group address, which no board has as its own.
    """
    digits = re.sub(r"[:\-. ]", "", text.strip()).lower()
    if not _DEVICE.fullmatch(digits):
        raise Problem(
            f"Gerät „{text}“: erwartet wird die Basis-MAC mit 12 Hexadezimalziffern, zum Beispiel 24a160123456.",
            f'device "{text}": expected the base MAC as 12 hexadecimal digits, for example 24a160123456.',
        )
    if int(digits[:2], 16) & 1:
        raise Problem(
            f"Gerät „{text}“: das ist eine Gruppenadresse; bitte die eigene MAC-Adresse des Geräts angeben.",
            f'device "{text}": this is a group address; give the device\'s own MAC address.',
        )
    return digits


def gateway_name(text: str) -> str:
    """A gateway's name: lower-case letters, digits and hyphens, and not in the shape of a device id."""
    if not _GATEWAY.fullmatch(text) or _DEVICE.fullmatch(text):
        raise Problem(
            f"Gateway „{text}“: erlaubt sind 1 bis 63 Kleinbuchstaben, Ziffern und Bindestriche, und nicht die Form "
            "einer Gerätekennung; zum Beispiel bordstein-gateway.",
            f'gateway "{text}": 1 to 63 lower-case letters, digits and hyphens are allowed, and not the shape of a '
            "device id; for example bordstein-gateway.",
        )
    return text


def without_umlauts(text: str) -> str | None:
    """The form in which DNS, certificates and boards know a host name with umlauts; None if it has none, or is none.

    For letters and digits this is what RFC 5891 makes; Python's own codec is RFC 3490, which makes ß ss.
    """
    name = unicodedata.normalize("NFC", text.strip().lower()).rstrip(".")
    if name.isascii() or not all(letter.isalnum() or letter in "-." for letter in name):
        return None
    labels = name.split(".")
    return ".".join(label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in labels)


def host(text: str) -> str | ipaddress.IPv4Address | ipaddress.IPv6Address:
    """A broker's host name (lower-case, without wildcards) or its IP address, as boards will dial it."""
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        pass
    plain = without_umlauts(text)
    if plain is not None:
        raise Problem(
            f"Broker „{text}“: bitte die Form ohne Umlaute angeben, unter der Geräte ihn erreichen: {plain}",
            f'broker "{text}": give the form in plain letters, under which devices reach it: {plain}',
        )
    name = text.lower().rstrip(".")
    labels = name.split(".")
    # A name that ends in a number is a mistyped address (WHATWG URL, "ends in a number"), never a host name.
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        raise Problem(
            f"Broker „{text}“: erwartet wird ein Rechnername oder eine IP-Adresse, zum Beispiel mqtt.musterstadt.de.",
            f'broker "{text}": expected a host name or an IP address, for example mqtt.musterstadt.de.',
        )
    return name
