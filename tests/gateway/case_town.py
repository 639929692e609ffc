"""A town hall for tests of cases: desks, a rule sheet in force, a clock that is set by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bordstein_gateway.cases.cases import Cases
from bordstein_gateway.config import config
from bordstein_gateway.rules.sheet import Sheet
from bordstein_gateway.rules.verdict import Edge, Verdict
from bordstein_gateway.store import Store, Where

BIN = "24a160000001"
NOW = 1_782_900_000_000  # 2026-07-01T10:00:00Z
MINUTE = 60_000
DAY = 86_400_000


class Law(NamedTuple):
    """A sheet in force."""

    sheet: Sheet | None
    version: int
    text: str = ""


def sheet(**changes: Any) -> Sheet:
    """Bins that are full, in two stages, with two steps."""
    return msgspec.convert(
        {
            "name": "bin-full",
            "title": {"de": "Papierkorb voll", "en": "Bin full"},
            "why": "Ab 80 % liegt in zwei Tagen Müll daneben.",
            "owner": "depot",
            "deputy": "office",
            "legal_basis": "§ 20 KrWG",
            "review": "2027-06-01",
            "signal": {"fill": {"property": "fill_level"}},
            "condition": {"fires": "fill >= 80", "clears": "fill < 60"},
            "stage": [
                {"name": "full", "title": "voll", "fires": "fill >= 80"},
                {"name": "over", "title": "läuft über", "fires": "fill >= 95", "priority": "high"},
            ],
            "step": [
                {"id": "drive", "title": "Hinfahren", "do": "Schlüssel 7 mitnehmen."},
                {
                    "id": "empty",
                    "title": "Leeren",
                    "form": [
                        {"name": "emptied", "label": "geleert", "type": "boolean", "required": True},
                        {"name": "weight", "label": "Gewicht", "type": "number", "unit": "kg"},
                        {"name": "kind", "label": "Inhalt", "type": "choice", "choices": ["Hausmüll", "Bauschutt"]},
                    ],
                },
            ],
            "benefit": {"trips": 1, "minutes": 25},
            **changes,
        },
        Sheet,
    )


def verdict(edge: Edge = "fires", stage: str = "full", object: str = BIN, **changes: Any) -> Verdict:
    """What the rule says."""
    found = Verdict("bin-full", object, edge, NOW - MINUTE, NOW - 5 * MINUTE, stage, {"fill": 82.5}, ())
    return found._replace(**changes)


@dataclass
class Hall:
    """The town hall. `now`: its clock, ms UTC."""

    store: Store
    config: config.Config
    law: Law = field(default_factory=lambda: Law(sheet(), 3))
    now: int = NOW
    rule: str = "bin-full"

    def __post_init__(self) -> None:
        self.cases = Cases(self.config, self.store, self, now=lambda: self.now)

    def sheets(self) -> Mapping[str, Any]:
        """As a shelf."""
        return {self.rule: self.law}

    def fires(self, stage: str = "full", **changes: Any) -> int | None:
        """The rule fires; the case."""
        return self.cases.verdict(verdict("fires", stage, rule=self.rule, **changes), self.law).result()

    def says(self, edge: Edge, stage: str = "full", **changes: Any) -> int | None:
        """The rule says something else."""
        return self.cases.verdict(verdict(edge, stage, rule=self.rule, **changes), self.law).result()


def hall(place: Where | Store, folder: Path, **sections: Any) -> Hall:
    """One with a store of its own, which has to be closed, or with this one."""
    settings = {
        "mqtt": {"host": "localhost"},
        "gateway": {"data": str(folder)},
        "desk": {
            "depot": {"title": "Bauhof", "mail": "bauhof@musterstadt.example"},
            "office": {"title": "Ordnungsamt"},
        },
        "device": [{"id": BIN, "name": "Marktplatz 7", "latitude": 49.9, "longitude": 8.2}],
        **sections,
    }
    return Hall(place if isinstance(place, Store) else Store.open(place), msgspec.convert(settings, config.Config))
