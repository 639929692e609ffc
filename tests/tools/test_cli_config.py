"""`bordstein config check` says what the board itself would say, also from the built wheel."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOUND = {
    "name": "Marktplatz 7",
    "mqtt": {"host": "mqtt.musterstadt.de", "ca": "ca.der", "cert": "device.der", "key": "device.key.der"},
    "buses": {"i2c0": {"type": "i2c", "id": 0, "scl": 22, "sda": 21}},
    "sensors": {"air": {"driver": "bme280", "bus": "i2c0"}},
}
WRONG = {**SOUND, "sensors": {"air": {"driver": "bme280", "bus": "i2c0", "interval_s": "fast", "adress": 118}}}


def check(file: Path, *arguments: str, program: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = program or (str(Path(sys.executable).with_name("bordstein")),)
    return subprocess.run(
        [*command, "config", "check", str(file), *arguments],
        env={**os.environ, "BORDSTEIN_LANG": "en"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def file(tmp_path):
    return tmp_path / "config.json"


def test_a_sound_configuration_has_no_mistakes(file):
    file.write_text(json.dumps(SOUND))
    run = check(file)
    assert (run.returncode, run.stdout) == (0, f"{file}: no mistakes.\n")
    assert json.loads(check(file, "--json").stdout) == {"file": str(file), "problems": []}


def test_all_mistakes_are_named_at_once_by_their_path(file):
    file.write_text(json.dumps(WRONG))
    run = check(file)
    assert run.returncode == 1
    assert "sensors.air.interval_s: " in run.stdout
    assert "sensors.air.adress: " in run.stdout
    assert len(json.loads(check(file, "--json").stdout)["problems"]) == 2


@pytest.mark.parametrize(("text", "sentence"), [("{", "is not JSON"), (None, "cannot be read")])
def test_what_is_no_configuration_is_one_sentence(file, text, sentence):
    if text is not None:
        file.write_text(text)
    run = check(file)
    assert run.returncode == 1
    assert sentence in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_the_wheel_carries_the_checker(file, tmp_path):
    build = [sys.executable, "-m", "build", "--quiet", "--wheel", "--no-isolation", "--outdir", str(tmp_path)]
    subprocess.run([*build, str(ROOT / "tools")], check=True, capture_output=True, timeout=120)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path / "unpacked")
    file.write_text(json.dumps(WRONG))
    # Isolated from the checkout: only the unpacked wheel and the installed dependencies are on the path.
    script = f"import sys; sys.path.insert(0, {str(tmp_path / 'unpacked')!r}); import bordstein_tools.cli as cli; "
    script += "from bordstein_tools import firmware_rules as r; assert r.CARRIED.is_dir(), r.CARRIED; cli.main()"
    run = check(file, program=(sys.executable, "-I", "-c", script))
    assert run.returncode == 1, run.stderr
    assert "sensors.air.interval_s: " in run.stdout
