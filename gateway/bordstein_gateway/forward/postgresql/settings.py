"""[forward.…] with kind = "postgresql"."""

from importlib.util import find_spec
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, urlsplit

from msgspec import Meta

from ...config.files import no_authority, no_secret
from ...config.types import File, Forward, Secret, like, without_query
from ...config.words import Rule, is_here, is_host
from ...texts import pick

NEEDED = (
    "dazu fehlt psycopg: pip install -r requirements-postgresql.txt",
    "psycopg is missing for this: pip install -r requirements-postgresql.txt",
)
_VERIFIED = ("require", "verify-ca", "verify-full")

DatabaseUrl = Annotated[
    str,
    like(
        r"postgres(?:ql)?://[^\s\x00-\x1f\x7f]+",
        "eine Adresse wie postgresql://benutzer@rechner/datenbank",
        "an address like postgresql://user@host/database",
    ),
]
_PART = r"[A-Za-z_][A-Za-z0-9_]{0,62}"
Table = Annotated[
    str,
    like(
        rf"{_PART}(?:\.{_PART})?",
        "der Name einer Tabelle wie readings oder schema.readings",
        "the name of a table like readings or schema.readings",
    ),
]


class PostgreSQL(Forward, kw_only=True, tag_field="kind", tag="postgresql"):
    """`url` without a password, which is in `password_file`. `create`: make the table where there is none.

    `conflict`: of a reading that the table has already, keep what stands there, or write it anew. `ca`: whose
    certificates are believed; without it, the system's authorities.
    """

    url: DatabaseUrl
    password_file: Secret | None = None
    ca: File | None = None
    table: Table = "readings"
    create: bool = False
    conflict: Literal["keep", "update"] = "keep"
    batch: Annotated[int, Meta(ge=1, le=10_000)] = 2000

    @property
    def shown(self) -> str:
        """The address as people may see it: without its query."""
        return without_query(self.url)


def rules(forward: dict[str, Any]) -> Rule:
    """What is wrong between values that are right alone."""
    if find_spec("psycopg") is None:
        yield ("kind",), pick(*NEEDED)
    yield ("password_file",), no_secret(forward.get("password_file"))
    yield ("ca",), no_authority(forward.get("ca"))
    url = forward.get("url")
    if not isinstance(url, str):
        return
    try:
        parts = urlsplit(url)
        right = is_host(parts.hostname or "") and parts.port != 0 and len(parts.path) > 1
        options = parse_qs(parts.query, strict_parsing=bool(parts.query))
    except ValueError:
        right = False
    if not right or "#" in url:
        yield (
            ("url",),
            pick(
                "ist keine Adresse wie postgresql://benutzer@rechner/datenbank",
                "is not an address like postgresql://user@host/database",
            ),
        )
    elif parts.password is not None or "password" in options:
        yield (
            ("url",),
            pick(
                "in einer Adresse steht kein Passwort: password_file verwenden",
                "no password stands in an address: use password_file",
            ),
        )
    elif not is_here(parts.hostname) and options.get("sslmode", ["verify-full"])[-1] not in _VERIFIED:
        yield (
            ("url",),
            pick(
                "Messwerte und Passwort gingen im Klartext durchs Netz: sslmode weglassen oder verify-full",
                "readings and password would travel in the clear: leave sslmode out, or verify-full",
            ),
        )
