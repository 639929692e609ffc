"""A town with rule sheets, for the tests of rules at work."""

import asyncio
import itertools
import os
from pathlib import Path
from typing import Any

import msgspec

from bordstein_gateway.cases.cases import Cases
from bordstein_gateway.cases.types import AuditEntry, Case
from bordstein_gateway.config import config
from bordstein_gateway.decode.normalise import Pack, Reading
from bordstein_gateway.rules.live import CHECKPOINT_S, Live
from bordstein_gateway.rules.reading import read
from bordstein_gateway.rules.sheet import Sheet
from bordstein_gateway.rules.shelf import Shelf
from bordstein_gateway.store import Arrival, Store, Where, audit

BIN, OTHER = "24a160000001", "24a160000002"
NOON = 1_782_900_000_000  # 2026-07-01T10:00:00Z
_WRITTEN = itertools.count(1_700_000_000)
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000

BIN_FULL = """\
name = "bin-full"
title = { de = "Papierkorb voll", en = "Litter bin full" }
why = "At four fifths it overflows before the next round."
owner = "depot"
deputy = "office"
legal_basis = "street cleaning by-law"
review = 2030-01-01

[signal.fill]
property = "fill_level"
max_age = "1d"

[condition]
fires = "fill >= 0.8"
clears = "fill < 0.6"

[[step]]
id = "empty"
title = "Empty the bin"
"""

SILENT = """\
name = "silent"
title = "Device silent"
why = "Its battery is empty, or somebody has taken it."
owner = "depot"
deputy = "office"
legal_basis = "none"
review = 2030-01-01

[signal.silence]
take = "silence"

[condition]
fires = "silence > 24"
"""


def settings(folder: Path, **more: Any) -> config.Config:
    """With desks and this folder."""
    values = {
        "gateway": {"data": str(folder)},
        "mqtt": {"host": "localhost", "tls": False},
        "desk": {"depot": {"title": "Bauhof"}, "office": {"title": "Ordnungsamt"}},
        **more,
    }
    return msgspec.convert(values, config.Config)


def write(settings: config.Config, text: str = BIN_FULL, name: str = "bin-full") -> Path:
    """As an editor does it."""
    settings.rules_path.mkdir(parents=True, exist_ok=True)
    file = settings.rules_path / f"{name}.toml"
    file.write_text(text, encoding="utf-8")
    at = next(_WRITTEN)
    os.utime(file, (at, at))  # long enough ago to be whole
    return file


class Street:
    """Bins that report, and the rules that look at them. `now`: what the clock says (ms); `steady`: what a clock says
    that nobody sets (s), None: the same; `hears`: whether the broker is there."""

    def __init__(
        self, folder: Path, place: Where | None = None, *, checkpoint_s: float = CHECKPOINT_S, **more: Any
    ) -> None:
        self._checkpoint_s = checkpoint_s
        self.config = settings(folder, **more)
        self.place = place or folder / "bordstein.sqlite"
        self.now = NOON
        self.steady: float | None = None
        self.hears = True
        self._seq = 0
        self.start()

    def start(self) -> None:
        """The gateway starts."""
        self.store = Store.open(self.place)
        self.shelf = Shelf(self.config, self.store)
        self.cases = Cases(self.config, self.store, self.shelf, now=lambda: self.now)
        self.live = Live(
            *(self.config, self.store, self.shelf, lambda: self.cases),
            hears=lambda: self.hears,
            clock=lambda: self.now / 1000,
            steady=lambda: self.now / 1000 if self.steady is None else self.steady,
            checkpoint_s=self._checkpoint_s,
        )

    def crash(self) -> None:
        """Nothing is saved any more; and it starts again."""
        self.store.close()
        self.start()

    def measure(
        self, *values: Any, device: str = BIN, series: str = "bin/fill_level", unit: str = "/", age: int = 0
    ) -> None:
        """One after the other, a second apart, `age` ms ago; they come now."""
        for value in values:
            self.now += 1000
            reading = Reading(series, self.now - age, value, unit, 0)
            pack = Pack(device, 1, self._seq, False, "set", [reading])
            self._seq += 1
            self.store.write([Arrival(device, "", b"", pack)], now_ms=self.now)

    def turn(self) -> None:
        """Until all is looked at: folder and log."""
        self.live.look()
        asyncio.run(self._turned())

    async def _turned(self) -> None:
        while await self.live.turn():
            pass

    def found(self) -> list[Case]:
        """All cases, the oldest first."""
        return sorted(self.cases.list()[0])

    def ends(self) -> list[tuple[str, bool]]:
        """Objects with an open case that is not over."""
        return sorted((case.object, True) for case in self.found() if case.open and case.recovered is None)

    def audit(self) -> list[AuditEntry]:
        """All of the audit log."""
        with self.store.database.reading() as connection:
            return [row.entry() for row in audit.rows(connection)]


def sheet_of(text: str, settings: config.Config) -> Sheet:
    """A text that is in order."""
    sheet, mistakes = read(text, settings)
    assert sheet is not None, mistakes
    return sheet
