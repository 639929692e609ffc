"""Texts for people, in German and English. German is first; who has set another language reads English."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_GERMAN = {
    errno.EACCES: "keine Berechtigung",
    errno.EPERM: "nicht erlaubt",
    errno.ENOENT: "das gibt es nicht",
    errno.ENOTDIR: "ein Teil des Wegs ist kein Ordner",
    errno.EISDIR: "das ist ein Ordner",
    errno.EROFS: "der Datenträger ist nur lesbar",
    errno.ENOSPC: "der Datenträger ist voll",
    errno.EIO: "der Datenträger hat einen Fehler",
    errno.ENAMETOOLONG: "der Name ist zu lang",
    errno.ECONNREFUSED: "dort nimmt niemand Verbindungen an",
    errno.ECONNABORTED: "die Verbindung wurde abgebrochen",
    errno.ECONNRESET: "die Gegenseite hat die Verbindung abgebrochen",
    errno.EPIPE: "die Gegenseite hat die Verbindung abgebrochen",
    errno.ETIMEDOUT: "keine Antwort",
    errno.EHOSTUNREACH: "kein Weg zu diesem Rechner",
    errno.ENETUNREACH: "kein Weg in dieses Netz",
}


_reader: ContextVar[str] = ContextVar("reader")


@contextmanager
def speaking(lang: str) -> Iterator[None]:
    """In here pick() speaks to a reader of this language, whatever the environment's is: for pages."""
    token = _reader.set(lang)
    try:
        yield
    finally:
        _reader.reset(token)


def language() -> str:
    """'de' or 'en': who speaking() is with; BORDSTEIN_LANG, else LC_ALL, LC_MESSAGES, LANG; where none names a
    language, German."""
    if (reader := _reader.get("")) != "":
        return reader
    for variable in ("BORDSTEIN_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(variable, "").lower()
        if value and value not in ("c", "posix") and not value.startswith("c."):
            return "de" if value.startswith("de") else "en"
    return "de"


def pick(de: str, en: str) -> str:
    """The one of two texts that is in the user's language."""
    return de if language() == "de" else en


class Sentence(str):
    """English, as logs, store and API have it, and the German for pages and the command beside it."""

    de: str


def both(de: str, en: str) -> Sentence:
    """A sentence whose reader's language is not known yet."""
    sentence = Sentence(en)
    sentence.de = de
    return sentence


def said(text: str | BaseException, lang: str | None = None) -> str:
    """A sentence, or an error's, in a language, the user's if none is given; one without German as it is."""
    if isinstance(text, BaseException):
        text = text.args[0] if text.args and isinstance(text.args[0], str) else str(text)
    return text.de if isinstance(text, Sentence) and (lang or language()) == "de" else str(text)


def os_reason(error: OSError) -> str:
    """The system's reason in German; in its own words where they are rare."""
    return _GERMAN.get(error.errno or 0) or error.strerror or str(error)
