"""[forward.…] with kind = "sensorthings"."""

from typing import Any, Literal

from ...config_types import HttpForward
from ...config_words import Rule, no_json, table


class SensorThings(HttpForward, kw_only=True, tag_field="kind", tag="sensorthings"):
    """`url` with the version, as in https://host/FROST-Server/v1.1. `members`: added to each Thing that is created."""

    newest_first: bool = True
    members: dict[str, Any] = {}
    language: Literal["de", "en"] = "de"


def rules(forward: dict[str, Any]) -> Rule:
    """What is wrong beside what all HTTP targets have."""
    yield ("members",), no_json(table(forward, "members"))
