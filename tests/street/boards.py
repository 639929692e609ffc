"""A virtual board at the street: the real firmware in Unix-port MicroPython, in a process that can lose its power.

    board = Board(town, broker, "24a160000001", BOARDS[0])
    board.power_on()
    board.cut_power()        # SIGKILL in the middle of whatever it does; flash stays, RTC memory and clock are gone
    board.power_on()
    board.unplug_sensors()   # power cut, then on again with a configuration without sensors: it only empties its spool

A restart that the firmware itself asks for (machine.reset(), exit code 42) happens by itself.
"""

import json
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.hardware.micropython import HARDWARE, command
from tests.street.processes import Process
from tests.street.servers import Mosquitto, Town

RESET = 42  # exit code of machine.reset() in a virtual board


class Board:
    """One virtual board with its own flash file, flight recorder and certificate. Safe to use from several threads.

    description: an entry of tests.hardware.scenarios.BOARDS. config: changes to its config.json. run: the command line
    that ends with a board.py, in place of the usual one. firmware: a folder with compiled firmware; on_flash: it lies
    on the board's volume, as on a real one. files: more files for the volume; keeps: those that
    are only copied onto a flash that does not have them.
    """

    def __init__(
        self,
        town: Town,
        broker: Mosquitto,
        device: str,
        description: Mapping[str, Any],
        *,
        config: Mapping[str, Any] | None = None,
        folder: Path | None = None,
        run: Sequence[str] = (),
        firmware: Path | None = None,
        on_flash: bool = False,
        files: Mapping[str, Path] | None = None,
        keeps: Sequence[str] = (),
    ) -> None:
        self.device = device
        self.name: str = description["name"]
        self.folder = folder or town.folder / "boards" / device
        self.folder.mkdir(parents=True)
        self.recorder = self.folder / "recorder"
        self.starts = 0
        self.crash: str | None = None
        self.config = {
            "name": self.name,
            "board": "virtual",
            "mqtt": mqtt_section(broker),
            "buses": description["buses"],
            "sensors": description["sensors"],
            **(config or {}),
        }
        issued = town.device(device)
        self._config_file = self.folder / "config.json"
        self._config_file.write_text(json.dumps(self.config))
        scenario = {
            "mac": device,
            "start": time.time(),
            "chips": description["chips"],
            "faults": description["faults"],
            "flash": str(self.folder / "flash"),
            "rtc": str(self.folder / "rtc"),
            "recorder": str(self.recorder),
            "keeps": list(keeps),
            "files": {
                "config.json": str(self._config_file),
                "ca.der": str(issued.ca_der),
                "device.der": str(issued.certificate_der),
                "device.key.der": str(issued.key_der),
                **{name: str(path) for name, path in (files or {}).items()},
            },
        }
        if firmware:
            scenario |= {"firmware": str(firmware), "firmware_on_flash": on_flash}
        file = self.folder / "scenario.json"
        file.write_text(json.dumps(scenario))
        self.process = Process(
            f"board {device}", [*run, str(file)] if run else command(HARDWARE / "board.py", file), self.folder / "log"
        )
        self._command = self.process.command
        self._lock = threading.Lock()
        self._powered = threading.Event()
        self._over = False
        threading.Thread(target=self._live, name=self.process.name, daemon=True).start()

    @property
    def powered(self) -> bool:
        return self._powered.is_set()

    def power_on(self) -> None:
        self._powered.set()

    def cut_power(self) -> None:
        """Returns when nothing of the board runs any more."""
        with self._lock:
            self._powered.clear()
            self.process.kill()

    def unplug_sensors(self) -> None:
        """A power cut; after it the board comes up without sensors, so that all it does is empty its spool."""
        self.cut_power()
        self._config_file.write_text(json.dumps({**self.config, "sensors": {}}))
        self.power_on()

    def end(self) -> None:
        self._over = True
        self.cut_power()
        self._powered.set()

    def _live(self) -> None:
        """Starts the board whenever it has power, and again after every reset by firmware or watchdog."""
        cause: list[str] = []
        while True:
            self._powered.wait()
            with self._lock:
                if self._over:
                    return
                if not self._powered.is_set():
                    continue
                self.process.command = self._command + cause
                self.process.start()
                self.starts += 1
            assert self.process.process is not None
            code = self.process.process.wait()
            cause = ["--cause", "watchdog"] if code == -signal.SIGALRM else []
            if self._powered.is_set() and code not in (RESET, -signal.SIGALRM, -signal.SIGKILL):
                # A real board would stand at its prompt now, silent until somebody comes.
                self.crash = f"{self.name} ended with {code}:\n{self.process.tail()}"
                self._powered.clear()

    def __enter__(self) -> "Board":
        self.power_on()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


def mqtt_section(broker: Mosquitto, **changes: Any) -> dict[str, Any]:
    """The part of a board's configuration that leads to this broker."""
    files = {"ca": "ca.der", "cert": "device.der", "key": "device.key.der"}
    return {"host": broker.host, "port": broker.port, **files, **changes}
