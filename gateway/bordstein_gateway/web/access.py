"""Who asks: everybody, or somebody with a login who may see everything.

A login is HTTP Basic (RFC 7617) with a name of `[http] readers_file`, or a bearer token (RFC 6750), that of
`reader_token_file`. Both files are read again when they change.
"""

import asyncio
import base64
import hashlib
import hmac
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ..config.config import Config
from ..texts import Sentence, both, said
from . import readers

_MOST_WAITING = 50
_MOST_KNOWN = 1000
_CHALLENGE = 'Basic realm="Bordstein", charset="UTF-8"'


class Refused(HTTPException):
    """An answer other than 200, with one sentence in both languages."""

    def __init__(self, status: int, sentence: Sentence, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, str(sentence), headers)
        self.sentence = sentence


class Access:
    """The logins of one service. full() is asked with each request: who was let in once is known again at once."""

    def __init__(self, config: Config) -> None:
        self._readers_file = config.http.readers_file
        self._token_file = config.http.reader_token_file
        self.closed = bool(config.publish is not None or self._readers_file or self._token_file)
        """Whether pages that show everything need a login: without [publish] and logins they are for a closed net."""
        self._readers: dict[str, str] = {}
        self._token = ""
        self._stamps: tuple[object, ...] = ()
        self._salt = os.urandom(32)
        self._known: set[bytes] = set()
        # One at a time: whoever guesses gets one core's work at most, and never the threads of others.
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="login")
        self._waiting = 0

    async def full(self, request: Request) -> bool:
        """Whether this request may see everything; False without a login. Refused: the login is wrong."""
        given = request.headers.get("authorization")
        if given is None:
            return False
        await asyncio.to_thread(self._refresh)
        stamps = self._stamps
        digest = hmac.digest(self._salt, given.encode(), "sha256")
        if digest in self._known:
            return True
        scheme, _, rest = given.partition(" ")
        if scheme.lower() == "bearer":
            right = bool(self._token) and hmac.compare_digest(_digest(rest.strip()), _digest(self._token))
        else:
            right = scheme.lower() == "basic" and await self._basic(rest.strip())
        if not right:
            raise _unauthorized(
                both(
                    "Der Name, das Passwort oder das Token ist falsch.",
                    "The name, the password or the token is wrong.",
                )
            )
        if stamps != self._stamps:  # who was let in by the files as they were may be gone from them
            return await self.full(request)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known.add(digest)
        return True

    async def require(self, request: Request) -> None:
        """Refused: without a login this page is not shown."""
        if not await self.full(request):
            raise _unauthorized(
                both(
                    "Diese Seite braucht eine Anmeldung. Öffentliche Daten stehen unter /open/.",
                    "This page needs a login. Public data are at /open/.",
                )
            )

    async def _basic(self, given: str) -> bool:
        try:
            name, found, password = base64.b64decode(given, validate=True).decode().partition(":")
        except ValueError:
            return False
        if not found or len(password) > 1000:
            return False
        if self._waiting >= _MOST_WAITING:
            raise Refused(
                429,
                both(
                    "Gerade melden sich zu viele auf einmal an; gleich noch einmal versuchen.",
                    "Too many log in at once; try again in a moment.",
                ),
                {"retry-after": "10"},
            )
        hash = self._readers.get(name)
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            fits = await loop.run_in_executor(self._worker, readers.fits, password, hash or readers.NOBODY)
        finally:
            self._waiting -= 1
        return fits and hash is not None

    def _refresh(self) -> None:
        """Read the files where they changed: who was taken out is out with the next request."""
        stamps = (_stamp(self._readers_file), _stamp(self._token_file))
        if stamps != self._stamps:
            self._known.clear()
            self._readers = readers.read(_text(self._readers_file))
            self._token = _text(self._token_file).strip()
            self._stamps = stamps


def language(request: Request) -> str:
    """'de' or 'en': ?lang=, else what the browser asks for; German where neither says English."""
    wanted = request.query_params.get("lang") or request.headers.get("accept-language", "").strip()[:2].lower()
    return "en" if wanted == "en" else "de"


def refusal(request: Request, error: Exception) -> Response:
    """The answer to a Refused, for Starlette's exception_handlers."""
    assert isinstance(error, Refused)  # noqa: S101  (registered for nothing else)
    headers = {"cache-control": "no-store", "access-control-allow-origin": "*", **(error.headers or {})}
    return PlainTextResponse(f"{said(error.sentence, language(request))}\n", error.status_code, headers=headers)


def _unauthorized(sentence: Sentence) -> Refused:
    return Refused(401, sentence, {"www-authenticate": _CHALLENGE})


def _digest(text: str) -> bytes:
    """Of one length, whatever is compared."""
    return hashlib.sha256(text.encode()).digest()


def _stamp(path: str | None) -> object:
    try:
        there = Path(path).stat() if path else None
    except OSError:
        return None
    return there and (there.st_mtime_ns, there.st_size, there.st_ino)


def _text(path: str | None) -> str:
    try:
        return Path(path).read_text(encoding="utf-8") if path else ""
    except (OSError, UnicodeDecodeError):
        return ""
