"""A board that is tested or watched over its cable."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bordstein_tools.board.cable import Cable
from bordstein_tools.config import configuring
from tests.hardware.micropython import HARDWARE, command
from tests.hardware.pty_bridge import PtyBoard
from tests.hardware.scenarios import BOARDS
from tests.hardware.usb import UsbBoard
from tests.street.boards import mqtt_section
from tests.street.servers import Mosquitto, Town
from tests.tools import cabled

AIR = {"chip": "bme280", "name": "air", "bus": "i2c:0", "address": 0x76}
AIR["values"] = {"temperature": 8.15, "humidity": 79.67, "pressure": 100439}
BUSES = BOARDS[0]["buses"]
SENSORS = {"air": {"driver": "bme280", "bus": "i2c0", "address": 0x76, "interval_s": 2}}


def keys(town: Town) -> dict[str, bytes]:
    """The files of a board that this town knows."""
    issued = town.device(cabled.DEVICE)
    return {
        "ca.der": issued.ca_der.read_bytes(),
        "device.der": issued.certificate_der.read_bytes(),
        "device.key.der": issued.key_der.read_bytes(),
    }


def board(folder: Path, flash: Path, broker: Mosquitto, **how: Any) -> PtyBoard:
    """As made(), on a pseudo-terminal; it only has to be entered."""
    return PtyBoard(made(folder, flash, broker, **how))


def made(
    folder: Path,
    flash: Path,
    broker: Mosquitto,
    *,
    chips: Sequence[Mapping[str, Any]] = (AIR,),
    scenario: Mapping[str, Any] | None = None,
    files: Mapping[str, bytes] | None = None,
    mqtt: Mapping[str, Any] | None = None,
    **config: Any,
) -> Path:
    """The scenario of a copy of that board with this configuration on it. files: more for its flash."""
    folder.mkdir()
    shutil.copy(flash, folder / "flash")
    whole = {"buses": BUSES, "sensors": SENSORS, "mqtt": mqtt_section(broker, **(mqtt or {})), **config}
    configuring.check(whole)
    file = cabled.scenario(folder)
    parts = json.loads(file.read_text())
    del parts["wifi"]
    file.write_text(json.dumps({**parts, "chips": list(chips), **(scenario or {})}))
    with PtyBoard(file) as first, Cable.open(first.port) as cable:
        for name, content in {**(files or {}), "config.json": json.dumps(whole).encode()}.items():
            cable.write(name, content)
    return file


def on_a_cable_with_lines(folder: Path, flash: Path, broker: Mosquitto, **how: Any) -> UsbBoard:
    """As made(), on a cable as a real one's, at an address of its own."""
    scenario = made(folder, flash, broker, **how)
    flash = folder / "flash"
    with flash.open("r+b") as chip:
        chip.seek(0x1000)
        chip.write(b"\xe9")  # MicroPython's image begins so
    return UsbBoard(flash, command(HARDWARE / "console.py", scenario), mac=cabled.DEVICE)
