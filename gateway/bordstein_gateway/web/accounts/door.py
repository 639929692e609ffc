"""Logins by name and password: looked at one at a time, with a growing wait for who guesses."""

import asyncio
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from ...store.accounts import Account, Accounts
from ...texts import Sentence, both
from . import passwords
from .limits import Limits

_log = structlog.get_logger(__name__)
_MOST_WAITING = 20
WRONG = both("Der Name oder das Passwort ist falsch.", "The name or the password is wrong.")


class NotIn(Exception):
    """Not let in; `sentence` says the same whatever was wrong. `wait`: seconds until the next try, 0: none."""

    def __init__(self, sentence: Sentence, wait: int = 0) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.wait = wait


class Door:
    """Of one service."""

    def __init__(self, accounts: Accounts, limits: Limits | None = None) -> None:
        self._accounts = accounts
        self._limits = limits or Limits()
        # One at a time: whoever guesses gets one core's work and 19 MB at most.
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="password")
        self._waiting = 0

    async def enter(self, name: str, password: str, address: str) -> Account:
        """The account of this name and password; NotIn."""
        name = name.strip().lower()
        wait = math.ceil(self._limits.wait(name, address))
        if wait > 0:
            raise NotIn(
                both(
                    f"Zu viele Versuche; in {wait} Sekunden geht es wieder.",
                    f"Too many tries; try again in {wait} seconds.",
                ),
                wait,
            )
        # Counted before it is looked at, or many at once would all be the first.
        self._limits.failed(name, address)
        account = await asyncio.to_thread(self._accounts.get, name)
        hash = account.password if account is not None else ""
        fits = await self.work(passwords.fits, password[: passwords.LONGEST + 1], hash)
        if account is None or account.disabled or not fits:
            _log.warning("a login failed", address=address)  # no name: it may be a password in the wrong field
            raise NotIn(WRONG)
        self._limits.passed(name, address)
        return account

    async def work(self, function: Callable[..., Any], *values: Any) -> Any:
        """Slow work on passwords, in its one thread; NotIn when too many wait."""
        if self._waiting >= _MOST_WAITING:
            raise NotIn(
                both(
                    "Gerade melden sich zu viele auf einmal an; gleich noch einmal versuchen.",
                    "Too many log in at once; try again in a moment.",
                ),
                10,
            )
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, function, *values)
        finally:
            self._waiting -= 1
