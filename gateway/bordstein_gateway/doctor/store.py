"""What the doctor says of a store in a PostgreSQL database: whether what was confirmed there stays."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from ..config.words import is_here
from ..store import Postgres, StoreError
from ..store.opening import opened
from .finding import Finding, fine, loses, loses_by, note

_OLDEST = 14
"""Older versions of PostgreSQL get no corrections any more."""
_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


def database(place: Postgres) -> Iterator[Finding]:
    """Whether it can be reached and written, and which of its settings would lose data."""
    try:
        with opened(place) as store, store.reading() as connection:
            settings = dict(
                connection.execute(
                    "SELECT name, setting FROM pg_settings WHERE name IN"
                    " ('fsync', 'full_page_writes', 'synchronous_commit', 'server_version', 'server_version_num')"
                ).fetchall()
            )
            encrypted, uncleaned = connection.execute(
                "SELECT (SELECT ssl::int FROM pg_stat_ssl WHERE pid = pg_backend_pid()),"
                " (SELECT count(*) FROM pg_settings WHERE name = 'autovacuum' AND setting = 'off')"
            ).fetchone()
    except StoreError as error:
        yield loses_by(error)
        return
    wrong = [name for name in _DURABLE if settings[name] == "off"]
    for name in wrong:
        yield loses(
            f"{place.name}: {name} ist aus: ein Stromausfall kostet Messwerte, die schon bestätigt sind; "
            f"ALTER SYSTEM SET {name} = on.",
            f"{place.name}: {name} is off: a power cut costs readings that were acknowledged; "
            f"ALTER SYSTEM SET {name} = on.",
        )
    version = settings["server_version"].split()[0]
    if int(settings["server_version_num"]) // 10_000 < _OLDEST:
        yield note(
            f"{place.name} ist PostgreSQL {version}: dafür gibt es keine Korrekturen mehr.",
            f"{place.name} is PostgreSQL {version}: there are no corrections for it any more.",
        )
    if uncleaned:
        yield note(
            f"{place.name}: autovacuum ist aus: die Datenbank wird mit der Zeit langsam und groß.",
            f"{place.name}: autovacuum is off: the database gets slow and large in time.",
        )
    if not encrypted and not is_here(urlsplit(place.url).hostname or "localhost"):
        yield note(
            f"{place.name} wird unverschlüsselt erreicht: Messwerte gehen im Klartext durchs Netz; "
            "?sslmode=verify-full.",
            f"{place.name} is reached without encryption: readings go over the network in the clear; "
            "?sslmode=verify-full.",
        )
    if not wrong:
        yield fine(
            f"{place.name} (PostgreSQL {version}) ist erreichbar und hält fest, was bestätigt ist.",
            f"{place.name} (PostgreSQL {version}) can be reached and keeps what was acknowledged.",
        )
