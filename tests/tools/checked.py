"""A board that is tested or watched over its cable."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bordstein_tools import configuring
from bordstein_tools.cable import Cable
from tests.hardware.pty_bridge import PtyBoard
from tests.hardware.scenarios import BOARDS
from tests.street.boards import mqtt_section
from tests.street.servers import Mosquitto, Town
from tests.tools import cabled

AIR = {"chip": "bme280", "name": "air", "bus": "i2c:0", "address": 0x76}
AIR["values"] = {"temperature": 8.15, "humidity": 79.67, "pressure": 100439}
BUSES = BOARDS[0]["buses"]
SENSORS = {"air": {"driver": "bme280", "bus": "i2c0", "address": 0x76, "interval_s": 2}}


def keys(town: Town) -> dict[str, bytes]:
    issued = town.device(cabled.DEVICE)
    """The files of a board that this town knows."""
    return {
        "ca.der": issued.ca_der.read_bytes(),
        "device.der": issued.certificate_der.read_bytes(),
        "device.key.der": issued.key_der.read_bytes(),
    }


def board(
    folder: Path,
    flash: Path,
    broker: Mosquitto,
    *,
    chips: Sequence[Mapping[str, Any]] = (AIR,),
    scenario: Mapping[str, Any] | None = None,
    files: Mapping[str, bytes] | None = None,
    mqtt: Mapping[str, Any] | None = None,
    **config: Any,
) -> PtyBoard:
    """A copy of that board, with this configuration on it, that only has to be entered. files: more for its flash."""
    folder.mkdir()
    shutil.copy(flash, folder / "flash")
    made = {"buses": BUSES, "sensors": SENSORS, "mqtt": mqtt_section(broker, **(mqtt or {})), **config}
    configuring.check(made)
    file = cabled.scenario(folder)
    parts = json.loads(file.read_text())
    del parts["wifi"]
    file.write_text(json.dumps({**parts, "chips": list(chips), **(scenario or {})}))
    with PtyBoard(file) as first, Cable.open(first.port) as cable:
        for name, content in {**(files or {}), "config.json": json.dumps(made).encode()}.items():
            cable.write(name, content)
    return PtyBoard(file)
