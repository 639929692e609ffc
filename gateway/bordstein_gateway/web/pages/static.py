"""Files of the pages at /app/static/: style, scripts, what npm brought. Browsers keep them: addresses hold a digest."""

import hashlib
from functools import cache
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parents[2] / "static"
PATH = "/app/static"
_YEAR_S = 31_536_000


@cache
def address(name: str) -> str:
    """Where a file is: address("app.css"). One that is not there (npm's, in a bare checkout) has an address too."""
    try:
        digest = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]
    except OSError:
        digest = "0"
    return f"{PATH}/{name}?v={digest}"


class Static(StaticFiles):
    """The files. An address with a digest never changes; others are asked for again."""

    def __init__(self) -> None:
        super().__init__(directory=FOLDER)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        kept = b"v=" in scope.get("query_string", b"")
        response.headers["cache-control"] = f"public, max-age={_YEAR_S}, immutable" if kept else "no-cache"
        response.headers["x-content-type-options"] = "nosniff"
        response.headers["content-security-policy"] = "default-src 'none'; sandbox"
        return response
