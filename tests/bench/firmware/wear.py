"""Wear: erases of flash for 1,000 readings in packs of four, each settled by a receipt a second later."""

from collections.abc import Iterator
from typing import Any

from tests.bench.firmware.runs import AIR, ROAD, Image

_READINGS = 1000
_BEGIN_S = 3600
_PER_MINUTE = 4


def run(image: Image) -> Iterator[dict[str, Any]]:
    """Yields one figure after the other: {"name", "value", "unit"}."""
    for batch_s in (0, 600):
        # The clock and littlefs erase too, now and then; so it is several times the 1,000.
        told = {"from_s": _BEGIN_S, "seconds": _BEGIN_S + 5 * 60 * _READINGS // _PER_MINUTE}
        found = image.live(image.scenario(AIR, ROAD, spool={"batch_s": batch_s}, **told))
        value = round(found["erases"] / found["readings"] * _READINGS, 1)
        yield {"name": f"firmware.flash_erases_per_1000_readings.batch_{batch_s}_s", "value": value, "unit": "1"}
