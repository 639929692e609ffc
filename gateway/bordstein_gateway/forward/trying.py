"""A trial of one target by its configuration alone: works beside a running gateway and without one."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ..config.config import Config
from ..config.files import FileProblem
from ..store import Store
from ..texts import both, said
from . import trial
from .starting import build
from .target import Retry

_Ask = Callable[[Any], Awaitable[str]]
"""What is asked of the target; a sentence. Retry."""


def tried(config: Config, name: str) -> tuple[bool, str]:
    """(whether the target took the trial record, the sentence on what it answered)."""
    return _asked(config, name, lambda target: target.trial())


def reached(config: Config, name: str) -> tuple[bool, str]:
    """(whether a target that has reach() lets the gateway in, the sentence on what it answered)."""
    return _asked(config, name, lambda target: target.reach())


def _asked(config: Config, name: str, ask: _Ask) -> tuple[bool, str]:
    with tempfile.TemporaryDirectory(prefix="bordstein-") as folder:
        # What a target notes of the other side's ids must not get among those of the real readings.
        store = Store.open(Path(folder) / "trial.sqlite")
        try:
            return asyncio.run(_try(trial.configured(config), name, store, ask))
        finally:
            store.close()


async def _try(config: Config, name: str, store: Store, ask: _Ask) -> tuple[bool, str]:
    try:
        target = build(name, config.forward[name], config, store)
    except (FileProblem, OSError, ValueError) as error:
        return False, both(
            f"[forward.{name}] lässt sich nicht einrichten: {said(error, 'de')}.",
            f"[forward.{name}] can't be set up: {said(error, 'en')}.",
        )
    try:
        return True, await ask(target)
    except Retry as failure:
        return False, both(_ended(said(failure, "de")), _ended(said(failure, "en")))
    finally:
        await target.close()


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith(".") else f"{sentence}."
