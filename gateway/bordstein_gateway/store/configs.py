"""The boards' configurations: what the town wants, and what the boards report; and their answers to commands."""

import json
import time
from concurrent.futures import Future

from .connection import Connection
from .register import Register
from .types import BoardConfig

_SELECT = (
    "SELECT device, wanted, text, wanted_at, reported, ok, problems, running, digest, confirmed, reported_at,"
    " certificate"
    " FROM board_config"
)


class Configs(Register):
    """The configurations' part of the store."""

    def configs(self) -> dict[str, BoardConfig]:
        """Those of all boards of which something is known, by device."""
        with self.database.reading() as connection:
            rows = connection.execute(_SELECT).fetchall()
        return {row[0]: _config(*row) for row in rows}

    def command_results(self, device: str, limit: int) -> list[tuple[str, str, int]]:
        """A board's answers to commands, the newest first: (command's id, JSON, received in ms)."""
        with self.database.reading() as connection:
            return connection.execute(
                "SELECT command, body, received FROM command_result WHERE device = ?"
                " ORDER BY received DESC, command LIMIT ?",
                (device, limit),
            ).fetchall()

    def want_config(self, device: str, text: str, above: int = 0) -> "Future[int]":
        """Note a wanted configuration (JSON); its version: larger than any known one, and than `above`."""
        now = int(time.time() * 1000)

        def job(connection: Connection) -> int:
            known = connection.execute(
                "SELECT wanted, reported, running FROM board_config WHERE device = ?", (device,)
            ).fetchone()
            wanted = max(above, *(number or 0 for number in known or (0,))) + 1
            connection.execute(
                "INSERT INTO board_config (device, wanted, text, wanted_at) VALUES (?, ?, ?, ?) ON CONFLICT (device)"
                " DO UPDATE SET wanted = excluded.wanted, text = excluded.text, wanted_at = excluded.wanted_at",
                (device, wanted, text, now),
            )
            return wanted

        return self.submit(job)

    def forget_config(self, device: str) -> "Future[None]":
        """The board is blank: nothing is wanted of it any more."""

        def job(connection: Connection) -> None:
            connection.execute("DELETE FROM board_config WHERE device = ?", (device,))

        return self.submit(job)


def _config(
    device: str,
    wanted: int | None,
    text: str | None,
    wanted_at: int | None,
    reported: int | None,
    ok: int | None,
    problems: str | None,
    running: int | None,
    digest: str | None,
    confirmed: str | None,
    reported_at: int | None,
    certificate: str | None,
) -> BoardConfig:
    found = json.loads(problems) if problems else []
    good = None if ok is None else bool(ok)
    different = digest != confirmed and running != 0
    return BoardConfig(
        *(device, wanted, text, wanted_at, reported, good, found, running, different, reported_at, certificate)
    )
