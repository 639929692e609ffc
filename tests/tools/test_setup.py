"""`make setup` writes into the checkout only, and installs nothing whose hash is not pinned."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# In uv's place: notes how it was called, and makes the environment it was asked for.
UV = """#!/bin/sh
echo "$UV_CACHE_DIR $PIP_CACHE_DIR uv $*" >>"$NOTES"
[ "$1" != venv ] || { mkdir -p .venv/bin && ln -s "$(command -v python3)" .venv/bin/python; }
"""
# In npm's: notes where its cache lies.
NPM = """#!/bin/sh
echo "$npm_config_cache npm $*" >>"$NOTES"
mkdir -p node_modules
"""
FROM_NPM = ("tests/street/opensensemap", "tests/gateway/bpmn_engine", "gateway/assets")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    (folder / "tools/dev").mkdir(parents=True)
    (folder / "gateway").mkdir()
    names = [path.name for path in ROOT.glob("requirements-*.txt")]
    for name in (*names, "gateway/pyproject.toml", "tools/pyproject.toml", "tools/dev/setup.sh"):
        shutil.copy(ROOT / name, folder / name)
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in FROM_NPM:
        shutil.copytree(ROOT / name, folder / name)
    stubs = (
        (programs / "uv", UV),
        (programs / "npm", NPM),
        (folder / "tools/dev/micropython.sh", "#!/bin/sh\n"),
        (folder / "tools/dev/assets.py", ""),
    )
    for path, text in stubs:
        path.write_text(text)
        path.chmod(0o755)
    return folder


def setup(folder: Path, **environment: str) -> list[str]:
    """The calls of uv."""
    notes = folder.parent / "notes"
    keep = {name: value for name, value in os.environ.items() if name not in ("UV_CACHE_DIR", "PIP_CACHE_DIR")}
    path = f"{folder.parent / 'programs'}:{os.environ['PATH']}:/usr/sbin"
    env = {**keep, "PATH": path, "NOTES": str(notes), **environment}
    subprocess.run([folder / "tools/dev/setup.sh"], env=env, check=True, capture_output=True, timeout=60)
    return notes.read_text().splitlines()


def test_caches_lie_in_the_checkout_unless_the_user_has_a_place_for_them(checkout: Path) -> None:
    npm = len(FROM_NPM)
    calls = setup(checkout)
    assert all(call.startswith(f"{checkout}/.cache/uv-cache {checkout}/.cache/pip-cache uv ") for call in calls[:-npm])
    assert calls[-npm:] == [f"{checkout}/.cache/npm-cache npm ci --silent"] * npm
    shutil.rmtree(checkout / ".cache")
    calls = setup(checkout, UV_CACHE_DIR="/u", PIP_CACHE_DIR="/p", npm_config_cache="/n")[len(calls) :]
    assert all(call.startswith("/u /p uv ") for call in calls[:-npm])
    assert calls[-npm:] == ["/n npm ci --silent"] * npm


def test_what_is_installed_and_what_it_is_built_with_is_pinned_by_its_hash(checkout: Path) -> None:
    (sync,) = [call for call in setup(checkout) if "pip sync" in call]
    assert "--require-hashes" in sync and "--build-constraints requirements-build.txt" in sync
    for path in ROOT.glob("**/requirements*.txt"):
        if ".venv" in path.parts or ".cache" in path.parts:
            continue
        blocks = re.split(r"\n(?=[a-zA-Z])", path.read_text())
        assert all("==" in block and "--hash=sha256:" in block for block in blocks), path
    for name in FROM_NPM:
        lock = (ROOT / name / "package-lock.json").read_text()
        assert "://" not in lock
        packages = [entry for path, entry in json.loads(lock)["packages"].items() if path]
        assert all("integrity" in entry and "resolved" not in entry for entry in packages), name
