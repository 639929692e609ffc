"""[forward.…] with kind = "sensorthings"."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from ...config.broker import broker_rules
from ...config.types import HttpForward
from ...config.words import Rule, missing, no_json, table
from ...texts import pick
from ..mqtt.settings import Broker


class SensorThings(HttpForward, kw_only=True, tag_field="kind", tag="sensorthings"):
    """`url` with the version, as in https://host/FROST-Server/v1.1. `members`: added to each Thing that is created.

    `observations` "mqtt": they are published to the server's broker, `mqtt`, all else goes by HTTP. `read_back`: after
    that it is looked by HTTP whether they are there, as a server says nothing to what it gets by MQTT.
    """

    newest_first: bool = True
    batch: Annotated[int, Meta(ge=1, le=500)] = 500
    observations: Literal["http", "mqtt"] = "http"
    mqtt: Broker | None = None
    read_back: bool = True
    members: dict[str, Any] = {}
    language: Literal["de", "en"] = "de"

    @property
    def secret_files(self) -> list[str]:
        """All files that hold a secret of this target."""
        return [*super().secret_files, *(self.mqtt.secret_files if self.mqtt else [])]


def rules(forward: dict[str, Any]) -> Rule:
    """What is wrong beside what all HTTP targets have."""
    yield ("members",), no_json(table(forward, "members"))
    mqtt = forward.get("mqtt")
    if forward.get("observations") == "mqtt" and mqtt is None:
        yield ("observations",), missing("mqtt", pick("der Broker des Servers", "the server's broker"))
    if isinstance(mqtt, dict):
        if forward.get("observations", "http") == "http":
            yield ("mqtt",), pick('nützt nur mit observations = "mqtt"', 'is of use with observations = "mqtt" only')
        for key, said in broker_rules(mqtt):
            yield ("mqtt", *key), said
