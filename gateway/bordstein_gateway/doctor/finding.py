"""One sentence of the doctor."""

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from ..texts import pick, said

SOON = timedelta(days=30)
"""How long before its end a certificate is complained of."""

Level = Literal["loses", "note", "fine"]


class Finding(NamedTuple):
    """`level`: loses (data would be lost), note (worth a look) or fine. A sentence, in German and English."""

    level: Level
    de: str
    en: str

    def __str__(self) -> str:
        return pick(self.de, self.en)


def loses(de: str, en: str) -> Finding:
    """Something that would lose data."""
    return Finding("loses", de, en)


def note(de: str, en: str) -> Finding:
    """Something worth a look that loses nothing."""
    return Finding("note", de, en)


def fine(de: str, en: str) -> Finding:
    """Something that is as it should be."""
    return Finding("fine", de, en)


def loses_by(sentence: str | Exception) -> Finding:
    """The same, of a sentence or an error that has both languages."""
    return loses(said(sentence, "de"), said(sentence, "en"))


def expiry(what: str, end: datetime, now: datetime, en: str = "") -> Finding:
    """How long a certificate is still good for; `en`: what it is, in English, where that differs."""
    en = en or what
    if end <= now:
        return loses(
            f"{what} ist am {end:%d.%m.%Y} abgelaufen: es kommt keine Verbindung mehr zustande.",
            f"{en} expired on {end:%Y-%m-%d}: no connection can be made.",
        )
    if end - now < SOON:
        days = (end - now).days
        return loses(
            f"{what} läuft in {days} Tagen ab ({end:%d.%m.%Y}): danach kommt nichts mehr an.",
            f"{en} expires in {days} days ({end:%Y-%m-%d}): nothing arrives after that.",
        )
    return fine(f"{what} gilt bis {end:%d.%m.%Y}.", f"{en} is valid until {end:%Y-%m-%d}.")
