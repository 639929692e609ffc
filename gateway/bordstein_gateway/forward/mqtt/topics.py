"""A reading's topic from a template such as stadt/{site}/{place}/{series}. Pure."""

import re
import string
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...texts import pick

if TYPE_CHECKING:  # the configuration is made of this, and these are made of the configuration
    from ...boards.stations import Station
    from ...store.types import Latest, StoredReading

FIELDS = ("device", "series", "sensor", "property", "name", "place", "site", "asset")
"""place is the same as name. What is not known of a board: its device id, and "-" for its site."""
_NO_LEVEL = re.compile(r"[/+#\x00-\x1f\x7f-\x9f]+")
_WHOLE = {"device", "name", "place", "asset"}
"""Of these one has to be there, or boards would share topics."""


def topic(template: str, reading: "StoredReading | Latest", station: "Station | None") -> str:
    """The topic; of the fields only `series` has more than one level."""
    device = reading.device
    name = (station and station.name) or device
    found = template.format(
        device=_level(device),
        series="/".join(map(_level, reading.series.split("/"))),
        sensor=_level(reading.series.rpartition("/")[0] or "-"),
        property=_level(reading.property),
        name=_level(name),
        place=_level(name),
        site=_level((station and station.site) or "-"),
        asset=_level((station and station.asset) or device),
    )
    # Topics that begin with $ are the broker's own (MQTT 5.0 section 4.7.2).
    return f"-{found[1:]}" if found.startswith("$") else found


def _level(text: str) -> str:
    """One level of a topic: without what separates levels or stands for others (MQTT 5.0 section 4.7)."""
    return _NO_LEVEL.sub("-", text).strip() or "-"


def wrong(template: str) -> str:
    """Why this is no template; empty when it is one."""
    return next(_mistakes(template), "")


def _mistakes(template: str) -> Iterator[str]:
    try:
        parts = [(text, field, form, mark) for text, field, form, mark in string.Formatter().parse(template)]
    except ValueError:
        yield pick("eine geschweifte Klammer fehlt", "a curly bracket is missing")
        return
    used = {field for _, field, _, _ in parts if field is not None}
    for field in sorted(used - set(FIELDS)):
        known = ", ".join(f"{{{name}}}" for name in FIELDS)
        yield pick(f"{{{field}}} gibt es nicht; es gibt {known}", f"there is no {{{field}}}; there is {known}")
    if any(form or mark for _, _, form, mark in parts):
        yield pick("in den Klammern steht nur der Name", "only a name stands in the brackets")
    text = "".join(text for text, *_ in parts)
    if re.search(r"[+#\x00-\x1f\x7f]", text):
        yield pick("ein Topic hat kein + und kein # (MQTT)", "a topic has no + and no # (MQTT)")
    if template.startswith(("/", "$")) or template.endswith("/") or "//" in template:
        yield pick(
            "ein Topic beginnt und endet nicht mit / oder $ und hat keine leere Ebene",
            "a topic neither begins nor ends with / or $ and has no empty level",
        )
    if not used & {"series", "property"} or not used & _WHOLE:
        yield pick(
            "darin fehlt {series} oder {property}, oder {device}, {place} oder {asset}: Reihen teilten sich ein Topic",
            "{series} or {property}, or {device}, {place} or {asset} is missing: series would share a topic",
        )
