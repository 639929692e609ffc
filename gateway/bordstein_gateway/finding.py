"""One sentence of the doctor."""

from typing import Literal, NamedTuple

from .texts import pick, said

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
