"""Runs firmware tests in Unix-port MicroPython.

Each `test_*` function of a file mpy_*.py is a pytest item: a MicroPython process of its own with a small heap. A line
`# heapsize: 512K` in the file's first lines asks for another heap, `# again: single, 31-bit, 2000` for runs on other
boards too (variations.py). The fixture `run_micropython` runs any script.
"""

import ast
import functools
import os
import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.firmware.variations import VARIATIONS, path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
RUNNER = HERE / "run_mpy.py"
PATH = path()


@functools.cache
def micropython_path() -> str:
    """The interpreter that `make setup` provides."""
    script = ROOT / "tools/dev/micropython.sh"
    return subprocess.run(["sh", script], check=True, capture_output=True, text=True).stdout.strip()


def run(
    script: Path | str,
    *arguments: object,
    heapsize: str = "256K",
    path: Iterable[Path | str] = PATH,
    timeout: float = 120,
    cwd: Path | str | None = None,
    interpreter: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a script; its output is in .stdout (standard error with it), its exit code in .returncode."""
    return subprocess.run(
        [interpreter or micropython_path(), "-X", f"heapsize={heapsize}", str(script), *map(str, arguments)],
        env=os.environ | {"MICROPYPATH": ":".join([*map(str, path), ".frozen"])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
        cwd=cwd,
    )


@pytest.fixture
def run_micropython() -> Callable[..., subprocess.CompletedProcess[str]]:
    return run


class MicroPythonFailure(Exception):
    """What a test in MicroPython printed."""


class MicroPythonFile(pytest.File):
    def collect(self):
        source = self.path.read_text(encoding="utf-8")
        lines = source.splitlines()
        asked = re.search(r"^# heapsize: (\w+)$", source, re.MULTILINE)
        again = re.search(r"^# again: (.+)$", source, re.MULTILINE)
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                once = not again or lines[node.lineno - 1].endswith("# once")
                for variation in ["", *([] if once else again[1].split(", "))]:
                    item = MicroPythonItem.from_parent(self, name=node.name + (variation and f"[{variation}]"))
                    item.tested = node.name
                    item.heapsize = asked[1] if asked else "256K"
                    item.line = node.lineno
                    item.variation = VARIATIONS[variation]
                    yield item


class MicroPythonItem(pytest.Item):
    tested: str
    heapsize: str
    line: int
    variation: Callable[[str], dict[str, Any]]

    def runtest(self):
        done = run(RUNNER, self.path.stem, self.tested, timeout=170, **self.variation(self.heapsize))
        if done.returncode or not done.stdout.endswith("\nOK\n"):
            raise MicroPythonFailure(done.stdout + f"(exit code {done.returncode})")

    def repr_failure(self, excinfo, style=None):
        if isinstance(excinfo.value, MicroPythonFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, self.line - 1, self.name


def pytest_collect_file(parent, file_path):
    # A file named on the command line goes to pytest_pycollect_makemodule below.
    if file_path.suffix == ".py" and file_path.name.startswith("mpy_") and not parent.session.isinitpath(file_path):
        return MicroPythonFile.from_parent(parent, path=file_path)
    return None


def pytest_pycollect_makemodule(module_path, parent):
    if module_path.name.startswith("mpy_"):
        return MicroPythonFile.from_parent(parent, path=module_path)
    return None
