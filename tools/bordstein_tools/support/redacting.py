"""What leaves for support has no secret in it: known ones are taken out wherever they stand, in whatever form, and what
looks like a key is taken out too."""

import base64
import hashlib
import json
import re
import urllib.parse
from collections.abc import Iterable, Iterator
from typing import Any

HIDDEN = "•••"
_NAMES = re.compile(r"pass|passwor[dt]|kennwort|psk|secret|geheim|token|pwd", re.IGNORECASE)
# For a text that is no JSON, so that nobody knows what stands below what.
_PAIR = re.compile(
    r'"(\w*(?:pass|kennwort|psk|secret|geheim|token|pwd|pin)\w*)"\s*:\s*("(?:[^"\\\n]|\\.)*"?|\d+)', re.I
)
_SHORT = 6
_SHORTEST_NUMBER = 4
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.DOTALL)
_HEX = re.compile(r"(?:\b|0x)(?:[0-9a-fA-F]{2}[ :,-]?){15,}[0-9a-fA-F]{2}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_BYTES = re.compile(r"""b(['"])(?:\\.|(?!\1)[^\n\\])*(?:\1|$)""", re.MULTILINE)
_ESCAPES = re.compile(r"(?:\\x[0-9a-fA-F]{2}[^\\\n]{0,6}){4,}")
_NUMBERS = re.compile(r"(?:\d{1,3}\s*,\s*){15,}\d{1,3}")
_BINARY = re.compile("[\ufffd\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]")


def hidden(value: Any, below: str = "") -> tuple[Any, set[str]]:
    """A configuration with its secrets hidden, misspelt ones too, and those secrets."""
    if isinstance(value, list):
        parts = [hidden(item, below) for item in value]
        return [clean for clean, _ in parts], set[str]().union(*(found for _, found in parts))
    if not isinstance(value, dict):
        return value, set()
    clean, secrets = {}, set[str]()
    for key, item in value.items():
        if isinstance(item, dict | list):
            clean[key], found = hidden(item, key)
            secrets |= found
        elif _is_secret(key, item, below):
            clean[key] = HIDDEN
            secrets.add(str(item))
        else:
            clean[key] = item
    return clean, secrets - {""}


def _is_secret(key: str, value: Any, below: str) -> bool:
    """The pin of anything else than a SIM card is a number of a GPIO."""
    if key == "pin":
        return below == "ppp" or isinstance(value, str)
    if isinstance(value, bool | int | float):  # "passes": 3 is no secret, and hidden everywhere it would take much away
        return len(str(value)) >= _SHORTEST_NUMBER and _NAMES.search(key) is not None
    return value is not None and _NAMES.search(key) is not None


def in_text(text: str) -> set[str]:
    """What may be secrets in a configuration that nobody can read as JSON."""
    found = set()
    for key, value in _PAIR.findall(text):
        if value[0] != '"' and ("pin" in key.lower() or len(value) < _SHORTEST_NUMBER):
            continue
        inner = value.strip('"')
        found.add(inner)
        try:
            found.add(str(json.loads(f'"{inner}"')))
        except ValueError:
            continue
    return found - {""}


class Redactor:
    """Takes secrets out of texts; secrets: those that are known."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        # The longest first: one may be a part of another.
        parts = [_literal(form) for form in sorted(forms, key=len, reverse=True)]
        self._known = re.compile("|".join(parts)) if parts else None

    def text(self, text: str, blind: bool = True) -> str:
        """Without the known secrets, and, if blind, without what may be a key."""
        if self._known:
            text = self._known.sub(HIDDEN, text)
        if not blind:
            return text
        text = _PEM.sub(HIDDEN, text)
        text = _BYTES.sub(lambda found: HIDDEN if found[0].count("\\x") > 1 or len(found[0]) > 40 else found[0], text)
        text = _ESCAPES.sub(HIDDEN, text)
        text = _HEX.sub(HIDDEN, text)
        text = _BASE64.sub(lambda found: HIDDEN if _is_mixed(found[0]) else found[0], text)
        text = _NUMBERS.sub(HIDDEN, text)
        return "\n".join(HIDDEN if len(_BINARY.findall(line)) > 2 else line for line in text.split("\n"))

    def value(self, value: Any, blind: bool = True) -> Any:
        """The same for all texts in a value of JSON, names too."""
        if isinstance(value, dict):
            return {self.text(str(key), blind): self.value(item, blind) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item, blind) for item in value]
        return self.text(value, blind) if isinstance(value, str) else value


def _forms(secret: str) -> Iterator[str]:
    """In which forms programs print a text."""
    raw = secret.encode()
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    yield repr(raw)[2:-1]
    yield raw.hex()
    yield raw.hex().upper()
    yield hashlib.sha256(raw).hexdigest()  # a PIN is soon found by its digest
    for encoded in (base64.b64encode(raw), base64.urlsafe_b64encode(raw)):
        yield encoded.decode().rstrip("=")
    yield urllib.parse.quote(secret, safe="")
    yield urllib.parse.quote_plus(secret)


def _literal(form: str) -> str:
    """A short one, or a number, only where it stands alone: a PIN of four digits is a part of many numbers."""
    escaped = re.escape(form)
    if form.isdecimal():
        return rf"(?<!\d){escaped}(?!\d)"
    return rf"(?<![0-9A-Za-z]){escaped}(?![0-9A-Za-z])" if len(form) < _SHORT else escaped


def _is_mixed(text: str) -> bool:
    """Bytes in base64 have small and capital letters; names of files and programs mostly do not. (One in sixty of the
    shortest has no digit.)"""
    return re.search("[a-z]", text) is not None and re.search("[A-Z]", text) is not None
