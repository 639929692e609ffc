"""One sentence of `bordstein doctor`."""

from typing import Literal, NamedTuple

from ..texts import pick


class Finding(NamedTuple):
    """level: bad (does not work; the sentence has the cure), look (worth a look) or good. about: what it is about."""

    level: Literal["bad", "look", "good"]
    about: str
    de: str
    en: str

    def __str__(self) -> str:
        return pick(self.de, self.en)


def bad(about: str, de: str, en: str) -> Finding:
    return Finding("bad", about, de, en)


def look(about: str, de: str, en: str) -> Finding:
    return Finding("look", about, de, en)


def good(about: str, de: str, en: str) -> Finding:
    return Finding("good", about, de, en)
