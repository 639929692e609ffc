"""Passwords: argon2id (RFC 9106) with OWASP's numbers (Password Storage Cheat Sheet); which ones are too easy."""

import secrets
from functools import cache
from typing import TYPE_CHECKING

from ...texts import Sentence, both

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 12, 1000
"""Characters."""
_MEMORY_KIB, _TURNS, _LANES = 19_456, 2, 1
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another
_WORST = (
    "password",
    "passwort",
    "123456",
    "qwertz",
    "qwerty",
    "abcdef",
    "hallo",
    "geheim",
    "admin",
    "bordstein",
    "sommer",
    "winter",
    "schalke",
    "willkommen",
    "welcome",
    "letmein",
    "iloveyou",
    "stadt",
    "rathaus",
    "bauhof",
)


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=_TURNS, memory_cost=_MEMORY_KIB, parallelism=_LANES)


def hashed(password: str) -> str:
    """What is kept of a password, in argon2's own notation; takes some 50 ms and 19 MB."""
    return _hasher().hash(password)


@cache
def _nobody() -> str:
    return hashed(secrets.token_urlsafe())


def fits(password: str, hash: str) -> bool:
    """Whether this is the password; without a hash it takes as long, and is not."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(hash or _nobody(), password) and bool(hash)
    except (VerificationError, InvalidHashError):
        return False


def first() -> str:
    """A random first password: 99 bits, to be typed once."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))


def problem(password: str, *names: str) -> Sentence | None:
    """Why a password is not taken, else None; `names`: of the account, which it must not hold."""
    if len(password) < SHORTEST:
        return both(
            f"Das Passwort ist zu kurz; es braucht {SHORTEST} Zeichen oder mehr.",
            f"The password is too short; it needs {SHORTEST} characters or more.",
        )
    if len(password) > LONGEST:
        return both(
            f"Das Passwort ist zu lang; {LONGEST} Zeichen sind das Äußerste.",
            f"The password is too long; {LONGEST} characters are the most.",
        )
    lower = password.lower()
    for name in names:
        if len(name) >= 3 and name.lower() in lower:
            return both(
                "Das Passwort enthält den Namen; ein anderes wählen.",
                "The password holds the name; choose another one.",
            )
    rest = lower
    for word in _WORST:
        rest = rest.replace(word, "")
    if len(set(lower)) < 5 or len(rest.strip("0123456789!?.-_ ")) < 4:
        return both(
            "Das Passwort steht auf jeder Liste zum Raten; mehrere seltene Wörter nehmen.",
            "The password is on every list for guessing; take several rare words.",
        )
    return None
