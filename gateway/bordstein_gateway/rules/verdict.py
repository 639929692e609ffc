"""What a rule says of an object: between evaluating (evaluate.py) and what becomes of it (cases/)."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Edge = Literal["fires", "rises", "recovers"]
"""A case begins; its stage has risen; the condition is over."""


class Verdict(NamedTuple):
    """`object`: a device, "device/series", or "group:NAME". `time`: ms UTC, of the reading or tick that decided.

    `since`: when the condition began. `stage`: its key, empty without stages. `signals`: what the expression saw; None
    is unknown. `devices`: those that fire, of a group. `stands_for`: how many real things this is about.
    """

    rule: str
    object: str
    edge: Edge
    time: int
    since: int
    stage: str
    signals: Mapping[str, float | bool | None]
    devices: tuple[str, ...]
    stands_for: int = 1
