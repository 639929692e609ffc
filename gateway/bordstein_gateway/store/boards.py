"""What boards say about themselves: state messages, answers to commands, their configuration."""

import json

from ..boards.ledger import BOOT, DAY_MS, LIFE_SHIFT
from ..boards.presence import GONE, overtaken
from . import releases
from .connection import Connection
from .known import Known, KnownDevice
from .types import CommandResult, ConfigReport, StateReport


class Boards:
    """Puts them into an open transaction."""

    def __init__(self, connection: Connection, known: Known) -> None:
        self._connection = connection
        self._known = known

    def state(self, report: StateReport, now_ms: int) -> None:
        """A board's state, unless it is a farewell that came late. A member that is missing keeps its last value."""
        device = self._known.device(report.device, now_ms)
        known_boot, known_since, known_text = self._connection.execute(
            "SELECT state_boot, state_received, state_text FROM device WHERE id = ?", (device.id,)
        ).fetchone()
        if overtaken(report.state, report.boot, known_boot):
            return
        received = now_ms
        if report.received is not None:
            received = report.received * 1000
            if known_since is not None and received < known_since:
                return  # the board has said something else since
        elif report.retained and report.text == known_text:
            received = known_since  # the broker says it once more, the board does not
        elif not report.retained and report.state not in GONE:
            device.last_seen = now_ms
        boot = seq = None
        if report.next is not None:
            boot, seq = self._note_next(device, *report.next, received // DAY_MS), report.next[1]
        self._connection.execute(
            "UPDATE device SET state = ?, state_boot = coalesce(?, state_boot), state_received = ?, state_text = ?,"
            " version = coalesce(?, version), dropped = coalesce(?, dropped), taken = coalesce(?, taken),"
            " next_boot = coalesce(?, next_boot), next_seq = coalesce(?, next_seq) WHERE id = ?",
            (
                *(report.state, report.boot, received, report.text),
                *(report.version, report.dropped, report.taken, boot, seq),
                device.id,
            ),
        )
        if report.update is not None:
            releases.note(self._connection, report.device, report.update, now_ms)

    def _note_next(self, device: KnownDevice, boot: int, seq: int, day: int) -> int:
        """Note the number of the next pack; the boot's key. The same again (a retained state) changes nothing."""
        key = device.key(boot)
        last = self._connection.execute(
            "SELECT boot, next FROM boot_next WHERE device = ? AND boot <= ? ORDER BY boot DESC LIMIT 1",
            (device.id, device.life << LIFE_SHIFT | BOOT),
        ).fetchone()
        if last is not None and last[0] >> LIFE_SHIFT == device.life and (key, seq) < last:
            # It counts from the beginning; with its first pack the new life begins.
            key += 1 << LIFE_SHIFT
        self._connection.execute(
            "INSERT INTO boot_next (device, boot, next, day, before, before_day) VALUES (?1, ?2, ?3, ?4, 0, ?4)"
            " ON CONFLICT (device, boot) DO UPDATE"
            " SET before = boot_next.next, before_day = boot_next.day, next = excluded.next, day = excluded.day"
            " WHERE boot_next.next != excluded.next",
            (device.id, key, seq, day),
        )
        return key

    def result(self, result: CommandResult, now_ms: int) -> None:
        """A board's answer; the same command again replaces it."""
        device = self._known.device(result.device, now_ms)
        if not result.again:
            device.last_seen = now_ms
        self._connection.execute(
            "INSERT INTO command_result (device, command, body, received) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (device, command) DO UPDATE SET body = excluded.body, received = excluded.received",
            (result.device, result.command, result.body, now_ms),
        )

    def config(self, report: ConfigReport, now_ms: int) -> None:
        """What a board says of its configuration; the last word counts."""
        device = self._known.device(report.device, now_ms)
        if not (report.again or report.retained):
            device.last_seen = now_ms
        self._connection.execute(
            "INSERT INTO board_config (device, reported, ok, problems, running, digest, confirmed, reported_at,"
            " certificate) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8)"
            " ON CONFLICT (device) DO UPDATE SET reported = ?2, ok = ?3, problems = ?4, digest = ?6, reported_at = ?7,"
            " confirmed = CASE WHEN board_config.running = ?5 THEN board_config.confirmed ELSE ?6 END,"
            " running = ?5, certificate = ?8",
            (
                *(report.device, report.version, report.ok, json.dumps(report.problems, ensure_ascii=False)),
                *(report.running, report.digest, now_ms, report.certificate),
            ),
        )
