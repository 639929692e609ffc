"""The worked example of a new sensor in firmware/README.md is a driver that works."""

import re
import shutil
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
README = (ROOT / "firmware/README.md").read_text(encoding="utf-8")


def test_the_example_of_a_new_sensor_runs_as_it_stands(tmp_path, run_micropython):
    for folder in ("firmware/bordstein", "tests/hardware/port"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    blocks = re.findall(r"^```python\n# (\S+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 3
    for name, source in blocks:
        file = tmp_path / name
        assert not file.exists(), f"{name} is there: take another example"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source, encoding="utf-8")
    test = tmp_path / blocks[-1][0]
    test.write_text(
        blocks[-1][1]
        + """

def test_it_is_found_by_its_name():
    from bordstein import sensors
    from bordstein.config_check import Check

    assert "veml7700" in sensors.names()
    made = {"driver": "veml7700", "bus": "i2c0", "address": 17}
    problems = Check().whole({"mqtt": {"host": "x", "tls": False}, "buses": {"i2c0": I2C}, "sensors": {"lamp": made}})
    assert problems == ["sensors.lamp.address: expected a whole number from 16 to 16, got 17"], problems
"""
    )
    path = [tmp_path / "tests/hardware/port", ROOT / "tests/hardware", tmp_path / "firmware", test.parent, HERE]
    functions = re.findall(r"^def (test_\w+)", test.read_text(), re.MULTILINE)
    assert len(functions) == 4
    for function in functions:
        done = run_micropython(HERE / "run_mpy.py", test.stem, function, path=path)
        assert done.stdout.endswith("\nOK\n"), done.stdout
