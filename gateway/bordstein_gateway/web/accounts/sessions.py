"""Logins of browsers: a random token in a cookie, of which the store has the SHA-256 alone."""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from ...config.config import Config
from ...config.durations import seconds
from ...store import Store
from ...store.accounts import Account, Accounts, Login
from ..pages.rights import User

_LONGEST_MS = 7 * 86_400_000
"""A login holds so long at most, whatever is done with it."""
_TOUCH_MS = 60_000


class Sessions:
    """The logins of one service. `clock`: Unix seconds."""

    def __init__(self, config: Config, store: Store, clock: Callable[[], float] = time.time) -> None:
        self.accounts = Accounts(store)
        self.secure = (config.pages.url or "").startswith("https:")
        """Whether browsers come by TLS; then no cookie leaves them without."""
        self.cookie = "__Host-bordstein" if self.secure else "bordstein"
        self._idle_ms = seconds(config.pages.session) * 1000
        self._clock = clock

    async def begin(self, account: Account, request: Request, response: Response) -> str:
        """Log in: a new token in a cookie of the response, in place of the one that the request had. The digest."""
        token = secrets.token_urlsafe(32)
        now = int(self._clock() * 1000)
        login = Login(_digest(token), account.name, secrets.token_urlsafe(24), now, now, now + _LONGEST_MS)
        await asyncio.wrap_future(self.accounts.begin(login, self._given(request)))
        self.set_cookie(response, self.cookie, token)
        return login.digest

    async def user(self, request: Request) -> User | None:
        """Who asks; None: nobody who is logged in. Of a disabled account nothing holds any more."""
        digest = self._given(request)
        found = await asyncio.to_thread(self.accounts.login, digest) if digest else None
        if found is None:
            return None
        login, account = found
        now = int(self._clock() * 1000)
        if account.disabled or now >= min(login.expires, login.used + self._idle_ms):
            return None
        if now - login.used >= _TOUCH_MS:
            self.accounts.touch(login.digest, now)
        return User(
            *(account.name, account.full_name, account.role, account.desks, account.mail, account.must_change),
            *(account.subject, login.csrf, login.digest),
        )

    async def end(self, user: User, response: Response) -> None:
        """Log out."""
        await asyncio.wrap_future(self.accounts.end(user.digest))
        response.delete_cookie(self.cookie, path="/", secure=self.secure, httponly=True, samesite="lax")

    def set_cookie(self, response: Response, name: str, value: str, age: int | None = None) -> None:
        """One that scripts and other sites don't get. `age`: seconds; without it, until the browser ends."""
        response.set_cookie(name, value, age, path="/", secure=self.secure, httponly=True, samesite="lax")

    def _given(self, request: Request) -> str:
        token = request.cookies.get(self.cookie, "")
        return _digest(token) if token else ""


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
