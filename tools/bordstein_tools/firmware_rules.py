"""The board's own configuration checker, so that tool and board never disagree about what is right.

The wheel carries the two files of the firmware that it needs (tools/pyproject.toml); in a checkout they are read where
they are.
"""

import functools
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

CARRIED = Path(__file__).with_name("firmware")
CHECKOUT = Path(__file__).parents[2] / "firmware" / "bordstein"


@functools.cache
def checker() -> Callable[[Any, Callable[[str], bool] | None], list[str]]:
    """check(config, exists) of firmware/bordstein/config.py: all mistakes, a sentence each."""
    folder = CARRIED if CARRIED.is_dir() else CHECKOUT
    # Under their own names only while they are loaded: nobody shall import a board's firmware from here by accident.
    package = ModuleType("bordstein")
    before = {name: sys.modules.get(name) for name in ("bordstein", "bordstein.properties")}
    sys.modules["bordstein"] = package
    try:
        sys.modules["bordstein.properties"] = _load("bordstein.properties", folder / "properties.py")
        rules = _load("bordstein.config", folder / "config.py")
    finally:
        for name, module in before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module
    check: Callable[[Any, Callable[[str], bool] | None], list[str]] = rules.check
    return check


def _load(name: str, path: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise ImportError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
