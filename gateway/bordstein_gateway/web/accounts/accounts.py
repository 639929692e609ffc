"""What an account may be: name, role, desks, mail address."""

import re
import time
from collections.abc import Iterable

from ...config.config import Config
from ...store.accounts import LAST, MISSING, Account
from ...texts import Sentence, both
from ..pages.rights import ROLES

NAME = re.compile(r"[a-z0-9][a-z0-9_.@-]{0,62}")
_MAIL = re.compile(r"[^\s@<>,;]{1,64}@[^\s@<>,;]{1,190}")
_OTHER = re.compile(r"[^a-z0-9_.@-]+")
RESERVED = ("gateway", "file")
"""What the audit log calls those that are nobody: no person may be called so."""
TAKEN = both("Ein Konto mit diesem Namen gibt es schon.", "There is an account of this name already.")
REFUSED = {
    MISSING: both("Dieses Konto gibt es nicht.", "There is no such account."),
    LAST: both(
        "Das ist das letzte Konto, das verwalten darf; zuerst ein anderes dazu machen.",
        "This is the last account that administers; make another one first.",
    ),
}
"""Why accounts are not changed."""


def new(
    config: Config, name: str, role: str, *, full_name: str = "", desks: Iterable[str] = (), mail: str = ""
) -> tuple[Account, dict[str, Sentence]]:
    """A new account whose password has still to be set, and what is wrong with it, by field."""
    account = Account(
        name.strip().lower(), full_name.strip(), role, tuple(dict.fromkeys(desks)), mail.strip(), must_change=True
    )
    found = problems(config, account)
    if account.name in RESERVED:
        found["name"] = both("So heißt im Protokoll das Gateway selbst.", "The audit log calls the gateway itself so.")
    if not NAME.fullmatch(account.name):
        found["name"] = both("Nur Kleinbuchstaben, Ziffern und -_.@.", "Lower-case letters, digits and -_.@ only.")
    return account._replace(created=int(time.time() * 1000)), found


def problems(config: Config, account: Account) -> dict[str, Sentence]:
    """What is wrong with an account, by field; not with its name, which it has already."""
    found: dict[str, Sentence] = {}
    if account.role not in ROLES:
        names = ", ".join(ROLES)
        found["role"] = both(f"Eine dieser Rollen: {names}.", f"One of these roles: {names}.")
    if unknown := [desk for desk in account.desks if desk not in config.desk]:
        names = ", ".join(unknown)
        found["desks"] = both(
            f"Diese Stellen stehen nicht in gateway.toml: {names}.", f"gateway.toml has no such desks: {names}."
        )
    if account.mail and not is_mail(account.mail):
        found["mail"] = both(
            "Eine E-Mail-Adresse, wie k.kraft@musterstadt.de.", "A mail address, as in k.kraft@musterstadt.de."
        )
    if len(account.full_name) > 100 or not (account.full_name.isprintable()):
        found["full_name"] = both("Höchstens 100 Zeichen in einer Zeile.", "100 characters in one line at most.")
    return found


def is_mail(given: str) -> bool:
    """Whether mail can be sent there, by its form."""
    return _MAIL.fullmatch(given) is not None


def as_name(given: str) -> str:
    """A name that an account can have, of one that came from elsewhere."""
    name = _OTHER.sub("-", given.strip().lower()).strip("-_.@")[:60] or "konto"
    return f"{name}-konto" if name in RESERVED else name
