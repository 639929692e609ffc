"""Rules of [forward.…]: what has to be so that a target can be built, each request sent and no secret shown."""

import re
from collections.abc import Callable
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from ..texts import pick
from .address import in_the_clear, malformed
from .broker import together
from .config import AnyForward
from .files import FileProblem, no_authority, no_secret, secret
from .types import HttpForward
from .words import Rule, missing, table

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[!-~](?:[ \t!-~]*[!-~])?")
"""RFC 9110 sections 5.1 and 5.5; of values only what every server reads alike."""
_TOKEN = re.compile(r"[!-~]+")
_FRAMING = ("connection", "content-length", "expect", "te", "trailer", "transfer-encoding", "upgrade")
_SECRETS = ("auth", "authorization", "cookie", "key", "pass", "passwd", "pwd", "sas", "session", "sig")
_SECRET_ENDS = ("apikey", "credential", "credentials", "password", "secret", "signature", "token")


def forward_rules(forward: dict[str, Any], values: dict[str, Any]) -> Rule:
    """What is wrong in one target: what its kind has from HttpForward, and what two functions beside its settings find:
    rules(forward), and whole_rules(forward, values) between it and the whole configuration."""
    kind = {of.__struct_config__.tag: of for of in AnyForward.__args__}.get(forward.get("kind"))
    if kind is None:
        return
    if issubclass(kind, HttpForward):
        yield from _credentials(forward)
        for key in ("headers", "header_files"):
            for name, value in table(forward, key).items():
                yield (key, name), _header(forward, key, name, value)
        yield from _address(forward, kind)
        yield from _oauth2(forward)
        yield ("ca",), no_authority(forward.get("ca"))
    module = import_module(kind.__module__)
    own: Callable[[dict[str, Any]], Rule] | None = getattr(module, "rules", None)
    if own is not None:
        yield from own(forward)
    whole: Callable[[dict[str, Any], dict[str, Any]], Rule] | None = getattr(module, "whole_rules", None)
    if whole is not None:
        yield from whole(forward, values)


def _credentials(forward: dict[str, Any]) -> Rule:
    if "user" in forward and "token_file" in forward:
        yield (
            ("token_file",),
            pick(
                "entweder user und password_file oder token_file, nicht beides",
                "either user and password_file or token_file, not both",
            ),
        )
    yield from together(forward, "user", "password_file")
    if ":" in str(forward.get("user")):
        yield ("user",), pick("ohne Doppelpunkt (RFC 7617)", "no colon is allowed (RFC 7617)")
    for key in ("password_file", "secret_file", "url_file", "api_key_file"):
        yield (key,), no_secret(forward.get(key))
    yield ("token_file",), no_secret(forward.get("token_file")) or _odd(_TOKEN, _content(forward.get("token_file")))


def _content(file: Any) -> str:
    """A secret, as far as there is one."""
    try:
        return secret(file) if isinstance(file, str) else ""
    except FileProblem:
        return ""


def _odd(pattern: re.Pattern[str], text: str) -> str:
    """Text that can't stand in a header."""
    if not text or pattern.fullmatch(text):
        return ""
    return pick(
        "in einen Header passen nur Buchstaben, Ziffern und Zeichen aus ASCII, in einer Zeile",
        "a header takes only letters, digits and signs of ASCII, on one line",
    )


def _header(forward: dict[str, Any], key: str, name: str, value: Any) -> str:
    lower = name.lower()
    if not _NAME.fullmatch(name):
        return pick("so heißt kein Header (RFC 9110)", "no header has such a name (RFC 9110)")
    if lower in _FRAMING:
        return pick("diesen Header setzt das Gateway selbst", "the gateway sets this header itself")
    if key == "headers":
        if _is_secret(name):
            return pick(
                "in dieser Datei steht kein Geheimnis: user und password_file, token_file oder header_files verwenden",
                "no secret stands in this file: use user and password_file, token_file, or header_files",
            )
        if next(other for other in table(forward, key) if other.lower() == lower) != name:
            return pick("steht schon da, in anderer Schreibung", "is there already, spelt otherwise")
        return _odd(_VALUE, value) if isinstance(value, str) else ""
    others = {other.lower() for other in table(forward, "headers")}
    if lower in others or (lower == "authorization" and {"user", "token_file", "oauth2"} & forward.keys()):
        return pick("dieser Header ist schon anders belegt", "this header is already set in another way")
    return no_secret(value) or _odd(_VALUE, _content(value))


def _is_secret(name: str) -> bool:
    """Whether a header or a parameter of this name holds a secret, as far as names tell."""
    words = re.split(r"[^a-z0-9]+", name.lower())
    return any(word in _SECRETS or word.endswith(_SECRET_ENDS) for word in words)


def _address(forward: dict[str, Any], kind: type[HttpForward]) -> Rule:
    url, file = forward.get("url"), forward.get("url_file")
    if "url" in forward and "url_file" in forward:
        yield ("url_file",), pick("entweder url oder url_file, nicht beides", "either url or url_file, not both")
    elif not {"url", "url_file", "folder"} & forward.keys() and not _default(kind):
        yield (), missing("url", pick("die Adresse des Ziels", "the target's address"))
    key, address = ("url", url) if isinstance(url, str) else ("url_file", _content(file))
    if address:
        yield (key,), _no_address(forward, key, address)
    if "ca" in forward and address.startswith("http://"):
        yield ("ca",), pick("nützt nichts bei einer Adresse mit http://", "has no use with an http:// address")


def _default(kind: type[HttpForward]) -> Any:
    """The address that a kind of target has by itself; empty for none."""
    return next(field.default for field in msgspec.structs.fields(kind) if field.name == "url")


def _oauth2(forward: dict[str, Any]) -> Rule:
    oauth2 = table(forward, "oauth2")
    if not oauth2:
        return
    for key in ("user", "token_file"):
        if key in forward:
            yield (key,), pick(f"entweder {key} oder oauth2, nicht beides", f"either {key} or oauth2, not both")
    yield ("oauth2", "client_secret_file"), no_secret(oauth2.get("client_secret_file"))
    url = oauth2.get("token_url")
    if isinstance(url, str):
        said = malformed(url)
        if not said and "#" in url:
            said = pick("die Adresse endet vor #", "the address ends before #")
        yield ("oauth2", "token_url"), said or in_the_clear(url)


def _no_address(forward: dict[str, Any], key: str, url: str) -> str:
    """Why no request can or may go to this address."""
    if said := malformed(url):
        return said
    parts = urlsplit(url)
    if "#" in url or ("?" in url and forward.get("kind") != "webhook"):
        return pick("die Adresse endet vor ? und #", "the address ends before ? and #")
    if key == "url" and any(_is_secret(name) or name == "code" for name, _ in parse_qsl(parts.query)):
        return pick(
            "in dieser Datei steht kein Geheimnis: die ganze Adresse in eine eigene Datei, als url_file genannt",
            "no secret stands in this file: write the whole address into a file of its own and name it as url_file",
        )
    secret_sent = {"user", "token_file", "oauth2", "header_files", "url_file", "api_key_file"} & forward.keys()
    return in_the_clear(url) if secret_sent else ""
