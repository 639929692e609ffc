"""Starts Unix-port MicroPython with the firmware and the simulated hardware in its path (for CPython)."""

import functools
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HARDWARE = ROOT / "tests" / "hardware"
PATH = (ROOT / "firmware", HARDWARE / "port", HARDWARE)


@functools.cache
def interpreter() -> str:
    """Path of the interpreter that `make setup` provides."""
    script = ROOT / "tools" / "dev" / "micropython.sh"
    return subprocess.run(["sh", script], check=True, capture_output=True, text=True).stdout.strip()


def interpreter_of_32_bits() -> str | None:
    """Path of one with words as wide as an ESP32's; None where `make setup` found that this machine can't run it."""
    path = ROOT / ".cache" / "micropython32" / "bin" / "micropython"
    return str(path) if path.exists() else None


def command(script: Path, *arguments: str | Path, heapsize: str = "400K") -> list[str]:
    return [interpreter(), "-X", f"heapsize={heapsize}", str(script), *map(str, arguments)]


def environment() -> dict[str, str]:
    return os.environ | {"MICROPYPATH": ":".join([*map(str, PATH), ".frozen"])}
