"""What `make package` compiles for a board."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.hardware.micropython import HARDWARE, interpreter
from tools.dev.mpy import compile_to


def says(folder: Path, code: str) -> str:
    path = f"{folder}:{HARDWARE / 'port'}:.frozen"
    done = subprocess.run(
        [interpreter(), "-c", code],
        env=os.environ | {"MICROPYPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_boards_clock_is_never_behind_its_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1900000000")
    sizes = dict(compile_to(tmp_path))
    assert {"bordstein/clock.mpy", "bordstein/app.mpy"} <= sizes.keys()
    assert {path.name for path in tmp_path.glob("*.py")} == {"boot.py", "main.py"}
    assert not list(tmp_path.glob("bordstein/**/*.py"))
    assert says(tmp_path, "from bordstein import clock; print(clock.BUILD_TIME)") == "1900000000"


def test_a_build_from_an_old_date_is_not_dated_before_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    dict(compile_to(tmp_path))
    assert int(says(tmp_path, "from bordstein import clock; print(clock.BUILD_TIME)")) > 1_790_000_000


def test_the_same_sources_give_the_same_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        dict(compile_to(tmp_path / name))
    for file in (tmp_path / "one").rglob("*.mpy"):
        assert file.read_bytes() == (tmp_path / "two" / file.relative_to(tmp_path / "one")).read_bytes()
