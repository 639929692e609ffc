"""The rule sheets' part of the store: every version of each sheet, and what the rules remember."""

from collections.abc import Collection, Iterable
from functools import partial
from typing import NamedTuple

from .connection import Connection
from .core import Store


class SheetVersion(NamedTuple):
    """A text that came in force. Empty: the sheet was taken out of force. `actor`: an account, "file" for somebody with
    an editor, or "command line". `at`: ms UTC."""

    name: str
    version: int
    text: str
    actor: str
    reason: str
    at: int


_SELECT = "SELECT name, version, text, actor, reason, at FROM sheet"
_NEWEST = " WHERE version = (SELECT max(version) FROM sheet AS newer WHERE newer.name = sheet.name)"
_AT_ONCE = 1000
_STATE = (
    "INSERT INTO rule_state (rule, object, state) VALUES (?, ?, ?)"
    " ON CONFLICT (rule, object) DO UPDATE SET state = excluded.state"
)


def newest_sheets(store: Store) -> dict[str, SheetVersion]:
    """The highest version of each sheet there ever was, by name."""
    with store.database.reading() as connection:
        rows = connection.execute(f"{_SELECT}{_NEWEST} ORDER BY name").fetchall()
    return {row[0]: SheetVersion(*row) for row in rows}


def sheet_versions(store: Store, name: str) -> list[SheetVersion]:
    """All of a sheet, the newest first."""
    with store.database.reading() as connection:
        rows = connection.execute(_SELECT + " WHERE name = ? ORDER BY version DESC", (name,)).fetchall()
    return [SheetVersion(*row) for row in rows]


def newest_sheet(connection: Connection, name: str) -> SheetVersion | None:
    """In an open transaction: the highest version of a sheet."""
    row = connection.execute(f"{_SELECT}{_NEWEST} AND name = ?", (name,)).fetchone()
    return SheetVersion(*row) if row else None


def add_sheet(connection: Connection, version: SheetVersion) -> None:
    """In an open transaction."""
    connection.execute("INSERT INTO sheet (name, version, text, actor, reason, at) VALUES (?, ?, ?, ?, ?, ?)", version)


def rule_states(store: Store, rule: str) -> dict[str, str]:
    """What a rule remembers: object -> JSON."""
    with store.database.reading() as connection:
        rows = connection.execute("SELECT object, state FROM rule_state WHERE rule = ?", (rule,)).fetchall()
    return dict(rows)


def begun_rules(store: Store) -> set[str]:
    """Rules that have begun, and not ended: each keeps with which version, as the state of no object."""
    with store.database.reading() as connection:
        return {rule for (rule,) in connection.execute("SELECT rule FROM rule_state WHERE object = ''").fetchall()}


def put_rule_states(connection: Connection, rows: Iterable[tuple[str, str, str]]) -> None:
    """In an open transaction: (rule, object, JSON)."""
    connection.executemany(_STATE, rows)


def forget_others(store: Store, rules: Collection[str]) -> set[str]:
    """Drop what rules remember that are none of these; their names."""
    gone = begun_rules(store) - set(rules)
    for rule in gone:
        store.submit(partial(drop_rule_states, rule=rule)).result()
    return gone


def drop_rule_states(connection: Connection, rule: str) -> None:
    """In an open transaction: a rule remembers nothing any more."""
    connection.execute("DELETE FROM rule_state WHERE rule = ?", (rule,))


def move_place(connection: Connection, name: str, next_id: int) -> None:
    """In an open transaction: how far a reader of the log is."""
    connection.execute(
        "INSERT INTO place (forwarder, next_id, pending_to) VALUES (?, ?, NULL)"
        " ON CONFLICT (forwarder) DO UPDATE SET next_id = excluded.next_id, pending_to = NULL",
        (name, next_id),
    )


def boots(store: Store, devices: Collection[str]) -> dict[str, int]:
    """The present boots of these devices, where they say them."""
    names = list(devices)
    found: dict[str, int] = {}
    with store.database.reading() as connection:
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            found |= dict(
                connection.execute(
                    "SELECT name, state_boot FROM device WHERE state_boot IS NOT NULL"
                    f" AND name IN ({', '.join('?' * len(some))})",
                    some,
                ).fetchall()
            )
    return found


def heard(store: Store) -> dict[str, int]:
    """When each device was last heard of, ms."""
    with store.database.reading() as connection:
        rows = connection.execute("SELECT name, last_seen FROM device").fetchall()
    return {name: max(last, store.last_seen(name)) for name, last in rows}


def ended_cases(store: Store, since: int, rule: str = "") -> list[tuple[str, str, int]]:
    """(rule, object, when) of cases that ended at `since` (ms) or later and have no open one after them; `rule`: only
    of this one."""
    with store.database.reading() as connection:
        return connection.execute(
            "SELECT rule, object, max(ended) FROM work AS done WHERE ended >= ?1 AND (?2 = '' OR rule = ?2)"
            " AND NOT EXISTS (SELECT 1 FROM work WHERE work.rule = done.rule AND work.object = done.object"
            " AND work.open_key IS NOT NULL) GROUP BY rule, object",
            (since, rule),
        ).fetchall()
