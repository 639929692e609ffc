"""[forward.…] with kind = "mqtt", and the connection to a broker that other kinds have too."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from ...config_broker import broker_rules
from ...config_types import File, Host, Port, Secret, Section, Text
from ...config_words import Rule


class Broker(Section, kw_only=True):
    """A target's broker. `client_id`: made from the gateway's and the target's name when not given; no two connections
    may have the same. `protocol` 5: the broker says what it refuses; 4 (3.1.1): it does not. `keepalive` in seconds."""

    host: Host
    port: Port = 8883
    client_id: Text | None = None
    tls: bool = True
    ca: File | None = None
    cert: File | None = None
    key: Secret | None = None
    username: Text | None = None
    password_file: Secret | None = None
    protocol: Literal[4, 5] = 5
    keepalive: Annotated[int, Meta(ge=5, le=3600)] = 60

    @property
    def shown(self) -> str:
        """As people know it."""
        return f"{self.host}:{self.port}"

    @property
    def secret_files(self) -> list[str]:
        """All files that hold a secret of it."""
        return [file for file in (self.key, self.password_file) if file is not None]


def rules(forward: dict[str, Any]) -> Rule:
    """What is wrong with the target's broker."""
    broker = forward.get("broker")
    for key, said in broker_rules(broker) if isinstance(broker, dict) else ():
        yield ("broker", *key), said
