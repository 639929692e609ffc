"""Rules of the configuration that no type can say. Each takes the values as far as they were right."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .config_files import FileProblem, secret
from .toml_lines import Path as KeyPath

Problem = tuple[KeyPath, str]

_HERE = ("localhost", "127.0.0.1", "::1")


def rules(values: dict[str, Any], wrong: set[KeyPath]) -> Iterator[Problem]:
    """What is wrong between keys that are right alone; `wrong`: paths that were already complained of."""
    yield from _gateway(_table(values, "gateway"))
    mqtt = _table(values, "mqtt")
    yield from _mqtt(mqtt)
    if not any(path[:1] == ("mqtt",) for path in wrong):
        yield from _certificates(mqtt)
    yield from _devices(values.get("device"))
    for name, forward in _table(values, "forward").items():
        if isinstance(forward, dict):
            yield from _forward(("forward", name), forward)
            if ("forward", name, "url") not in wrong:
                yield from _address(("forward", name), forward)
    for path, value in _secrets(values):
        if path not in wrong:
            try:
                secret(value)
            except FileProblem as problem:
                yield path, str(problem)


def _table(values: dict[str, Any], key: str) -> dict[str, Any]:
    table = values.get(key)
    return table if isinstance(table, dict) else {}


def _gateway(gateway: dict[str, Any]) -> Iterator[Problem]:
    data = gateway.get("data")
    if isinstance(data, str) and data:
        if not Path(data).is_absolute():
            yield ("gateway", "data"), f'expected an absolute path, got "{data}"'
        elif Path(data).exists() and not Path(data).is_dir():
            yield ("gateway", "data"), f"{data} is a file, not a folder"


def _mqtt(mqtt: dict[str, Any]) -> Iterator[Problem]:
    yield from _together(("mqtt",), mqtt, "cert", "key")
    yield from _together(("mqtt",), mqtt, "username", "password_file")
    if mqtt.get("tls") is False:
        if mqtt.get("host") not in _HERE:
            yield ("mqtt", "tls"), "without TLS only a broker on this machine (host localhost) is talked to"
        for key in ("ca", "cert", "key"):
            if key in mqtt:
                yield ("mqtt", key), "has no use with tls = false"
    elif mqtt and "cert" not in mqtt and "username" not in mqtt:
        yield ("mqtt",), "the broker has to know who connects: name cert and key, or username and password_file"


def _together(path: KeyPath, table: dict[str, Any], one: str, other: str) -> Iterator[Problem]:
    if (one in table) != (other in table):
        given, missing = (one, other) if one in table else (other, one)
        yield (*path, given), f"{missing} is missing: the two belong together"


def _certificates(mqtt: dict[str, Any]) -> Iterator[Problem]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if "ca" in mqtt:
        try:
            context.load_verify_locations(mqtt["ca"])
        except (ssl.SSLError, OSError):
            yield ("mqtt", "ca"), f"{mqtt['ca']} holds no certificate in PEM"
    if "cert" in mqtt and "key" in mqtt:
        try:
            context.load_cert_chain(mqtt["cert"], mqtt["key"], password=lambda: b"")
        except ssl.SSLError as error:
            if "KEY_VALUES_MISMATCH" in str(error):
                yield ("mqtt", "key"), f"{mqtt['key']} is not the key of the certificate {mqtt['cert']}"
            else:
                yield (
                    ("mqtt", "cert"),
                    f"{mqtt['cert']} and {mqtt['key']} are no certificate and open key in PEM",
                )
        except (OSError, ValueError) as error:
            yield ("mqtt", "cert"), f"{mqtt['cert']} can't be used: {error}"


def _devices(devices: Any) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for place, device in enumerate(devices if isinstance(devices, list) else []):
        if not isinstance(device, dict):
            continue
        name = device.get("id")
        if isinstance(name, str) and first.setdefault(name, place) != place:
            yield ("device", place, "id"), f"{name} is already device {first[name] + 1} of this file"
        yield from _together(("device", place), device, "latitude", "longitude")


def _forward(path: KeyPath, forward: dict[str, Any]) -> Iterator[Problem]:
    yield from _together(path, forward, "user", "password_file")
    if "user" in forward and "token_file" in forward:
        yield (*path, "token_file"), "either user and password_file or token_file, not both"
    for name in _table(forward, "headers"):
        if name.lower() in ("authorization", "proxy-authorization", "cookie"):
            yield (*path, "headers", name), "no secret stands in this file: use user and password_file, or token_file"


def _address(path: KeyPath, forward: dict[str, Any]) -> Iterator[Problem]:
    url = forward.get("url")
    if not isinstance(url, str):
        return
    try:
        parts = urlsplit(url)
        host, named = parts.hostname, parts.username or parts.password
    except ValueError:
        yield (*path, "url"), "is not an address"
        return
    if named:
        yield (*path, "url"), "no user or password stands in an address: use user and password_file"
    secret_sent = "user" in forward or "token_file" in forward
    if parts.scheme == "http" and secret_sent and host not in _HERE:
        yield (*path, "url"), "a password or token would travel in the clear: use https://"
    if "ca" in forward and parts.scheme == "http":
        yield (*path, "ca"), "has no use with an http:// address"


def _secrets(values: dict[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    tables: list[tuple[KeyPath, Any]] = [(("mqtt",), values.get("mqtt"))]
    tables += [(("forward", name), forward) for name, forward in _table(values, "forward").items()]
    for path, table in tables:
        for key in ("password_file", "token_file", "secret_file"):
            if isinstance(table, dict) and isinstance(table.get(key), str):
                yield (*path, key), table[key]
