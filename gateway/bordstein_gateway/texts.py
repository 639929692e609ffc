"""Texts for people, in German and English. German is first; who has set another language reads English."""

import os


def language() -> str:
    """'de' or 'en': BORDSTEIN_LANG, else LC_ALL, LC_MESSAGES, LANG; where none names a language, German."""
    for variable in ("BORDSTEIN_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(variable, "").lower()
        if value and value not in ("c", "posix") and not value.startswith("c."):
            return "de" if value.startswith("de") else "en"
    return "de"


def pick(de: str, en: str) -> str:
    """The one of two texts that is in the user's language."""
    return de if language() == "de" else en
