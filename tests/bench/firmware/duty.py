"""A board on a battery: one BME280 read every ten minutes, a connection once an hour, deep sleep between.

Each of its starts is a process, as each is a start of MicroPython on a board; flash, RTC memory and the time go on.
"""

import json
from typing import Any, NamedTuple

from tests.bench.firmware.runs import KEPT, STEADY_AIR, Failed, Image

SEND_EACH = 6
_EVERY_S = 600
_LONGEST_S = 7200  # no start of it is awake for so long


class Kept(NamedTuple):
    """What a board has between two starts."""

    now_s: int
    files: tuple[bytes, ...]


class SleepingBoard:
    """batch_s: of its spool; told: further keys of virtual_board.py."""

    def __init__(self, image: Image, batch_s: int, **told: Any) -> None:
        sections = {"sleep": {"every_s": _EVERY_S, "send_each": SEND_EACH}, "spool": {"batch_s": batch_s}}
        self._image = image
        told = {"seconds": _LONGEST_S, "rtc": "/host/rtc", **told}
        air = {"air": {**STEADY_AIR[0]["air"], "interval_s": _EVERY_S}}
        self._scenario = image.scenario((air, STEADY_AIR[1]), sections=sections, **told)
        self._told: dict[str, Any] = json.loads(self._scenario.read_text())
        self._now_s: int | None = None  # None: it has never run

    def start(self, told: dict[str, Any] | None = None, **how: Any) -> dict[str, Any]:
        """One start, until deep sleep; the very first is by power, with blank flash. What was counted. Failed.

        told: keys of virtual_board.py for this start alone; how: words, heapsize and under of Image.live.
        """
        blank = self._now_s is None
        self._scenario.write_text(json.dumps({**self._told, "now_s": self._now_s or 0, **(told or {})}))
        found = self._image.live(self._scenario, blank=blank, **how)
        if found["now_s"] is None:
            raise Failed("the board did not go to sleep")
        self._now_s = found["now_s"]
        return found

    def keep(self) -> Kept | None:
        """What there is now; None: nothing yet."""
        if self._now_s is None:
            return None
        return Kept(self._now_s, tuple((self._image.folder / name).read_bytes() for name in KEPT))

    def go_back(self, kept: Kept | None) -> None:
        """To what there was then."""
        self._now_s = kept and kept.now_s
        for name, data in zip(KEPT, kept.files if kept else (), strict=bool(kept)):
            (self._image.folder / name).write_bytes(data)
