"""The pages' sections, in the order of the navigation."""

from typing import NamedTuple

from ...texts import Sentence, both
from .rights import Right


class Section(NamedTuple):
    path: str
    title: Sentence
    right: Right = Right.READ


SECTIONS = (
    Section("/app/cases", both("Vorgänge", "Cases")),
    Section("/app/map", both("Karte", "Map")),
    Section("/app/devices", both("Geräte", "Devices")),
    Section("/app/rules", both("Regeln", "Rules")),
    Section("/app/procedures", both("Abläufe", "Procedures")),
    Section("/app/forwards", both("Weitergabe", "Forwards")),
    Section("/app/knowledge", both("Wissen", "Knowledge")),
    Section("/app/audit", both("Protokoll", "Audit log"), Right.DISPATCH),
    Section("/app/accounts", both("Konten", "Accounts"), Right.ADMINISTER),
)
