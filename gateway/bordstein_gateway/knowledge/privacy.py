"""Data-protection sheets: what a kind of sensor measures, what it does not, and how long it is kept.

The kinds stand in privacy.toml, by property; how long is kept is what [retention] says. GDPR Art. 5(1)(b), (c) and (e),
Art. 13 and 30.
"""

import pkgutil
import tomllib
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import msgspec

from ..config.config import Config
from ..config.store import Retention
from ..properties import TABLE
from ..rules.sheet import Both
from ..texts import Sentence, both


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of measuring. `personal`: "no", or "aggregated": people are counted and only sums leave the board."""

    name: str
    properties: tuple[str, ...]
    personal: Literal["no", "aggregated"]
    title: Both
    how: Both
    measures: Both
    not_measured: Both


class Kept(NamedTuple):
    """How long a property's values are kept. `text` in both languages."""

    property: str
    label: Both
    text: Sentence


def _load() -> dict[str, Kind]:
    data = pkgutil.get_data(__package__, "privacy.toml")
    assert data is not None  # noqa: S101
    rows = tomllib.loads(data.decode())
    return {name: msgspec.convert({"name": name, **row}, Kind) for name, row in rows.items()}


KINDS = _load()
_KIND_OF = {name: kind.name for kind in KINDS.values() for name in kind.properties}


def kinds_of(properties: Iterable[str]) -> list[Kind]:
    """The kinds by which these are measured, in the order of privacy.toml."""
    found = {_KIND_OF[name] for name in properties if name in _KIND_OF}
    return [kind for name, kind in KINDS.items() if name in found]


def kept(kind: Kind, config: Config) -> list[Kept]:
    """By property of the kind."""
    rows = []
    for name in kind.properties:
        retention = config.retention.get(name) or config.retention.get("default") or Retention()
        row = TABLE[name]
        rows.append(Kept(name, Both(row.de, row.en), _how_long(retention)))
    return rows


def sheet(kind: Kind, config: Config) -> dict[str, Any]:
    """The sheet for machines: a line of the record of processing activities (GDPR Art. 30)."""
    contact = config.pages.contact
    return {
        "kind": kind.name,
        "controller": config.town.name,
        "contact": contact,
        "personal_data": kind.personal != "no",
        "title": msgspec.to_builtins(kind.title),
        "how": msgspec.to_builtins(kind.how),
        "measures": msgspec.to_builtins(kind.measures),
        "not_measured": msgspec.to_builtins(kind.not_measured),
        "properties": {
            name: {
                "unit": TABLE[name].unit,
                "retention_days": _days(config.retention.get(name) or config.retention.get("default")),
            }
            for name in kind.properties
        },
    }


def _days(retention: Retention | None) -> dict[str, int | None]:
    """None: for ever."""
    found = retention or Retention()
    return {
        "readings": found.raw_days or None,
        "hours": found.hourly_days or None,
        "days": found.daily_days or None,
    }


def _how_long(retention: Retention) -> Sentence:
    if not retention.raw_days:
        return both("unbegrenzt", "without limit")
    de, en = [f"Messwerte {_span(retention.raw_days, 'de')}"], [f"readings {_span(retention.raw_days, 'en')}"]
    for days, name_de, name_en in (
        (retention.hourly_days, "Stundenwerte", "hourly values"),
        (retention.daily_days, "Tageswerte", "daily values"),
    ):
        de.append(f"{name_de} {_span(days, 'de')}")
        en.append(f"{name_en} {_span(days, 'en')}")
    return both(", ".join(de), ", ".join(en))


def _span(days: int, language: str) -> str:
    if not days:
        return "unbegrenzt" if language == "de" else "without limit"
    if days == 1:
        return "1 Tag" if language == "de" else "1 day"
    return f"{days} Tage" if language == "de" else f"{days} days"
