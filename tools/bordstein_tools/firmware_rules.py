"""The board's own configuration checker, so that tool and board never disagree about what is right.

The wheel carries the firmware's checker and its example (tools/pyproject.toml); in a checkout they are read where they
are.
"""

import functools
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

CARRIED = Path(__file__).with_name("firmware")
CHECKOUT = Path(__file__).parents[2] / "firmware"


def _folder() -> Path:
    return CARRIED if CARRIED.is_dir() else CHECKOUT


@functools.cache
def _rules() -> ModuleType:
    # Under a name of its own: nobody shall import a board's firmware from here by accident.
    path = _folder() / "bordstein" / "config_check.py"
    specification = importlib.util.spec_from_file_location("bordstein_config_check", path)
    if specification is None or specification.loader is None:
        raise ImportError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def example() -> bytes:
    """A complete configuration file, to be cut down."""
    return (_folder() / "config.example.json").read_bytes()


def parse(text: str) -> Any:
    """The JSON of a configuration file as the board takes it. ValueError, RecursionError."""
    return _rules().parse(text)


def check(config: Any, pins: dict[str, Any] | None) -> list[str]:
    """All mistakes, a sentence each. pins: what the board's pins are good for; None: not known."""
    problems: list[str] = _rules().Check(pins=pins).whole(config)
    return problems
