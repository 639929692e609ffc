"""`bordstein watch` and `console` on a virtual board with the real firmware: what it measures comes at once, and the
board works on, then and afterwards."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bordstein_tools.cable import Cable
from bordstein_tools.observing import observe
from bordstein_tools.texts import Problem
from tests.hardware.pty_bridge import PtyBoard
from tests.street.servers import Gateway, Mosquitto, Town
from tests.tools import cabled, checked
from tests.tools.checked import AIR, SENSORS

BORDSTEIN = Path(sys.executable).with_name("bordstein")
ENVIRONMENT = {**os.environ, "BORDSTEIN_LANG": "en", "COLUMNS": "160", "LINES": "40", "TERM": "xterm"}
CTRL_C, CTRL_RIGHT = b"\x03", b"\x1d"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return Town(tmp_path_factory.mktemp("town"))


@pytest.fixture(scope="module")
def gateway(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Mosquitto(town) as broker, Gateway(town, broker, folder=tmp_path_factory.mktemp("gateway")) as gateway:
        gateway.broker = broker
        yield gateway


@pytest.fixture(scope="module")
def flash(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Path:
    software = cabled.compiled(tmp_path_factory.mktemp("compiled"))
    return checked.deployed(tmp_path_factory.mktemp("deployed") / "board", software, town)
