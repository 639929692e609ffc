"""What boards say about themselves: state messages, answers to commands."""

import sqlite3

from ..ledger import DAY_MS, LIFE_SHIFT
from ..presence import GONE, overtaken
from .known import Known
from .types import CommandResult, StateReport


class Boards:
    """Puts them into an open transaction."""

    def __init__(self, connection: sqlite3.Connection, known: Known) -> None:
        self._connection = connection
        self._known = known

    def state(self, report: StateReport, now_ms: int) -> None:
        """A board's state, unless it is a farewell that came late. A member that is missing keeps its last value."""
        device = self._known.device(report.device, now_ms)
        (known_boot,) = self._connection.execute("SELECT state_boot FROM device WHERE id = ?", (device.id,)).fetchone()
        if overtaken(report.state, report.boot, known_boot):
            return
        if not report.retained and report.state not in GONE:
            device.last_seen = now_ms
        following: tuple[int | None, int | None, int | None] = (None, None, None)
        if report.next is not None:
            following = (device.life << LIFE_SHIFT | report.next[0], report.next[1], now_ms // DAY_MS)
        self._connection.execute(
            "UPDATE device SET state = ?, state_boot = coalesce(?, state_boot), state_received = ?, state_text = ?,"
            " version = coalesce(?, version), dropped = coalesce(?, dropped), taken = coalesce(?, taken),"
            " next_boot = coalesce(?, next_boot), next_seq = coalesce(?, next_seq), next_day = coalesce(?, next_day)"
            " WHERE id = ?",
            (
                *(report.state, report.boot, now_ms, report.text),
                *(report.version, report.dropped, report.taken),
                *following,
                device.id,
            ),
        )

    def result(self, result: CommandResult, now_ms: int) -> None:
        """A board's answer; the same command again replaces it."""
        self._known.device(result.device, now_ms).last_seen = now_ms
        self._connection.execute(
            "INSERT INTO command_result (device, command, body, received) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (device, command) DO UPDATE SET body = excluded.body, received = excluded.received",
            (*result, now_ms),
        )
