"""What others ask the store: the log, newest values, devices, completeness. From any thread, read-only."""

import json
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ..boards.devices import is_board
from ..boards.ledger import BOOT, DAY_MS, Next, Row, missing
from ..boards.presence import OTHERS_SILENCE_MS, SILENCE_MS, overdue, present, wake
from ..properties import property_of
from .connection import Connection
from .releases import Releases
from .types import Completeness, Device, Gap, Latest, StoredReading
from .values import without_mark

_EPOCH = date(1970, 1, 1)
_READING = "SELECT id, series, time, value, flags, received FROM reading"


def _day(number: int) -> str:
    return (_EPOCH + timedelta(days=number)).isoformat()


class Reads(Releases):
    """The readers' part of the store."""

    newest: dict[int, tuple[int, Any, int, int]]
    """Series id -> (time, value, flags, received) of its newest reading; the writer replaces entries."""

    def __init__(self) -> None:
        self._names: dict[int, tuple[str, str, str, str]] = {}  # series id -> device, series, property, unit

    def readings_after(self, after_id: int, limit: int) -> list[StoredReading]:
        """The log from after_id (exclusive), in log order."""
        return self._log(_READING + " WHERE id > ? ORDER BY id LIMIT ?", (after_id, limit))

    def readings_between(
        self, from_ms: int, to_ms: int, after_id: int, limit: int, last_id: int | None = None
    ) -> list[StoredReading]:
        """Readings measured in [from_ms, to_ms) with after_id < id <= last_id, in log order."""
        return self._log(
            # The + keeps SQLite from the key's index: the log is nearly in the order of time.
            _READING + " WHERE id > ? AND id <= ? AND +time >= ? AND +time < ? ORDER BY id LIMIT ?",
            (after_id, self.newest_id() if last_id is None else last_id, from_ms, to_ms, limit),
        )

    def readings_before(self, first_id: int, last_id: int, limit: int) -> list[StoredReading]:
        """The last ones of those with first_id <= id <= last_id, in log order."""
        statement = _READING + " WHERE id >= ? AND id <= ? ORDER BY id DESC LIMIT ?"
        return self._log(statement, (first_id, last_id, limit))[::-1]

    def readings_by_id(self, ids: Sequence[int]) -> list[StoredReading]:
        """These, in log order; ids that don't exist are left out."""
        return self._log(f"{_READING} WHERE id IN ({', '.join(map(str, map(int, ids))) or 'NULL'}) ORDER BY id", ())

    def history(self, device: str, series: str, from_ms: int, to_ms: int, limit: int) -> list[StoredReading]:
        """One series' readings measured in [from_ms, to_ms), oldest first."""
        return self._log(
            "WITH RECURSIVE hour (number) AS ("
            " VALUES (?1 / 3600000) UNION ALL SELECT number + 1 FROM hour WHERE number < ?2 / 3600000)"
            " SELECT r.id, r.series, r.time, r.value, r.flags, r.received FROM hour CROSS JOIN series AS s"
            " CROSS JOIN reading AS r WHERE r.time / 3600000 = hour.number AND r.series = s.id"
            " AND s.device = (SELECT id FROM device WHERE name = ?3) AND s.name = ?4"
            " AND r.time >= ?1 AND r.time < ?2 ORDER BY r.time LIMIT ?5",
            (from_ms, to_ms, device, series, limit),
        )

    def first_hour(self, from_ms: int) -> int | None:
        """The begin (ms) of the first hour, from that of from_ms on, in which anything was measured; None: no more."""
        with self.database.reading() as connection:
            found = connection.execute(
                "SELECT time / 3600000 FROM reading WHERE time / 3600000 >= ? ORDER BY time / 3600000 LIMIT 1",
                (from_ms // 3_600_000,),
            ).fetchone()
        return None if found is None else int(found[0]) * 3_600_000

    def newest_id(self) -> int:
        """The id of the last reading in the log, 0 when it is empty."""
        with self.database.reading() as connection:
            (newest,) = connection.execute("SELECT max(id) FROM reading").fetchone()
        return newest or 0

    def latest(self, device: str | None = None) -> list[Latest]:
        """The newest reading of each series, by its own time; sorted by device and series."""
        values = list(self.newest.items())
        with self.database.reading() as connection:
            names = [(self._name(connection, id), value) for id, value in values]
        return sorted(
            (
                Latest(*name, time, *without_mark(value, flags), received)
                for name, (time, value, flags, received) in names
                if name is not None and (device is None or name[0] == device)
            ),
            key=lambda latest: latest[:2],
        )

    def devices(self) -> list[Device]:
        """Every device that was ever heard, by name."""
        now_ms = int(time.time() * 1000)
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT name, first_seen, last_seen, state, state_received, version, state_boot, next_boot, next_seq,"
                " dropped, taken, state_text FROM device ORDER BY name"
            ).fetchall()
        devices = []
        for name, first, last, state, state_received, version, boot, next_boot, next_seq, dropped, taken, text in rows:
            last = max(last, self.last_seen(name))
            following = None if next_boot is None else (next_boot & BOOT, next_seq)
            report = json.loads(text) if text else {}
            due = wake(state, report)
            late = overdue(now_ms, last, state_received, due)
            silence = SILENCE_MS if is_board(name) else OTHERS_SILENCE_MS
            here = present(now_ms, last, state, state_received, due, silence)
            devices.append(
                Device(
                    *(name, first, last, here, state, state_received, version, boot, following, dropped, taken, report),
                    wake=due,
                    overdue=late,
                )
            )
        return devices

    def last_seen(self, device: str) -> int:
        """What the writer knows and has not written yet; 0: nothing."""
        return 0

    def completeness(
        self, device: str | None = None, from_day: str | None = None, to_day: str | None = None
    ) -> list[Completeness]:
        """By device and UTC day (ISO dates, both inclusive; without: today and the six days before)."""
        today = datetime.now(UTC).date()
        last = (date.fromisoformat(to_day) if to_day else today) - _EPOCH
        first = date.fromisoformat(from_day) - _EPOCH if from_day else last - timedelta(days=6)
        days = range(first.days, last.days + 1)
        with self.database.reading() as connection:
            devices = connection.execute(
                "SELECT id, name, first_seen, last_seen FROM device WHERE ?1 IS NULL OR name = ?1 ORDER BY name",
                (device,),
            ).fetchall()
            found: list[Completeness] = []
            for id, name, seen, heard in devices:
                if is_board(name) or _numbered(connection, id):
                    found += _accounts(connection, id, name, days)
                else:
                    heard = max(heard, self.last_seen(name))
                    here = range(max(days.start, seen // DAY_MS), min(days.stop, heard // DAY_MS + 1))
                    found += (Completeness(name, _day(day), 0, 0, 0, [], 0, 0, 0, 0, numbered=False) for day in here)
            return found

    def _log(self, statement: str, parameters: Sequence[object]) -> list[StoredReading]:
        with self.database.reading() as connection:
            rows = connection.execute(statement, parameters).fetchall()
            found = []
            for id, series, at, value, flags, received in rows:
                name = self._names.get(series) or self._name(connection, series)
                if name is not None:
                    found.append(StoredReading(id, *name, at, *without_mark(value, flags), received))
        return found

    def _name(self, connection: Connection, series: int) -> tuple[str, str, str, str] | None:
        name = self._names.get(series)
        if name is None:
            row = connection.execute(
                "SELECT d.name, s.name, s.unit FROM series AS s JOIN device AS d ON d.id = s.device WHERE s.id = ?",
                (series,),
            ).fetchone()
            if row is None:  # being written right now
                return None
            name = self._names[series] = (row[0], row[1], property_of(row[1]), row[2])
        return name


def _numbered(connection: Connection, id: int) -> bool:
    return connection.execute("SELECT 1 FROM pack_range WHERE device = ? LIMIT 1", (id,)).fetchone() is not None


def _accounts(connection: Connection, id: int, name: str, days: range) -> Iterable[Completeness]:
    """A device's days on which something arrived, is missing or was counted."""
    boots: dict[int, list[Row]] = {}
    arrived = dict.fromkeys(days, 0)
    rows = connection.execute("SELECT boot, lo, hi, day FROM pack_range WHERE device = ? ORDER BY boot, lo", (id,))
    for boot, lo, hi, day in rows.fetchall():
        boots.setdefault(boot, []).append([lo, hi, day])
        if day in arrived:
            arrived[day] += hi - lo + 1
    gaps: dict[int, list[Gap]] = {day: [] for day in days}
    following = connection.execute("SELECT boot, next, day FROM boot_next WHERE device = ?", (id,)).fetchall()
    for gap in missing(boots, (Next(*row) for row in following)):
        if gap.day in gaps:
            gaps[gap.day].append(Gap(gap.boot & BOOT, gap.lo, gap.hi))
    counts = {
        day: (late, double, refused, conflict)
        for day, late, double, refused, conflict in connection.execute(
            "SELECT day, late, double, refused, conflict FROM day_count WHERE device = ? AND day BETWEEN ? AND ?",
            (id, days.start, days.stop - 1),
        )
    }
    for day in days:
        lost = sum(gap.hi - gap.lo + 1 for gap in gaps[day])
        if arrived[day] or lost or day in counts:
            yield Completeness(
                name, _day(day), arrived[day] + lost, arrived[day], lost, gaps[day], *counts.get(day, (0, 0, 0, 0))
            )
