"""What a town's boards have in common: bordstein.toml, written once, read at each `bordstein setup`; see EXAMPLE."""

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..keys import keyfiles
from ..texts import Problem

FILE = Path("bordstein.toml")
EXAMPLE = """\
# What this town's boards have in common, for "bordstein setup". It holds passwords: keep it like a key.
# Networks, kits and sites may have a title = "…" that is shown when one has to be chosen.

owner = "Stadt Musterstadt, Tel. 0123 4567"   # on labels

[mqtt]                            # as in config.json; left out: the broker that has a certificate in bordstein-ca
host = "mqtt.musterstadt.de"

#[gateway]                        # where boards are registered, beside the list boards.csv
#url = "http://localhost:8080"    # through "ssh -L 8080:localhost:8080 …"
#token_file = "register.token"

[networks.stadt]                  # as "network" in config.json
wifi = [{ ssid = "Stadt-Sensorik", password = "bitte aendern" }]

[kits.strassenwetter]             # which board, and any part of config.json
title = "Luft und Fahrbahn"
board = "esp32-devkitc"
sensors.air = { driver = "bme280", bus = "i2c0" }
sensors.road = { driver = "ds18b20", bus = "w1", property = "road_surface_temperature" }

[sites.mitte]                     # network and kit are what is proposed there
title = "Stadtmitte"
network = "stadt"
kit = "strassenwetter"
"""
_KEYS = {"owner": str, "mqtt": dict, "gateway": dict, "networks": dict, "kits": dict, "sites": dict}
_GATEWAY = ("url", "token_file")
_SITE = ("title", "network", "kit")
_PARTS = {"title": str, "board": str, "buses": dict}
"""What is looked at before the configuration that it becomes part of is checked."""


@dataclass(frozen=True)
class Town:
    """networks, kits and sites: by their names, in the order of the file. gateway: url, token_file (beside the
    file)."""

    owner: str = ""
    mqtt: dict[str, Any] = field(default_factory=dict)
    gateway: dict[str, str] = field(default_factory=dict)
    networks: dict[str, dict[str, Any]] = field(default_factory=dict)
    kits: dict[str, dict[str, Any]] = field(default_factory=dict)
    sites: dict[str, dict[str, Any]] = field(default_factory=dict)
    folder: Path = Path()

    @property
    def token_file(self) -> Path | None:
        """With the gateway's token."""
        return self.folder / self.gateway["token_file"] if "token_file" in self.gateway else None


def read(path: Path) -> Town:
    """The town of a file. Problem: with the place of the mistake."""
    try:
        values = tomllib.loads(keyfiles.text(path, "Die Datei", "the file"))
    except tomllib.TOMLDecodeError as error:
        raise _no_toml(path, str(error)) from None
    for key, value in values.items():
        if key not in _KEYS:
            raise _unknown(path, key, _KEYS)
        _check_kind(path, key, value, _KEYS[key])
    for part in ("networks", "kits", "sites"):
        for name, table in values.get(part, {}).items():
            if not isinstance(table, dict):
                raise Problem(
                    f"{path}: {part}.{name} muss ein Abschnitt sein: [{part}.{name}]",
                    f"{path}: {part}.{name} has to be a section: [{part}.{name}]",
                )
            for key, kind in _PARTS.items():
                _check_kind(path, f"{part}.{name}.{key}", table.get(key, kind()), kind)
    town = Town(**values, folder=path.parent)
    for key in town.gateway:
        if key not in _GATEWAY:
            raise _unknown(path, f"gateway.{key}", _GATEWAY)
        _check_kind(path, f"gateway.{key}", town.gateway[key], str)
    for site, table in town.sites.items():
        for key, value in table.items():
            if key not in _SITE:
                raise _unknown(path, f"sites.{site}.{key}", _SITE)
            _check_kind(path, f"sites.{site}.{key}", value, str)
            known = {"network": town.networks, "kit": town.kits}.get(key)
            if known is not None and value not in known:
                raise Problem(
                    f"{path}: sites.{site}.{key} nennt {value}; es gibt {', '.join(known) or 'keine'}.",
                    f"{path}: sites.{site}.{key} names {value}; there are {', '.join(known) or 'none'}.",
                )
    return town


def _no_toml(path: Path, said: str) -> Problem:
    """tomllib's own sentence is English, but for the place."""
    found = re.search(r"line (\d+), column (\d+)", said)
    line, column = found.groups() if found else ("", "")
    de, en = (f", Zeile {line}, Spalte {column}", f", line {line}, column {column}") if found else (" (Ende)", " (end)")
    return Problem(
        f'{path}{de}: so ist es kein TOML; erwartet wird [Abschnitt] oder name = "Wert", Texte in Anführungszeichen.',
        f'{path}{en}: this is no TOML; expected is [section] or name = "value", texts in quotation marks.',
    )


def _check_kind(path: Path, key: str, value: Any, kind: type) -> None:
    if not isinstance(value, kind):
        text = kind is str
        raise Problem(
            f"{path}: {key} muss {'ein Text sein, in Anführungszeichen' if text else 'ein Abschnitt sein'}.",
            f"{path}: {key} has to be {'a text, in quotation marks' if text else 'a section'}.",
        )


def _unknown(path: Path, key: str, known: Any) -> Problem:
    return Problem(
        f"{path}: {key} gibt es nicht; möglich sind {', '.join(known)}.",
        f"{path}: there is no {key}; allowed are {', '.join(known)}.",
    )
