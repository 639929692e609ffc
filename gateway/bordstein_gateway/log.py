"""Structured logs: one JSON object a line for the journal, coloured lines on a terminal.

    log.setup("info", "auto")
    structlog.get_logger().info("stored", packs=12)

Values of keys that look like secrets are never written, in whatever part of an event they are, nor those of
parameters in an address.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

_SECRET = re.compile(r"password|passwd|secret|token|authorization|cookie|api_?key|private_?key", re.IGNORECASE)
_IN_URL = re.compile(r"(\w+://)[^/\s@]+@")
_IN_QUERY = re.compile(r"(\w+://[^\s?\"']*\?)[^\s\"']+")
_HIDDEN = "…"

Event = MutableMapping[str, Any]


def setup(level: str, format: str, stream: TextIO | None = None) -> None:
    """Sets up structlog and the standard library's logging alike. `format`: auto, json or console."""
    stream = stream or sys.stderr
    console = format == "console" or (format == "auto" and stream.isatty())
    # Tracebacks without the variables of each frame: they would hold passwords and keys.
    plain = structlog.dev.plain_traceback
    last: list[Any] = [structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=plain)]
    if not console:
        frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        last = [structlog.processors.ExceptionRenderer(frames), structlog.processors.JSONRenderer(ensure_ascii=False)]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        _without_colours,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(handlers=[handler], level=number, force=True)
    # They tell of each single request; that is what level debug is for. httpx2 names whole addresses: never.
    for name in ("httpx2", "httpcore2", "uvicorn.access"):
        quiet = name == "httpx2" or number > logging.DEBUG
        logging.getLogger(name).setLevel(max(number, logging.WARNING) if quiet else number)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _without_colours(_logger: Any, _method: str, event: Event) -> Event:
    """uvicorn's messages come a second time, with a terminal's escape codes."""
    event.pop("color_message", None)
    return event


def hide_secrets(_logger: Any, _method: str, event: Event) -> Event:
    """A structlog processor: what looks like a secret is left out, at any depth."""
    for key, value in event.items():
        event[key] = _cleaned(key, value)
    return event


def _cleaned(key: Any, value: Any) -> Any:
    if isinstance(key, str) and _SECRET.search(key) and not key.endswith("_file"):
        return _HIDDEN
    if isinstance(value, str):
        return _IN_QUERY.sub(rf"\1{_HIDDEN}", _IN_URL.sub(rf"\1{_HIDDEN}@", value))
    if isinstance(value, dict):
        return {name: _cleaned(name, item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(None, item) for item in value]
    return value
