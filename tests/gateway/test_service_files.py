"""The systemd unit and Mosquitto's configuration as they are shipped."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

import bordstein_gateway
from bordstein_gateway.doctor.mosquitto import mosquitto_conf

PACKAGE = Path(bordstein_gateway.__file__).parent
UNIT = PACKAGE / "systemd/bordstein-gateway.service"
ANALYZE = shutil.which("systemd-analyze")


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not on this machine")
def test_the_units_exposure_is_at_most_2() -> None:
    answer = subprocess.run(
        [str(ANALYZE), "security", "--offline=true", UNIT], capture_output=True, text=True, timeout=30
    )
    found = re.search(r"Overall exposure level .*: ([\d.]+)", answer.stdout)
    assert found, answer.stdout + answer.stderr
    assert float(found.group(1)) <= 2.0


def test_the_unit_hands_over_what_the_example_configuration_names() -> None:
    lines = UNIT.read_text().splitlines()
    handed = {line.partition("=")[2].partition(":")[0] for line in lines if line.startswith("LoadCredential=")}
    mqtt = tomllib.loads((PACKAGE / "gateway.example.toml").read_text())["mqtt"]
    assert handed == {mqtt["ca"], mqtt["cert"], mqtt["key"]}
    assert {"Type=notify", "DynamicUser=yes", "StateDirectory=bordstein"} <= set(lines)
    assert any(line.startswith("WatchdogSec=") for line in lines)


def test_the_shipped_mosquitto_configuration_loses_nothing() -> None:
    assert [finding.level for finding in mosquitto_conf(PACKAGE / "mosquitto/mosquitto.conf")] == ["fine"]
