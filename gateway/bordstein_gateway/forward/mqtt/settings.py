"""[forward.…] with kind = "mqtt", and the connection to a broker that other kinds have too."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from ...config.broker import broker_rules
from ...config.types import File, Forward, Host, Port, Secret, Section, Text
from ...config.words import Rule
from ...texts import pick
from .topics import wrong


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


class MqttForward(Forward, kw_only=True, tag_field="kind", tag="mqtt"):
    """`topic`: a template, see topics.py. `retain`: the broker keeps the last value of each series. `history`: what is
    older than the newest value is published, too; never with `format` value, which has no time in it."""

    broker: Broker
    topic: Text = "stadt/{site}/{place}/{series}"
    format: Literal["json", "senml", "value"] = "json"
    retain: bool = True
    history: bool = True
    newest_first: bool = True

    @property
    def keeps_history(self) -> bool:
        """Whether older readings are published at all."""
        return self.history and self.format != "value"

    @property
    def shown(self) -> str:
        """The broker as people know it."""
        return self.broker.shown

    @property
    def secret_files(self) -> list[str]:
        """All files that hold a secret of this target."""
        return [*super().secret_files, *self.broker.secret_files]


def rules(forward: dict[str, Any]) -> Rule:
    """What is wrong with the target's topic and broker."""
    template = forward.get("topic")
    if isinstance(template, str):
        yield ("topic",), wrong(template)
    if forward.get("format") == "value" and forward.get("history") is True:
        yield (
            ("history",),
            pick(
                'mit format = "value" geht nur das Neueste hinaus: in der Nachricht steht keine Zeit',
                'with format = "value" only the newest goes out: there is no time in the message',
            ),
        )
    broker = forward.get("broker")
    for key, said in broker_rules(broker) if isinstance(broker, dict) else ():
        yield ("broker", *key), said
