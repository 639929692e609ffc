"""The register: what is known of boards beside their readings (asset number, place, groups, …)."""

import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from .connection import Connection
from .lanes import Lanes
from .types import Registered

ACTIVE, DECOMMISSIONED = "active", "decommissioned"
NEW, CHANGED, SAME, OLDER = "new", "changed", "same", "older"
_SELECT = f"SELECT {', '.join(Registered._fields)} FROM register"
_PUT = (
    f"INSERT INTO register ({', '.join(Registered._fields)}) VALUES ({', '.join('?' * len(Registered._fields))})"
    f" ON CONFLICT (device) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in Registered._fields[1:])}"
)
_NOTHING: tuple[None, ...] = (None,) * (len(Registered._fields) - 1)


class Register(Lanes):
    """The register's part of the store."""

    def registered(self) -> dict[str, Registered]:
        """All boards in the register, by device."""
        with self.database.reading() as connection:
            rows = connection.execute(_SELECT + " ORDER BY device").fetchall()
        return {row[0]: _registered(row) for row in rows}

    def register_changed(self) -> int:
        """When the register was last changed (ms); each change has a larger number. 0: never."""
        with self.database.reading() as connection:
            (last,) = connection.execute("SELECT max(updated) FROM register").fetchone()
        return last or 0

    def register(self, entries: Sequence[Mapping[str, Any]]) -> "Future[list[str]]":
        """Enter boards, all or none: for each of them new, changed, same or older.

        An entry has `device` and any other members of Registered but `updated`. What it does not have stays as it is;
        None takes away what is there. One that was set up before what is known of the board changes nothing: a list
        may come late. Without a `state` a board is active when it is new or was set up again, and decommissioned when
        that came later.
        """
        now = int(time.time() * 1000)

        def job(connection: Connection) -> list[str]:
            updated = _after_all(connection, now)
            return [_enter(connection, entry, updated) for entry in entries]

        return self.submit(job)

    def decommission(self, device: str) -> "Future[None]":
        """The board does its work no more; nothing where it is not in the register."""
        seconds = time.time()
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))

        def job(connection: Connection) -> None:
            connection.execute(
                "UPDATE register SET state = ?2, decommissioned = ?4, updated = ?3 WHERE device = ?1 AND state != ?2",
                (device, DECOMMISSIONED, _after_all(connection, int(seconds * 1000)), since),
            )

        return self.submit(job)


def _after_all(connection: Connection, now: int) -> int:
    """The number of a change that is made now: larger than all before, even where the clock was put back."""
    (last,) = connection.execute("SELECT coalesce(max(updated), 0) FROM register").fetchone()
    return max(now, int(last) + 1)


def _enter(connection: Connection, entry: Mapping[str, Any], updated: int) -> str:
    row = connection.execute(_SELECT + " WHERE device = ?", (entry["device"],)).fetchone()
    old = _registered(row or (entry["device"], *_NOTHING))
    set_up, before = entry.get("set_up") or "", old.set_up or ""
    if set_up and set_up < before:
        return OLDER
    new = old._replace(**entry)
    if "state" not in entry:
        left = new.decommissioned is not None and new.decommissioned >= (new.set_up or "")
        back = row is None or set_up > before
        new = new._replace(state=DECOMMISSIONED if left else ACTIVE if back else old.state)
    if new.state == ACTIVE:
        new = new._replace(decommissioned=None)
    if row is not None and new == old:
        return SAME
    groups = json.dumps(new.groups, ensure_ascii=False)
    connection.execute(_PUT, new._replace(groups=groups, updated=updated))  # type: ignore[arg-type]
    return NEW if row is None else CHANGED


def _registered(row: Sequence[Any]) -> Registered:
    found = Registered(*row)
    return found._replace(groups=json.loads(row[Registered._fields.index("groups")] or "[]"))
