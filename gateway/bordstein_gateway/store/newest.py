"""The newest value of each series, in memory; written now and then, completed from the log after a start."""

from collections.abc import Iterable

from ..decode.normalise import CLOCK_UNSURE, Value, far_ahead
from .connection import Writer
from .values import Row, native


class Newest:
    """`values`: series id -> (time, value, flags, received s). Only committed readings come in."""

    def __init__(self, connection: Writer) -> None:
        self._connection = connection
        self.values: dict[int, tuple[int, Value, int, int]] = {}
        self._unwritten: set[int] = set()

    def load(self) -> int:
        """Fill `values`; the id of the last reading in the log."""
        rows = self._connection.execute(
            "SELECT id, latest_time, latest_value, latest_flags, latest_received FROM series"
            " WHERE latest_time IS NOT NULL"
        )
        for id, time, value, flags, received in rows:
            self.values[id] = (time, *native(value, flags), received)
        (written,) = self._connection.execute("SELECT latest_to FROM beat").fetchone()
        self.catch_up(written)
        (newest,) = self._connection.execute("SELECT max(id) FROM reading").fetchone()
        return int(newest or 0)

    def catch_up(self, after_id: int) -> int:
        """Take in what the log has beyond this id; how many readings."""
        rows = self._connection.execute(
            "SELECT series, time, value, flags, received FROM reading WHERE id > ?", (after_id,)
        ).fetchall()
        self.update((series, time, *native(value, flags), received) for series, time, value, flags, received in rows)
        return len(rows)

    def update(self, rows: Iterable[Row]) -> None:
        """Readings that are in the log now, in any order of time."""
        values = self.values
        known = values.get
        unwritten = self._unwritten
        for series, time, value, flags, received in rows:
            before = known(series)
            if before is not None:
                # What claims to be from the future must not hide what comes after it until then.
                if time >= before[0]:
                    if flags & CLOCK_UNSURE and far_ahead(time, received) and not far_ahead(before[0], before[3]):
                        continue
                elif not (before[2] & CLOCK_UNSURE and far_ahead(before[0], before[3])) or far_ahead(time, received):
                    continue
            values[series] = (time, value, flags, received)
            unwritten.add(series)

    def write(self, newest_id: int) -> None:
        """Into the open transaction; forget() if that fails."""
        self._connection.write_latest([(*self.values[id], id) for id in self._unwritten])
        self._connection.execute("UPDATE beat SET latest_to = ?", (newest_id,))
        self._unwritten.clear()

    def forget(self) -> None:
        """A transaction failed: perhaps values were in it, so write all of them the next time."""
        self._unwritten.update(self.values)
