"""Texts for people, in German and English.

German is the first language. Who has set another one (BORDSTEIN_LANG, else the locale) reads English.
"""

import errno
import os

_REASONS = {
    errno.ENOENT: "das gibt es nicht",
    errno.EACCES: "keine Berechtigung",
    errno.EPERM: "keine Berechtigung",
    errno.EEXIST: "dort liegt schon eine Datei",
    errno.ENOTDIR: "dort liegt eine Datei, kein Ordner",
    errno.EISDIR: "das ist ein Ordner",
    errno.ENOSPC: "der Datenträger ist voll",
    errno.EDQUOT: "das Kontingent auf dem Datenträger ist aufgebraucht",
    errno.EFBIG: "die Datei würde zu groß",
    errno.ECONNREFUSED: "dort antwortet niemand",
    errno.ETIMEDOUT: "keine Antwort in der Zeit",
    errno.ENETUNREACH: "kein Netz dorthin",
    errno.EHOSTUNREACH: "kein Weg dorthin",
    errno.ECONNRESET: "die Verbindung brach ab",
    errno.EROFS: "der Datenträger ist schreibgeschützt",
    errno.EIO: "der Datenträger hat einen Fehler",
}


def language() -> str:
    """'de' or 'en': BORDSTEIN_LANG, else LC_ALL, LC_MESSAGES, LANG; where none names a language, German."""
    for variable in ("BORDSTEIN_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(variable, "").lower()
        if value in ("", "c", "posix") or value.startswith("c."):
            continue
        return "de" if value.startswith("de") else "en"
    return "de"


def pick(de: str, en: str) -> str:
    """The one of two texts that is in the user's language."""
    return de if language() == "de" else en


def reason(error: OSError) -> str:
    """Why the system refused something, in German as far as it is usual."""
    return _REASONS.get(error.errno or 0, error.strerror or "")


class Problem(Exception):
    """One sentence for the person at the keyboard: what went wrong, where, and what to do."""

    def __init__(self, de: str, en: str) -> None:
        super().__init__(de, en)
        self.de = de
        self.en = en

    def __str__(self) -> str:
        return pick(self.de, self.en)
