"""Compiled firmware in MicroPython: scripts, and whole boards in virtual time (virtual_board.py)."""

import functools
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.hardware.micropython import ROOT, compiled_hardware
from tests.hardware.scenarios import BOARDS, REPLAY
from tools.dev.mpy import MPY_CROSS

SCRIPTS = Path(__file__).parent / "scripts"
PORT = ROOT / "tests" / "hardware" / "port"
DEVICE = "24a160123456"
KEPT = ("flash", "rtc")  # files with what a board has over its starts

_BUSES = {name: bus for board in BOARDS for name, bus in board["buses"].items()}
_ONE = {"name": "Marktplatz 7", "board": "virtual", "mqtt": {"host": "127.0.0.1", "tls": False}}
_WIFI = {"network": {"wifi": [{"ssid": "Stadt", "password": "ein langes Passwort"}]}}

# Usual sensors of a street: each with its part of config.json and its chip.
AIR = (
    {"air": {"driver": "bme280", "bus": "i2c0", "address": 0x76, "interval_s": 60}},
    {
        "chip": "bme280",
        "name": "air",
        "bus": "i2c:0",
        "address": 0x76,
        "replay": {
            "file": str(REPLAY / "sensor-community-15093-bme280.csv"),
            "columns": {name: name for name in ("temperature", "humidity", "pressure")},
            "step_s": 60,
        },
    },
)
_VALUES = {"temperature": 8.15, "humidity": 79.67, "pressure": 99621}
# A chip that measures always the same has next to nothing to do itself.
STEADY_AIR = (AIR[0], {"chip": "bme280", "name": "air", "bus": "i2c:0", "address": 0x76, "values": _VALUES})
ROAD = (
    {"road": {"driver": "ds18b20", "bus": "w1", "interval_s": 60}},
    {"chip": "ds18b20", "name": "road", "bus": "onewire:4", "values": {"temperature": 3.5}},
)
DUST = (
    {"dust": {"driver": "sds011", "bus": "uart1", "sleep": True, "interval_s": 300}},
    {"chip": "sds011", "name": "dust", "bus": "uart:1", "values": {"pm2_5": 6.1, "pm10": 8.4}},
)


@functools.cache
def interpreter(words: int) -> str:
    """MicroPython's path; words: of so many bits, 32 only where the machine runs such programs."""
    for argument in (["--32"], []) if words == 32 else ([],):
        done = subprocess.run(
            [ROOT / "tools" / "dev" / "micropython.sh", *argument], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return done.stdout.strip()
        print(f"bench: {done.stderr.strip()}; memory is measured with words of 64 bits", file=sys.stderr)
    raise RuntimeError("there is no MicroPython; run: make setup")


class Failed(Exception):
    """MicroPython ended with an error; the message is what it printed."""


class Image:
    """The firmware as it goes onto a board, and the virtual board that it goes onto.

    folder: with the compiled firmware in `firmware`; modules: their names, without the package's.
    """

    def __init__(self, folder: Path, modules: Sequence[str]) -> None:
        self.folder = folder
        self.modules = modules
        self.firmware = folder / "firmware"
        hardware = compiled_hardware(folder / "hardware").parent
        board = SCRIPTS / "virtual_board.py"
        subprocess.run([MPY_CROSS, "-msmall-int-bits=31", "-o", hardware / "virtual_board.mpy", board], check=True)

    def script(self, script: str, words: int = 32, heapsize: str = "160K") -> str:
        """Runs a script that finds the firmware, the modules of an ESP32's image and those in scripts/; its output."""
        command = [interpreter(words), "-X", f"heapsize={heapsize}", "-c", script]
        return self._run(command, self.firmware, ("", PORT, SCRIPTS))

    def scenario(
        self, *sensors: tuple[dict[str, Any], dict[str, Any]], sections: dict[str, Any] | None = None, **told: Any
    ) -> Path:
        """A virtual board with these sensors; sections: more of config.json; told: the further keys of
        virtual_board.py. The scenario's file."""
        config: dict[str, Any] = {**_ONE, **_WIFI, "buses": _BUSES, "sensors": {}} | (sections or {})
        for sensor, _ in sensors:
            config["sensors"] |= sensor
        (self.folder / "config.json").write_text(json.dumps(config))
        scenario = {
            "mac": DEVICE,
            "flash": "/host/flash",
            "firmware": "/host/firmware",
            "files": {"config.json": "/host/config.json"},
            "chips": [chip for _, chip in sensors],
            **told,
        }
        file = self.folder / "scenario.json"
        file.write_text(json.dumps(scenario))
        return file

    def live(
        self, scenario: Path, words: int = 64, heapsize: int = 1 << 20, under: Iterable[str] = (), blank: bool = True
    ) -> dict[str, Any]:
        """A board lives through the scenario, with blank flash or what there is; what virtual_board.py counted. Failed.

        under: the command that it runs under.
        """
        if blank:
            for name in KEPT:
                (self.folder / name).unlink(missing_ok=True)
        start = f"import virtual_board; virtual_board.main({scenario.name!r})"
        command = [*under, interpreter(words), "-X", f"heapsize={heapsize}", "-c", start]
        printed = self._run(command, self.folder, ("hardware",))
        if "memory allocation failed" in printed or "MemoryError" in printed:
            raise Failed(printed)
        found: dict[str, Any] = json.loads(printed.splitlines()[-1])
        return found

    def _run(self, command: Sequence[str], folder: Path, path: Iterable[Path | str]) -> str:
        done = subprocess.run(
            command,
            cwd=folder,
            # Nothing else: the environment lies on the stack, where the collector looks for what is in use.
            env={"PATH": os.defpath, "MICROPYPATH": ":".join([*map(str, path), ".frozen"])},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Failed(f"MicroPython ended with {done.returncode}: {done.stderr or done.stdout}")
        return done.stdout
