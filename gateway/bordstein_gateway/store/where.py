"""Where a store is: an SQLite file, or a PostgreSQL database."""

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from ..texts import pick

_ADDRESS = re.compile(r"postgres(?:ql)?://")
_SQLITE = re.compile(r"sqlite:(?://)?(?=/|[^/])")


class Postgres(NamedTuple):
    """A database of a PostgreSQL server. `url`: libpq's, without a password, which is in `password_file` or wherever
    libpq looks for it (~/.pgpass, PGPASSWORD)."""

    url: str
    password_file: str | None = None

    @property
    def name(self) -> str:
        """The address as people may see it."""
        return re.sub(r"(?<=//)([^/@?]*?):[^/@?]*@", r"\1@", self.url).partition("?")[0]


Where = Path | Postgres


def where(text: str, password_file: str | None = None) -> Where:
    """What a person names: postgresql://host/name, sqlite:///a/file, or a file. ValueError: a sentence.

    A password in the address is refused: it would be in the list of processes, in the shell's history and in logs.
    """
    if _ADDRESS.match(text):
        if said := problem(text):
            raise ValueError(said)
        return Postgres(text, password_file)
    if "://" in text and not text.startswith("sqlite://"):
        raise ValueError(
            pick(
                "erwartet postgresql://RECHNER/DATENBANK oder der Name einer SQLite-Datei",
                "expected postgresql://HOST/DATABASE or the name of an SQLite file",
            )
        )
    return Path(_SQLITE.sub("", text, count=1))


def problem(url: str) -> str:
    """What is wrong with the address of a PostgreSQL database; empty: nothing."""
    try:
        parts = urlsplit(url)
        password = parts.password or re.search(r"(?i)(?:^|[&?])(?:password|sslpassword)=", unquote(parts.query))
        _ = parts.port
    except ValueError:
        return pick("keine gültige Adresse", "no valid address")
    if password:
        return pick(
            "in der Adresse steht kein Passwort: es gehört in eine eigene Datei, genannt als password_file",
            "no password stands in the address: it has a file of its own, named as password_file",
        )
    if not parts.path.strip("/"):
        return pick(
            "der Name der Datenbank fehlt, wie in postgresql://localhost/bordstein",
            "the database's name is missing, as in postgresql://localhost/bordstein",
        )
    return ""
