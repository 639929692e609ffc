"""Rules of the configuration that no type can say. Each takes the values as far as they were right."""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from ..inputs.rules import input_rules
from ..texts import pick
from .broker import certificates, together
from .files import no_secret
from .forward import forward_rules
from .office_rules import office_rules
from .open_rules import open_rules
from .pages_rules import pages_rules
from .store import store_rules
from .toml_lines import Path as KeyPath
from .words import expected, is_here, table

Problem = tuple[KeyPath, str]


def rules(values: dict[str, Any], wrong: set[KeyPath]) -> Iterator[Problem]:
    """What is wrong between keys that are right alone; `wrong`: paths that were already complained of."""
    yield from _pairs(values)
    yield from _live(values)
    mqtt = table(values, "mqtt")
    places = _places(table(values, "gateway").get("data"), table(values, "store").get("path"))
    for path, said in chain(places, _mqtt(mqtt), _http(table(values, "http")), _devices(values.get("device"))):
        if path not in wrong:
            yield path, said
    for path, said in chain(open_rules(values), store_rules(values), pages_rules(values)):
        if path not in wrong:
            yield path, said
    for path, said in office_rules(values):
        if said and path not in wrong:
            yield path, said
    if not any(path[:1] == ("mqtt",) for path in wrong):
        for key, said in certificates(mqtt):
            yield ("mqtt", *key), said
    for key, said in input_rules(table(values, "input")):
        if ("input", *key) not in wrong:
            yield ("input", *key), said
    for name, target in table(values, "forward").items():
        if isinstance(target, dict):
            for key, said in forward_rules(target, values):
                path = ("forward", name, *key)
                if said and path not in wrong:
                    yield path, said


def _pairs(values: dict[str, Any]) -> Iterator[Problem]:
    """Keys of which each needs the other."""
    yield from _together(("mqtt",), values.get("mqtt"), "cert", "key")
    yield from _together(("mqtt",), values.get("mqtt"), "username", "password_file")
    devices = values.get("device")
    for place, device in enumerate(devices if isinstance(devices, list) else []):
        yield from _together(("device", place), device, "latitude", "longitude")


def _live(values: dict[str, Any]) -> Iterator[Problem]:
    """Live Observations are for everybody."""
    api = table(values, "sensorthings_api")
    if api.get("mqtt") is True and "publish" not in values:
        yield (
            ("sensorthings_api", "mqtt"),
            pick("ohne [publish] ist nichts öffentlich", "without [publish] nothing is public"),
        )
    if api.get("retain") is True and api.get("mqtt") is not True:
        yield ("sensorthings_api", "retain"), pick("braucht mqtt = true", "needs mqtt = true")


def _together(path: KeyPath, values: Any, one: str, other: str) -> Iterator[Problem]:
    for key, said in together(values, one, other):
        yield (*path, *key), said


def _places(data: Any, path: Any) -> Iterator[Problem]:
    for key, place in ((("gateway", "data"), data), (("store", "path"), path)):
        if isinstance(place, str) and not Path(place).is_absolute():
            yield key, expected(pick("ein absoluter Pfad", "an absolute path"), place)
    if isinstance(data, str) and _is(Path(data).is_file):
        yield ("gateway", "data"), pick(f"{data} ist eine Datei, kein Ordner", f"{data} is a file, not a folder")
    if isinstance(path, str) and _is(Path(path).is_dir):
        yield ("store", "path"), pick(f"{path} ist ein Ordner, keine Datei", f"{path} is a folder, not a file")


def _is(look: Callable[[], bool]) -> bool:
    """Whether it is so; not, where nobody may look (the service may)."""
    try:
        return look()
    except (OSError, ValueError):
        return False


def _mqtt(mqtt: dict[str, Any]) -> Iterator[Problem]:
    said = no_secret(mqtt.get("password_file"))
    if said:
        yield ("mqtt", "password_file"), said
    if mqtt.get("tls") is False:
        if mqtt.get("host") and not is_here(mqtt["host"]):
            yield (
                ("mqtt", "tls"),
                pick(
                    "ohne TLS nur mit einem Broker auf diesem Rechner (host localhost)",
                    "without TLS only a broker on this machine (host localhost) is talked to",
                ),
            )
        for key in ("ca", "cert", "key"):
            if key in mqtt:
                yield ("mqtt", key), pick("nützt nichts bei tls = false", "has no use with tls = false")
    elif mqtt and "cert" not in mqtt and "username" not in mqtt:
        yield (
            ("mqtt",),
            pick(
                "der Broker muss wissen, wer sich verbindet: cert und key nennen, oder username und password_file",
                "the broker has to know who connects: name cert and key, or username and password_file",
            ),
        )


def _http(http: dict[str, Any]) -> Iterator[Problem]:
    for key in ("register_token_file", "readers_file", "reader_token_file"):
        file = http.get(key)
        if file is None:
            continue
        if said := no_secret(file):
            yield ("http", key), said
        elif not is_here(http.get("host", "127.0.0.1")):
            yield (
                ("http", key),
                pick(
                    'nur mit host = "127.0.0.1": im Netz ginge das Geheimnis im Klartext; davor gehört ein Proxy mit '
                    "TLS",
                    'only with host = "127.0.0.1": the secret would go over the network in the clear; put a proxy with '
                    "TLS in front",
                ),
            )


def _devices(devices: Any) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for place, device in enumerate(devices if isinstance(devices, list) else []):
        if not isinstance(device, dict):
            continue
        name = device.get("id")
        if isinstance(name, str) and (number := first.setdefault(name, place)) != place:
            said = pick(
                f"{name} ist schon das Gerät {number + 1} dieser Datei",
                f"{name} is already device {number + 1} of this file",
            )
            yield ("device", place, "id"), said
