"""A station's life in the store: mounted, why here, visits, calibrations, repairs, photos. SQL only."""

from typing import Literal, NamedTuple

from .connection import Connection

NoteKind = Literal["mounted", "why_here", "visit", "calibration", "repair", "photo", "removed"]
KINDS: tuple[NoteKind, ...] = ("mounted", "why_here", "visit", "calibration", "repair", "photo", "removed")
LONGEST = 4000
"""Characters of a text."""


class StationNote(NamedTuple):
    """`at`: when it happened, ms UTC. `actor`: an account. `photo`: its digest, see the table photo."""

    id: int
    device: str
    at: int
    actor: str
    kind: NoteKind
    text: str
    photo: str | None


_SELECT = f"SELECT {', '.join(StationNote._fields)} FROM station_note"


def add(connection: Connection, note: StationNote) -> int:
    """Into the open transaction; its id is given here."""
    (id,) = connection.execute(
        f"INSERT INTO station_note ({', '.join(StationNote._fields[1:])}) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
        note[1:],
    ).fetchone()
    return int(id)


def of(connection: Connection, device: str, limit: int = 500) -> list[StationNote]:
    """A device's, the newest first."""
    rows = connection.execute(_SELECT + " WHERE device = ? ORDER BY at DESC, id DESC LIMIT ?", (device, limit))
    return [StationNote(*row) for row in rows.fetchall()]


def writers(connection: Connection) -> dict[str, set[str]]:
    """Device -> accounts that wrote in its life record."""
    found: dict[str, set[str]] = {}
    for device, actor in connection.execute("SELECT DISTINCT device, actor FROM station_note").fetchall():
        found.setdefault(device, set()).add(actor)
    return found
