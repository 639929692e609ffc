"""Answers are made in threads of their own, and for everybody not more often than every few seconds."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from starlette.requests import Request

from ..web.access import language
from .view import View

_THREADS = 2
_SAME_S = 5
_MOST_RECENT = 8
"""Of 500 stations one takes 1 MB."""
_T = TypeVar("_T")


class Making:
    """`view`: makes a View, of everybody or with a login."""

    def __init__(self, view: Callable[[bool], View]) -> None:
        self._view = view
        self._recent: dict[tuple[str, ...], tuple[float, View, Any]] = {}
        # Strangers may ask as much as they like, and take none of the threads that pass readings on.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="feeds")

    async def of(self, request: Request, made: Callable[[View], _T], *, full: bool) -> tuple[View, _T]:
        """What a request may see, and what is made of it. Without a login the last answer to the same request serves
        for some seconds."""
        about = request.headers
        key = (str(request.url), about.get("host", ""), about.get("accept", ""), language(request))
        if not full and (known := self._recent.get(key)) is not None and time.monotonic() - known[0] < _SAME_S:
            return known[1], known[2]

        def make() -> tuple[View, _T]:
            view = self._view(full)
            return view, made(view)

        view, result = await asyncio.get_running_loop().run_in_executor(self._threads, make)
        if not full:
            if len(self._recent) >= _MOST_RECENT:
                self._recent.clear()
            self._recent[key] = (time.monotonic(), view, result)
        return view, result
