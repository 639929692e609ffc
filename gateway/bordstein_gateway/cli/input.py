"""`bordstein-gateway decode`: what a message becomes, of a board or by an [input.…]."""

import time
from typing import Any

import msgspec

from ..config.config import Config
from ..decode.normalise import Pack, Reading, flag_names
from ..store import Arrival, StateReport
from ..texts import said
from .common import Failed, misuse


def decode(settings: Config, name: str, topic: str, payload: bytes) -> dict[str, Any]:
    """The pack with the fields that no map names, {"state": …}, or {"ignored": what it is}. Failed: the sentence with
    which it goes into quarantine."""
    from ..inputs.reading import Inputs

    if name not in settings.input:
        known = ", ".join(settings.input) or "-"
        misuse(
            f"[input.{name}] gibt es nicht; es gibt {known}",
            f"there is no [input.{name}]; known are {known}",
            "--input",
        )
    inputs = Inputs({name: settings.input[name]})
    if not inputs.takes(topic):
        topics = ", ".join(inputs.topics)
        misuse(f"[input.{name}] hört nur {topics}", f"[input.{name}] listens to {topics} only", "--topic")
    message = inputs.read(topic, payload, False, time.time())
    if isinstance(message, Arrival):
        if message.pack is None:
            raise Failed(said(message.reason))
        return {**plain(message.pack), "unmapped": inputs.sources[name].unmapped}
    if isinstance(message, StateReport):
        return {"device": message.device, "state": message.state}
    return {"ignored": next(iter(inputs.counts[name]))}


def plain(pack: Pack) -> dict[str, Any]:
    """A pack as JSON's types, flags by name."""
    fields: dict[str, Any] = msgspec.to_builtins(pack)
    fields["readings"] = [
        {**reading._asdict(), "flags": flag_names(reading.flags)}
        for reading in (Reading(*values) for values in fields["readings"])
    ]
    return fields
