"""The packages carry their licence."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LICENCE = (ROOT / "LICENSE").read_bytes()


@pytest.mark.parametrize("folder", ["gateway", "tools"])
def test_wheel_and_source_package_carry_the_licence(folder: str, tmp_path: Path) -> None:
    # A copy in each: hatchling puts a link into a source package as it is, and there it leads nowhere.
    assert (ROOT / folder / "LICENSE").read_bytes() == LICENCE
    build = [
        sys.executable,
        "-m",
        "build",
        "--quiet",
        "--no-isolation",
        "--sdist",
        "--wheel",
        "--outdir",
        str(tmp_path),
    ]
    subprocess.run([*build, str(ROOT / folder)], check=True, capture_output=True, timeout=120)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/licenses/LICENSE")]
        assert wheel.read(name) == LICENCE
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as source:
        (member,) = [member for member in source.getmembers() if member.name.endswith("/LICENSE")]
        content = source.extractfile(member)
        assert content and content.read() == LICENCE
