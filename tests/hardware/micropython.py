"""Starts Unix-port MicroPython with the firmware and the simulated hardware in its path (for CPython)."""

import functools
import os
import shutil
import subprocess
from pathlib import Path

from tools.dev.mpy import MPY_CROSS

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


def compiled_hardware(folder: Path) -> Path:
    """tests/hardware in this folder, compiled, as the interpreter's own compiler needs memory too; its board.py."""
    for source in (HARDWARE / "port").rglob("*.py"):
        target = folder / source.relative_to(HARDWARE).with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([MPY_CROSS, "-msmall-int-bits=31", "-o", target, source], check=True)
    for name in ("board.py", "recorder.py", "virtual_time.py"):
        shutil.copy(HARDWARE / name, folder / name)
    return folder / "board.py"
