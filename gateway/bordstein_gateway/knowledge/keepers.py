"""Who holds what nobody can do without: keys and credentials, by desk or account.

A subject is "secret <setting of gateway.toml>" or "key <name>"; a holder "desk <name>" or "account <name>".
The settings come from the configuration itself, so that none is forgotten.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from ..config.config import Config
from ..texts import Sentence, both


class Subject(NamedTuple):
    """Something that somebody has to hold. `title` as people read it."""

    name: str
    title: Sentence


KEYS = (
    Subject("key authority", both("Schlüssel der Zertifizierungsstelle der Geräte", "Key of the boards' authority")),
    Subject("key signing", both("Schlüssel, der Software für Geräte signiert", "Key that signs software for boards")),
    Subject("key broker", both("Verwaltung des MQTT-Brokers", "Administration of the MQTT broker")),
    Subject("key server", both("Verwaltung des Servers, auf dem das Gateway läuft", "Administration of the server")),
    Subject("key backup", both("Sicherung des Speichers und wo sie liegt", "The store's backup and where it lies")),
)
"""What every town has, beside what its configuration names."""


def subjects(config: Config) -> list[Subject]:
    """All keys and credentials that there are."""
    secrets = (Subject(f"secret {name}", both(f"Geheimnis {name}", f"Secret {name}")) for name in _secrets(config))
    return [*KEYS, *sorted(secrets)]


def _secrets(section: msgspec.Struct, path: str = "") -> Iterator[str]:
    """The settings that name a secret's file, as mqtt.key or forward.city.token_file."""
    for field in section.__struct_fields__:
        value = getattr(section, field)
        name = f"{path}{field}"
        if isinstance(value, msgspec.Struct):
            yield from _secrets(value, f"{name}.")
        elif field == "header_files":
            yield from (f"{name}.{header}" for header in value)
        elif isinstance(value, dict):
            for key, one in value.items():
                if isinstance(one, msgspec.Struct):
                    yield from _secrets(one, f"{name}.{key}.")
        elif value is not None and (field.endswith("_file") or name == "mqtt.key"):
            yield name
