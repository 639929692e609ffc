"""Other boards to run the tests of the firmware on: what an ESP32 has and a green test on the Unix port hides.

A file mpy_*.py asks for them in its first lines, `# again: single, 31-bit, 2000`, and conftest.py then runs its
functions once more for each; not those whose line ends in `# once`, which take long and show nothing new.

    (none)   the firmware compiled, as it goes onto a board
    single   floats of 32 bits (single_precision.py)
    31-bit   small integers of 31 bits, all else is allocated: an interpreter with words of 32 bits
    2000     `time` counts from 2000
"""

import atexit
import functools
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.firmware.single_precision import instrumented_copy
from tests.hardware.micropython import HARDWARE, ROOT, interpreter_of_32_bits
from tools.dev.mpy import compile_to

_HERE = Path(__file__).resolve().parent


def path(firmware: Path = ROOT / "firmware", *first: Path) -> tuple[Path, ...]:
    """Where MicroPython looks for modules, the folders `first` before all else."""
    return (*first, HARDWARE / "port", HARDWARE, firmware, _HERE)


@functools.cache
def single_precision_firmware() -> Path:
    folder = tempfile.mkdtemp(prefix="bordstein-single-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return instrumented_copy(ROOT / "firmware", Path(folder) / "firmware")


@functools.cache
def compiled_firmware() -> Path:
    """The firmware as it goes onto a board."""
    folder = tempfile.mkdtemp(prefix="bordstein-compiled-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for _ in compile_to(Path(folder) / "firmware"):
        pass
    return Path(folder) / "firmware"


def plain(heapsize: str) -> dict[str, Any]:
    return {"path": path(compiled_firmware()), "heapsize": heapsize}


def single(heapsize: str) -> dict[str, Any]:
    # The calls into binary32.py make the firmware larger than it is.
    doubled = re.sub(r"\d+", lambda number: str(2 * int(number[0])), heapsize)
    return {"path": path(single_precision_firmware()), "heapsize": doubled}


def small_integers_of_31_bits(heapsize: str) -> dict[str, Any]:
    interpreter = interpreter_of_32_bits()
    if interpreter is None:
        pytest.skip("this machine runs no programs of 32 bits")
    return {"path": path(compiled_firmware()), "interpreter": interpreter, "heapsize": heapsize}


def epoch_2000(heapsize: str) -> dict[str, Any]:
    return {"path": path(compiled_firmware(), HARDWARE / "epoch2000"), "heapsize": heapsize}


# name: heap that the file asks for -> arguments of conftest.run()
VARIATIONS = {"": plain, "single": single, "31-bit": small_integers_of_31_bits, "2000": epoch_2000}
