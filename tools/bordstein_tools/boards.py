"""The kinds of boards that are known: the files of boards/. The wheel carries them; a checkout has them."""

import functools
import tomllib
from pathlib import Path
from typing import Any

CARRIED = Path(__file__).with_name("boards")
CHECKOUT = Path(__file__).parents[2] / "boards"


@functools.cache
def known() -> dict[str, dict[str, Any]]:
    """What is known of each board, by its name."""
    folder = CARRIED if CARRIED.is_dir() else CHECKOUT
    return {file.stem: tomllib.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.toml"))}


def with_chip(chip: str) -> list[dict[str, Any]]:
    """Those that have this chip and stock MicroPython for it."""
    return [what for what in known().values() if what["chip"] == chip and "image" in what]


def buttons(name: str | None) -> tuple[str, str]:
    """What is written at a board's buttons (for the loader, for a restart); where the board is not known, both usual
    names of the second."""
    named = known().get(name or "", {}).get("buttons", {})
    return str(named.get("boot", "BOOT")), str(named.get("reset", "EN/RST"))
