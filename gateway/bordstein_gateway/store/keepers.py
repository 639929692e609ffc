"""Who has what nobody can do without: keys, passwords. Subjects and holders: see knowledge/keepers.py."""

from .connection import Connection
from .core import Store


def keepers(store: Store) -> dict[str, list[str]]:
    """Subject -> its holders, both in the order of their names."""
    with store.database.reading() as connection:
        rows = connection.execute("SELECT subject, holder FROM keeper ORDER BY subject, holder").fetchall()
    found: dict[str, list[str]] = {}
    for subject, holder in rows:
        found.setdefault(subject, []).append(holder)
    return found


def put_keepers(connection: Connection, subject: str, holders: list[str], actor: str, now: int) -> None:
    """These hold it, and nobody else; inside a job. `now`: ms."""
    connection.execute("DELETE FROM keeper WHERE subject = ?", (subject,))
    connection.executemany(
        "INSERT INTO keeper (subject, holder, actor, at) VALUES (?, ?, ?, ?)",
        [(subject, holder, actor, now) for holder in dict.fromkeys(holders)],
    )
