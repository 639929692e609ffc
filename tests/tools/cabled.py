"""Virtual boards on a cable for the tools' tests: the real mpremote speaks to them."""

import json
from pathlib import Path

from bordstein_tools.board.software import STARTERS, Software
from tests.hardware.pty_bridge import PtyBoard
from tools.dev.mpy import FIRMWARE, compile_to

DEVICE = "24a160123456"
STARTED = b"device " + DEVICE.encode() + b", started by "


def scenario(folder: Path) -> Path:
    """The file of a board's scenario, whose flash is `flash` in this folder."""
    folder.mkdir(exist_ok=True)
    file = folder / "scenario.json"
    parts = {"mac": DEVICE, "flash": str(folder / "flash"), "rtc": str(folder / "rtc"), "wifi": {}}
    file.write_text(json.dumps(parts))
    return file


def board(folder: Path, pulled_after: int | None = None) -> PtyBoard:
    return PtyBoard(scenario(folder), pulled_after)


def compiled(folder: Path) -> Software:
    """This checkout's firmware, as `make package` leaves it."""
    names = [name for name, _ in compile_to(folder)]
    files = {name: (folder / name).read_bytes() for name in names}
    return Software("0.1.0", files | {name: (FIRMWARE / name).read_bytes() for name in STARTERS})
