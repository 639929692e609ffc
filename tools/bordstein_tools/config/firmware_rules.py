"""The board's own configuration checker, so that tool and board never disagree about what is right.

The wheel carries the firmware's checker, its drivers and its example (tools/pyproject.toml); in a checkout they are
read where they are. Drivers are read, not run: they are made for MicroPython.
"""

import ast
import functools
import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

CARRIED = Path(__file__).parents[1] / "firmware"
CHECKOUT = Path(__file__).parents[3] / "firmware"
_OF_A_DRIVER = ("OPTIONS", "PROPERTIES", "WARM_UP_S", "INTERVAL_S")


def _folder() -> Path:
    return CARRIED if CARRIED.is_dir() else CHECKOUT


@functools.cache
def _module(name: str) -> ModuleType:
    # Under a name of its own: nobody shall import a board's firmware from here by accident.
    path = _folder() / "bordstein" / f"{name}.py"
    specification = importlib.util.spec_from_file_location(f"bordstein_{name}", path)
    if specification is None or specification.loader is None:
        raise ImportError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


class Drivers:
    """The drivers' rules for the checker: what the class `Driver` of each module sets to a plain value."""

    @staticmethod
    def names() -> list[str]:
        """As bordstein.sensors.names() on a board."""
        return sorted(path.stem for path in (_folder() / "bordstein" / "sensors").glob("*.py") if path.stem[0] != "_")

    @staticmethod
    @functools.cache
    def load(name: str) -> SimpleNamespace:
        """Has what stands in _OF_A_DRIVER."""
        source = (_folder() / "bordstein" / "sensors" / f"{name}.py").read_text(encoding="utf-8")
        found = SimpleNamespace()
        for part in ast.parse(source).body:
            if isinstance(part, ast.ClassDef) and part.name == "Driver":
                for line in part.body:
                    if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) in _OF_A_DRIVER:
                        setattr(found, ast.unparse(line.targets[0]), ast.literal_eval(line.value))
        return found


def example() -> bytes:
    """A complete configuration file, to be cut down."""
    return (_folder() / "config.example.json").read_bytes()


def parse(text: str) -> Any:
    """The JSON of a configuration file as the board takes it. ValueError, RecursionError."""
    return _module("config_rules").parse(text)


def check(config: Any, pins: dict[str, Any] | None) -> list[str]:
    """All mistakes, a sentence each. pins: what the board's pins are good for; None: not known."""
    checker = _module("config_check").Check(pins=pins, drivers=Drivers, rules=_module("config_rules"))
    problems: list[str] = checker.whole(config)
    return problems


def completed(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration that is sent to a board, with what the board has of its own: where its keys are, its broker."""
    own = {"mqtt": {"host": "localhost", "ca": "ca.der", "cert": "device.der", "key": "device.key.der"}}
    whole: dict[str, Any] = _module("config_own").complete(config, own)
    return whole
