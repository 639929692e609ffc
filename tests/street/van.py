"""A technician's van: what `bordstein setup` finds there, and a blank virtual board on a cable. No internet."""

import json
from pathlib import Path
from typing import Any

from bordstein_tools.board import deploying
from bordstein_tools.board import software as unpacked
from bordstein_tools.board.cable import Cable
from bordstein_tools.keys import signing
from tests.hardware.loader import SIZE
from tests.hardware.micropython import HARDWARE, command
from tests.hardware.scenarios import BOARDS
from tests.hardware.usb import UsbBoard
from tests.street.boards import mqtt_section
from tests.street.servers import Mosquitto, Town
from tests.tools.flash_image import image
from tools.dev.mpy import compile_to

DEVICE = "24a16000c0de"
REGISTER = "boards.csv"
SECRETS = "geheimes Wort", "anderes Geheimnis"
"""Passwords in the town's file."""
_SIGNED = 2_000_000_000


def works(folder: Path) -> Path:
    """Where software is signed: a release of this firmware, and its public key. folder: made; returned."""
    dict(compile_to(folder / "firmware"))
    key = signing.create(folder / "signing", None)
    files = {
        file.relative_to(folder / "firmware").as_posix(): file.read_bytes()
        for file in (folder / "firmware").glob("bordstein/**/*.mpy")
    }
    pack = signing.pack(files, key, version="0.1.0", floor="0.1.0", date=_SIGNED)
    (folder / "bordstein-0.1.0.pack").write_bytes(pack)
    return folder


def software(works: Path) -> list[str]:
    """Options of `bordstein setup`: what goes onto the board, and where it is noted."""
    release = ["--release", str(works / "bordstein-0.1.0.pack"), "--public", str(works / "signing" / "release.pub")]
    return ["--image", "micropython.bin", *release, "--register", REGISTER]


def van(folder: Path, town: Town, broker: Mosquitto) -> Path:
    """Configuration, authority and image in a folder, which is made and returned."""
    folder.mkdir()
    scenario = BOARDS[0]
    made = {
        "board": "esp32-devkitc",
        "mqtt": mqtt_section(broker),
        "buses": scenario["buses"],
        "sensors": {"air": {**scenario["sensors"]["air"], "interval_s": 2}},
    }
    (folder / "config.json").write_text(json.dumps(made))
    (folder / "bordstein-ca").symlink_to(town.authority.directory)
    (folder / "micropython.bin").write_bytes(image("esp32"))
    return folder


def town_file(folder: Path, broker: Mosquitto, **gateway: str) -> None:
    """In place of config.json what the town's boards have in common. gateway: url, token_file."""
    (folder / "config.json").unlink(missing_ok=True)
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in gateway.items())
    (folder / "bordstein.toml").write_text(
        f"""
owner = "Stadt Musterstadt, Tel. 0123 4567"
mqtt = {{ host = "{broker.host}", port = {broker.port} }}
{"[gateway]" if gateway else ""}
{lines}
[networks.lager]
wifi = [{{ ssid = "Lager", password = "{SECRETS[0]}" }}]
[networks.stadt]
wifi = [{{ ssid = "Stadt", password = "{SECRETS[1]}" }}]
[kits.luft]
title = "Luft: Temperatur, Feuchte, Druck"
board = "esp32-devkitc"
sensors.air = {{ driver = "bme280", bus = "i2c0", interval_s = 2 }}
[sites.nord]
title = "Stadtteil Nord"
network = "lager"
kit = "luft"
[sites.mitte]
title = "Stadtmitte"
network = "stadt"
kit = "luft"
"""
    )


def with_micropython(folder: Path) -> None:
    """A flash in the folder for board_on_a_cable(), with MicroPython on it and nothing else."""
    content = image("esp32")
    flash = bytearray(b"\xff") * SIZE
    flash[0x1000 : 0x1000 + len(content)] = content
    (folder / "chip").write_bytes(flash)


def with_software(folder: Path, works: Path) -> None:
    """The same with the release on it, and no identity yet."""
    with_micropython(folder)
    keys = (works / "signing" / "release.pub").read_bytes()
    release = unpacked.release(works / "bordstein-0.1.0.pack", keys)
    with board_on_a_cable(folder) as board, Cable.open(board.url) as cable:
        deploying.deploy(cable, release, keys)


def board_on_a_cable(folder: Path, mac: str = DEVICE, **more: Any) -> UsbBoard:
    """With the chips of the street's first board; blank, unless the flash `chip` is in the folder already."""
    folder.mkdir(exist_ok=True)
    flash = folder / "chip"
    scenario = {"mac": mac, "flash": str(flash), "chips": BOARDS[0]["chips"], "rtc": str(folder / "rtc")}
    file = folder / "scenario.json"
    file.write_text(json.dumps(scenario))
    return UsbBoard(flash, command(HARDWARE / "console.py", file), mac=mac, **more)
