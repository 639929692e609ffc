"""Wear: erases of flash for 1,000 readings, each pack settled by a receipt a second after it was sent."""

from collections.abc import Iterator
from typing import Any

from tests.bench.firmware.duty import SEND_EACH, SleepingBoard
from tests.bench.firmware.runs import AIR, ROAD, Image

_READINGS = 1000
_BEGIN_S = 3600
_PER_MINUTE = 4
_ROUNDS = 96  # of a board that sleeps: four days, three readings each time it wakes up


def run(image: Image) -> Iterator[dict[str, Any]]:
    """Yields one figure after the other: {"name", "value", "unit"}."""
    for batch_s in (0, 600):
        # The clock and littlefs erase too, now and then; so it is several times the 1,000.
        told = {"from_s": _BEGIN_S, "seconds": _BEGIN_S + 5 * 60 * _READINGS // _PER_MINUTE}
        found = image.live(image.scenario(AIR, ROAD, sections={"spool": {"batch_s": batch_s}}, **told))
        value = round(found["erases"] / found["readings"] * _READINGS, 1)
        yield {"name": f"firmware.flash_erases_per_1000_readings.batch_{batch_s}_s", "value": value, "unit": "1"}
    for batch_s, name in ((7200, "duty_cycle"), (0, "duty_cycle.batch_0_s")):
        board = SleepingBoard(image, batch_s)
        board.start()
        erases = readings = 0
        for _ in range(_ROUNDS * SEND_EACH):
            found = board.start()
            erases += found["erases"]
            readings += found["readings"]
        value = round(erases / readings * _READINGS, 1)
        yield {"name": f"firmware.flash_erases_per_1000_readings.{name}", "value": value, "unit": "1"}
