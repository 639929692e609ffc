"""Addresses in the configuration: whether a request, and whether a secret, may go there."""

import re
from urllib.parse import urlsplit

from ..texts import pick
from .words import is_here, is_host


def malformed(url: str) -> str:
    """Why no request can go to this address. Its text is not repeated: a part of it may be secret."""
    import httpx2  # the command starts quicker without

    try:
        parts = urlsplit(url)
        right = is_host(parts.hostname or "") and parts.port != 0 and parts.scheme in ("http", "https")
        httpx2.URL(url)
    except (ValueError, httpx2.InvalidURL):
        right = False
    if not right or not re.fullmatch(r"[^\s\x00-\x1f\x7f]+", url):
        return pick(
            "ist keine Adresse wie https://ziel.example.org/pfad",
            "is not an address like https://target.example.org/path",
        )
    if parts.username or parts.password:
        return pick(
            "in einer Adresse steht weder Benutzer noch Passwort: user und password_file verwenden",
            "no user or password stands in an address: use user and password_file",
        )
    return ""


def in_the_clear(url: str) -> str:
    """Why no secret may go to this address."""
    parts = urlsplit(url)
    if parts.scheme != "http" or is_here(parts.hostname):
        return ""
    return pick(
        "ein Geheimnis ginge im Klartext durchs Netz: https:// verwenden",
        "a password or token would travel in the clear: use https://",
    )
