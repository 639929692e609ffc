"""The packages carry their licence, and what the gateway's pages take from npm with its licences."""

import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATIC = (
    "app.css",
    "app.js",
    "vendor/bpmn-js/bpmn-navigated-viewer.production.min.js",
    "vendor/leaflet/leaflet.js",
    "vendor/leaflet/leaflet.css",
    "vendor/uplot/uPlot.iife.min.js",
)
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
        if folder == "gateway":
            assert set(wheel.namelist()) >= {f"bordstein_gateway/static/{name}" for name in STATIC}
            licences = json.loads(wheel.read("bordstein_gateway/static/vendor/licences.json"))
            assert {part["name"] for part in licences} >= {"bpmn-js", "diagram-js", "leaflet", "uplot"}
            assert all(len(part["text"]) > 500 for part in licences)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as source:
        (member,) = [member for member in source.getmembers() if member.name.endswith("/LICENSE")]
        if folder == "gateway":
            names = [member.name for member in source.getmembers()]
            assert [name for name in names if name.endswith("/bordstein_gateway/static/vendor/licences.json")]
        content = source.extractfile(member)
        assert content and content.read() == LICENCE
