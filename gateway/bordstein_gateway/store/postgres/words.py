"""PostgreSQL's errors as sentences for an administrator."""

import psycopg

from ...texts import both
from ..connection import WAIT_S
from ..types import StoreError

_AWAY = ("08", "57P01", "57P02", "57P03", "57P05")
"""SQLSTATE: connection exception; the server is stopped, has crashed, starts."""


def is_away(error: Exception) -> bool:
    """Whether the server can't be reached, or ended the connection."""
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(_AWAY)


def concerns_all(error: Exception) -> bool:
    """Whether an error is the server's and not that of one statement."""
    if not isinstance(error, psycopg.Error):
        return False
    state = error.sqlstate or ""
    return is_away(error) or state.startswith(("53", "58", "XX", "25006", "55P03", "42501"))


# SQLSTATEs or their beginnings, and what is said. {name}: the database, {said}: the server's words.
_SENTENCES = (
    (
        ("28",),
        "{name} nimmt Benutzer und Passwort nicht an ({said}); store.password_file und pg_hba.conf prüfen.",
        "{name} does not accept user and password ({said}); look at store.password_file and pg_hba.conf.",
    ),
    (
        ("3D000",),
        "Die Datenbank {name} gibt es nicht; sie anlegen: createdb --encoding UTF8 --owner BENUTZER DATENBANK.",
        "There is no database {name}; make it: createdb --encoding UTF8 --owner USER DATABASE.",
    ),
    (
        ("53100",),
        "Der Datenträger der Datenbank {name} ist voll; Platz schaffen.",
        "The disk of the database {name} is full; free some space.",
    ),
    (
        ("53300",),
        "{name} hat keine Verbindung mehr frei ({said}); max_connections erhöhen.",
        "{name} has no connection left ({said}); raise max_connections.",
    ),
    (
        ("25006",),
        "{name} nimmt nur Lesen an (eine Kopie, „Standby“?); den schreibenden Server nennen.",
        "{name} can only be read (a standby?); name the server that takes writes.",
    ),
    (
        ("42501",),
        "Der Benutzer darf in {name} nicht, was nötig ist ({said}); ihm die Datenbank geben: "
        "ALTER DATABASE … OWNER TO ….",
        "The user may not do in {name} what is needed ({said}); give them the database: ALTER DATABASE … OWNER TO ….",
    ),
    (
        ("55P03",),
        f"Ein anderes Programm hält {{name}} seit über {WAIT_S:.0f} s fest; es beenden.",
        f"Another program holds {{name}} for more than {WAIT_S:.0f} s; close it.",
    ),
    (
        ("58", "XX"),
        "{name} ist beschädigt oder der Datenträger nimmt nichts an ({said}); das Log des Servers lesen.",
        "{name} is damaged or the disk does not take writes ({said}); read the server's log.",
    ),
    (
        ("away",),
        "{name} ist nicht erreichbar ({said}); läuft der Server, und stimmt die Adresse?",
        "{name} can't be reached ({said}); does the server run, and is the address right?",
    ),
    (("",), "{name}: {said}.", "{name}: {said}."),
)


def explain(error: Exception, name: str) -> StoreError:
    """The sentence; `name`: of the database."""
    state = getattr(error, "sqlstate", None) or ""
    said = " ".join(str(error).split()) or type(error).__name__
    # While it connects libpq passes on no SQLSTATE, only the server's words, in the server's language.
    if not state and _has(said, "FATAL", "database", ("does not exist", "existiert nicht")):
        state = "3D000"
    elif not state and _has(said, ("authent", "Authent", "no password", "pg_hba.conf")):
        state = "28000"
    elif is_away(error):
        state = "away"
    de, en = next((de, en) for states, de, en in _SENTENCES if state.startswith(states))
    return StoreError(both(de.format(name=name, said=said), en.format(name=name, said=said)))


def _has(said: str, *needed: str | tuple[str, ...]) -> bool:
    return all(any(word in said for word in ([one] if isinstance(one, str) else one)) for one in needed)
