"""Rules of [input.…] that no type can say."""

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from ..boards.devices import eui64
from ..config.toml_lines import Path as KeyPath
from ..config.words import expected, missing, table
from ..decode.units import conversion
from ..properties import row_of
from ..texts import pick

_NAMED = ("tasmota", "esphome")

Rule = Iterator[tuple[KeyPath, str]]


def input_rules(inputs: dict[str, Any]) -> Rule:
    """What is wrong between keys that are right alone."""
    listening: dict[tuple[Any, Any], str] = {}
    for name, one in inputs.items():
        if not isinstance(one, dict):
            continue
        first = listening.setdefault((one.get("kind"), one.get("topic")), name)
        if first != name:
            said = pick(f"[input.{first}] hört dasselbe Topic", f"[input.{first}] listens to the same topic")
            yield (name, "topic") if "topic" in one else (name,), said
        for key, problem in _own(one):
            yield (name, *key), problem
        maps = one.get("map")
        for place, entry in enumerate(maps if isinstance(maps, list) else []):
            if isinstance(entry, dict):
                for key, problem in _values(table(entry, "values"), alone=one.get("kind") == "esphome"):
                    yield (name, "map", place, "values", *key), problem


def _own(one: dict[str, Any]) -> Rule:
    zone = one.get("timezone")
    if isinstance(zone, str):
        try:
            ZoneInfo(zone)
        except (ValueError, OSError, KeyError):
            yield ("timezone",), expected(pick("eine Zeitzone wie Europe/Berlin", "a time zone as Europe/Berlin"), zone)
    if one.get("kind") not in _NAMED or "enterprise" in one:
        return
    if "devices" not in one:
        yield (
            (),
            missing(
                "devices",
                pick(
                    'die MAC jedes Geräts, wie devices = { "tasmota_123456" = "24:a1:60:12:34:56" }; oder enterprise',
                    'each device\'s MAC, as in devices = { "tasmota_123456" = "24:a1:60:12:34:56" }; or enterprise',
                ),
            ),
        )
    for name, given in table(one, "devices").items():
        if isinstance(given, str) and eui64(given) is None:
            what = pick(
                "eine MAC, wie 24:a1:60:12:34:56; andere Namen brauchen enterprise",
                "a MAC, as in 24:a1:60:12:34:56; other names need enterprise",
            )
            yield ("devices", name), expected(what, given)


def _values(values: dict[str, Any], *, alone: bool) -> Rule:
    """`alone`: each value is a message of its own."""
    first: dict[str, str] = {}
    for path, where in values.items():
        spec = where if isinstance(where, dict) else {"to": where}
        series = spec.get("to")
        if not isinstance(series, str) or (row := row_of(series)) is None:
            continue
        if (other := first.setdefault(series, path)) != path:
            yield (path,), pick(f"{series} ist schon der Wert von {other}", f"{series} is the value of {other} already")
        if alone and "absent" in spec:
            yield (path, "absent"), pick("gibt es bei esphome nicht", "there is no such thing with esphome")
        unit = spec.get("unit")
        if row.kind == "boolean" and (said := _of_numbers(spec)):
            yield (
                (path, said),
                pick(f"{series} ist keine Zahl, sondern ja oder nein", f"{series} is no number but a yes or no"),
            )
        elif isinstance(unit, str) and unit != row.unit and conversion(unit, row.unit) is None:
            yield (
                (path, "unit"),
                pick(
                    f'"{unit}" lässt sich nicht in {row.unit} umrechnen; factor und offset verwenden',
                    f'"{unit}" can\'t be converted into {row.unit}; use factor and offset',
                ),
            )


def _of_numbers(spec: dict[str, Any]) -> str:
    return next((key for key in ("unit", "factor", "offset") if key in spec), "")
