"""How many readings each series has and when the first was measured: the log is counted once, then only what is new.

Counting 100 million rows for each $count would take a minute, so counts are kept in memory and, now and then, in the
store; they are brought up to date from the log when somebody asks. Only the first question to a
large log has to wait.
"""

import json
import threading
import time
from contextlib import suppress
from typing import NamedTuple

from ..store import Store, StoreError
from ..store.observing import TALLY
from .syntax import Mistake

_CHUNK = 200_000
_PATIENCE_S = 8.0
_KEEP_EVERY_S = 600.0


class Account(NamedTuple):
    """Of one series. `first`, `last`: times, ms UTC."""

    readings: int
    first: int
    last: int


class Tally:
    """Of one store. Any thread may ask."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._accounts: dict[int, Account] = {}
        self._to = -1  # counted up to this id; -1: not begun
        self._kept = 0.0
        self._removed = store.removed
        self._thread: threading.Thread | None = None

    def accounts(self) -> dict[int, Account]:
        """By series, with all that is in the log now. Mistake (503): it is still being counted for the first time."""
        if not self._bring_up(_PATIENCE_S):
            share = 100 * max(self._to, 0) // max(self._store.newest_id(), 1)
            self._go_on()
            raise Mistake(
                f"Die Messwerte werden zum ersten Mal gezählt, {share} % sind es schon; in einer Minute noch einmal "
                "fragen, oder ohne $count.",
                f"The readings are being counted for the first time, {share} % are done; ask again in a minute, "
                "or without $count.",
                503,
            )
        return self._accounts

    def known(self) -> dict[int, Account]:
        """The same without waiting: empty while the log is not counted yet, which then begins."""
        if self._bring_up(0.3):
            return self._accounts
        self._go_on()
        return {}

    def _bring_up(self, seconds: float) -> bool:
        """Count on for so long; whether all is counted."""
        until = time.monotonic() + seconds
        if not self._lock.acquire(timeout=max(seconds, 0.01)):
            return False
        try:
            if self._to < 0:
                self._load()
            if self._removed != self._store.removed:
                self._removed = self._store.removed
                self._accounts, self._to, self._kept = {}, 0, 0.0
            newest = self._store.newest_id()
            while self._to < newest:
                self._count(min(self._to + _CHUNK, newest))
                if time.monotonic() > until and self._to < newest:
                    return False
            self._keep()
            return True
        finally:
            self._lock.release()

    def _count(self, to: int) -> None:
        accounts = dict(self._accounts)  # a new one: others may be reading the old one
        for series, count, first, last in self._store.tally(self._to, to):
            before = accounts.get(series)
            accounts[series] = (
                Account(count, first, last)
                if before is None
                else Account(before.readings + count, min(before.first, first), max(before.last, last))
            )
        self._accounts, self._to = accounts, to

    def _go_on(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._all, name="tally", daemon=True)
            self._thread.start()

    def _all(self) -> None:
        with suppress(StoreError):  # who asks next hears of it
            while not self._bring_up(0.5):
                time.sleep(0.1)  # others want the disk, too

    def _load(self) -> None:
        kept = self._store.remote_get(TALLY)
        self._to = 0
        if "counted" in kept:
            to, accounts = json.loads(kept["counted"])
            if to <= self._store.newest_id():
                self._to = to
                self._accounts = {int(series): Account(*account) for series, account in accounts.items()}

    def _keep(self) -> None:
        now = time.monotonic()
        if self._to > 0 and (not self._kept or now - self._kept > _KEEP_EVERY_S):
            self._kept = now
            self._store.remote_set(TALLY, {"counted": json.dumps([self._to, self._accounts])})
