"""Are the board descriptions in boards/ sound?"""

import itertools
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "firmware"))

from bordstein import config, config_check  # noqa: E402
from bordstein_tools.config.firmware_rules import Drivers  # noqa: E402

FOLDER = ROOT / "boards"
FILES = sorted(FOLDER.glob("*.toml"))
CHIPS = {"virtual": 49, "esp32": 40, "esp32s2": 47, "esp32s3": 49, "esp32c3": 22, "esp32c6": 31}  # chip: pins
TOP = {"name", "title_de", "title_en", "chip", "led", "power_pin", "supply", "flash", "image", "pins", "buses"}
TOP |= {"ethernet", "modem", "buttons"}
NEEDED = {"name", "title_de", "title_en", "chip", "flash", "pins", "buses"}
BUS_PINS = {"i2c": ("scl", "sda"), "uart": ("tx", "rx"), "onewire": ("pin",)}
OUTPUTS = ("scl", "sda", "tx", "pin")  # lines that the board drives


def problems(name, board):
    """Sentences, one for each mistake in a board's description."""
    found = [f"unknown key {key}" for key in board.keys() - TOP]
    found += [f"{key} is missing" for key in NEEDED - board.keys()]
    if found:
        return found
    if board["name"] != name:
        found.append("name is not the file's name")
    if board["chip"] not in CHIPS:
        return [*found, f"unknown chip {board['chip']}"]

    flash = board["flash"]
    if flash["volume_size"] % flash["block_size"] or flash["volume_offset"] % flash["block_size"]:
        found.append("flash: the volume is not made of whole blocks")
    if flash["volume_offset"] + flash["volume_size"] > flash["size"]:
        found.append("flash: the volume is larger than the flash")
    if board["chip"] == "virtual":
        found += [f"{key} makes no sense for a virtual board" for key in ("image",) if key in board]
    else:
        if flash["image_offset"] >= flash["volume_offset"]:
            found.append("flash: the image lies behind the volume")
        version = tuple(int(part) for part in board["image"]["version"].split("."))
        if version < (1, 25):
            found.append("image: MicroPython 1.25 or later is needed")
        if board["image"]["version"] not in board["image"]["name"]:
            found.append("image: name and version differ")
        if not board["image"]["url"].endswith("/" + board["image"]["name"]):
            found.append("image: url and name differ")
        if len(board["image"].get("sha256", "0" * 64)) != 64:
            found.append("image: sha256 is not 64 hex digits")

    pins = board["pins"]
    never = {*pins.get("console", ()), *pins.get("flash", ())}
    used = {}
    for bus_name, bus in board["buses"].items():
        if bus["type"] not in BUS_PINS:
            found.append(f"buses.{bus_name}: unknown type {bus['type']}")
            continue
        for key in BUS_PINS[bus["type"]]:
            pin = bus[key]
            where = f"buses.{bus_name}.{key}"
            if pin in used:
                found.append(f"{where}: pin {pin} is taken by {used[pin]}")
            used[pin] = where
            if pin in never:
                found.append(f"{where}: pin {pin} must not be used")
            if key in OUTPUTS and pin in pins.get("input_only", ()):
                found.append(f"{where}: pin {pin} is input only")
    if "led" in board and board["led"] in used:
        found.append(f"led: pin {board['led']} is taken by {used[board['led']]}")
    for pin in pins.get("free", ()):
        if pin in used or pin in never:
            found.append(f"pins.free: pin {pin} is not free")
    lists = [value for key, value in pins.items() if key != "last"]
    for pin in itertools.chain(used, [pins["last"]], *lists):
        if not 0 <= pin < CHIPS[board["chip"]]:
            found.append(f"pin {pin}: the chip has none")
    parts = {key: board[key] for key in ("buses", "supply", "led") if key in board}
    if "ethernet" in board:
        parts["network"] = {"ethernet": board["ethernet"]}
    if "modem" in board:
        parts["network"] = {"ppp": {"apn": "x", **board["modem"]}}
    checked = config_check.Check(pins=pins, drivers=Drivers).whole({"mqtt": {"host": "x", "tls": False}, **parts})
    found += [problem for problem in checked if " is already used by " not in problem]
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_board_description_is_sound(file):
    assert problems(file.stem, tomllib.loads(file.read_text(encoding="utf-8"))) == []


def test_the_boards_that_everything_builds_on_are_there():
    named = {"virtual", "esp32-devkitc", "esp32-s3-devkitc", "olimex-esp32-poe-iso", "lilygo-t-sim7000g"}
    assert named <= {file.stem for file in FILES}
    assert any(tomllib.loads(file.read_text(encoding="utf-8"))["chip"] == "esp32c3" for file in FILES)


def test_every_board_stands_in_the_table_of_boards():
    table = (FOLDER / "README.md").read_text(encoding="utf-8").partition("## Which boards")[2]
    for file in FILES:
        assert f"| `{file.stem}` |" in table, file.stem


def refused(pins):
    """(use, pin) of all that a configuration may not do with the pins of a board."""
    uses = {"out": "led", "in": "sensors.x.pin", "adc": "supply.pin"}
    found = set()
    for pin in range(49):
        made = {"led": pin, "sensors": {"x": {"driver": "pulse", "pin": pin}}, "supply": {"pin": pin}}
        for use, path in uses.items():
            alone = {key: made[key] for key in made if path.startswith(key)}
            checked = config_check.Check(pins=pins, drivers=Drivers).whole(alone)
            if any(problem.startswith(path + ": ") for problem in checked):
                found.add((use, pin))
    return found


def test_what_a_plain_esp32_refuses_by_itself_the_tool_refuses_too():
    for file in FILES:
        board = tomllib.loads(file.read_text(encoding="utf-8"))
        if board["chip"] in ("esp32", "virtual"):
            assert refused(config._ESP32) <= refused(board["pins"])
            assert {("out", 34), ("out", 6), ("in", 1), ("in", 28), ("adc", 25)} <= refused(config._ESP32)


def test_every_key_is_explained():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for key in TOP - {"buses"}:
        assert f"`{key}`" in readme or f"`[{key}]`" in readme, key


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"name": "other"}, "file's name"),
        ({"chip": "z80"}, "unknown chip"),
        ({"colour": "red"}, "colour"),
        ({"led": 22}, "taken by"),
        ({"buses": {"w1": {"type": "onewire", "pin": 34}}}, "input only"),
        ({"buses": {"w1": {"type": "onewire", "pin": 6}}}, "must not"),
        ({"buses": {"w1": {"type": "spi"}}}, "unknown type"),
        ({"supply": {"pin": 25, "factor": 2000}}, "measures no voltage"),
        ({"image": {"name": "ESP32-1.24.0.bin", "version": "1.24.0", "url": "https://x/y.bin"}}, "1.25"),
    ],
)
def test_mistakes_are_found(change, word):
    good = tomllib.loads((FOLDER / "esp32-devkitc.toml").read_text(encoding="utf-8"))
    assert any(word in problem for problem in problems("esp32-devkitc", good | change))
