"""POST /api/devices: a board enters the register, from `bordstein setup` in the van.

The body is one JSON object with the members of registering.COLUMNS. Answers 201 (new) or 200 with {"device",
"outcome"}, else {"problems": [{"de", "en"}, …]}: 400 mistakes, 401 no token or a wrong one, 403 nobody may, 413 too
large.
"""

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..boards.registering import RegisterError, checked
from ..config.files import FileProblem, secret
from ..store import Store, StoreError
from ..store.register import NEW
from ..texts import Sentence, both, said

_LARGEST = 16_384


def endpoint(token_file: str | None, store: Store) -> Callable[[Request], Awaitable[Response]]:
    """The handler. token_file: holds the bearer token; None: nobody may."""

    async def register(request: Request) -> Response:
        refusal = await asyncio.to_thread(_refusal, token_file, request.headers.get("authorization", ""))
        if refusal is not None:
            return refusal
        content = bytearray()
        async for part in request.stream():
            content += part
            if len(content) > _LARGEST:
                return _no(413, [both(f"Mehr als {_LARGEST} Bytes.", f"More than {_LARGEST} bytes.")])
        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            return _no(400, [both("Das ist kein JSON-Objekt.", "This is no JSON object.")])
        try:
            entry = checked(found)
            (outcome,) = await asyncio.wrap_future(store.register([entry]))
        except RegisterError as error:
            return _no(400, error.problems)
        except StoreError as error:
            return _no(503, [both(said(error, "de"), said(error, "en"))])
        return JSONResponse({"device": entry["device"], "outcome": outcome}, status_code=201 if outcome == NEW else 200)

    return register


def _refusal(token_file: str | None, authorization: str) -> Response | None:
    try:
        token = secret(token_file) if token_file is not None else ""
    except FileProblem:
        token = ""
    if not token:
        off = both(
            "Hier trägt niemand Geräte ein; [http] register_token_file in gateway.toml schaltet es frei.",
            "Nobody enters boards here; [http] register_token_file in gateway.toml switches it on.",
        )
        return _no(403, [off])
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode()):
        return None
    wrong = both(
        "Das Token fehlt oder ist nicht das aus register_token_file.",
        "The token is missing or is not that of register_token_file.",
    )
    return _no(401, [wrong], {"www-authenticate": "Bearer"})


def _no(status: int, problems: Iterable[Sentence], headers: dict[str, str] | None = None) -> Response:
    content: dict[str, Any] = {"problems": [{"de": problem.de, "en": str(problem)} for problem in problems]}
    return JSONResponse(content, status_code=status, headers=headers)
