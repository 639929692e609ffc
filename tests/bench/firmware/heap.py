"""Heap: what the firmware takes once it is loaded, and what a board needs that runs."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.bench.firmware.duty import SEND_EACH, Kept, SleepingBoard
from tests.bench.firmware.runs import AIR, DUST, ROAD, Failed, Image

_HOUR = 3600
_ROOMY = 512 << 10  # also with words of 64 bits
_STEP = 512
_LOOK_MS = 100

# What an image for the ESP32 has built in is there before the measurement begins: on the Unix port these are the
# simulated chips, which no board carries. Then comes all that a board loads on its way over Wi-Fi and TLS to its
# broker, also what it loads only when it is needed, or the figure would be a smaller one; not what it forgets again
# (the checker of the configuration, the look-up of names, SNTP). Then what one part adds, with what it shares: one that
# not every board has, or that is there for a moment.
_LOADED = """
import gc
import asyncio, ds18x20, esp32, machine, network, onewire
asyncio.Event, asyncio.Lock, asyncio.gather, asyncio.wait_for_ms
gc.collect()
before = gc.mem_alloc()
import bordstein.app, bordstein.net.wifi, bordstein.link, bordstein.stream, bordstein.sensors
import bordstein.sampler, bordstein.spool, bordstein.uplink, bordstein.state, bordstein.health
gc.collect()
last = gc.mem_alloc()
__import__("bordstein.PART")
gc.collect()
print("[%d, %d]" % (last - before, gc.mem_alloc() - last))
"""


def run(image: Image) -> Iterator[dict[str, Any]]:
    """Yields one figure after the other: {"name", "value", "unit"}."""
    drivers = [name for name in image.modules if name.startswith("sensors.") and name.count(".") == 1]
    drivers.remove("sensors.__init__")
    for part in ["commands", "cycle", "resolve", "sntp", "update.install", "net.ethernet", "net.ppp", *drivers]:
        application, value = json.loads(image.script(_LOADED.replace("PART", part)))
        if part == "commands":
            yield {"name": "firmware.heap_bytes", "value": application, "unit": "B"}
        yield {"name": f"firmware.heap_bytes.{part}", "value": value, "unit": "B"}
    # Two hours with an outage: packs pile up and are sent again, the link connects anew.
    scenario = image.scenario(AIR, DUST, ROAD, seconds=2 * _HOUR, outage=(_HOUR // 2, _HOUR), firmware_on_flash=True)
    always_on = _needed(lambda heapsize, _: image.live(scenario, words=32, heapsize=heapsize))
    starts = list(_needed_in_duty_cycle(image))
    for what, found in (("always_on_3_sensors", [always_on]), ("duty_cycle_1_sensor", starts)):
        yield {"name": f"firmware.heap_live_bytes.{what}", "value": max(live for live, _ in found), "unit": "B"}
        yield {"name": f"firmware.heap_peak_bytes.{what}", "value": max(peak for _, peak in found), "unit": "B"}


def _needed_in_duty_cycle(image: Image) -> Iterator[tuple[int, int]]:
    """_needed() of its start by power, of the last wake-up of a round that only samples, and of the one that sends."""
    board = SleepingBoard(image, batch_s=2 * _HOUR, firmware_on_flash=True)
    for number in range(SEND_EACH + 1):
        kept = board.keep()

        def start(heapsize: int, looked_at: bool, kept: Kept | None = kept) -> dict[str, Any]:
            board.go_back(kept)
            return board.start({"look_ms": _LOOK_MS if looked_at else 0}, words=32, heapsize=heapsize)

        if number in (0, SEND_EACH - 1, SEND_EACH):
            yield _needed(start)
        start(_ROOMY, False)


def _needed(start: Callable[[int, bool], dict[str, Any]]) -> tuple[int, int]:
    """(most that was in use after a collection, size of the smallest heap in which everything goes well), in bytes and
    without what was in use before the firmware.

    start(size of the heap, is `live` asked for?): the board lives; what was counted, or Failed.
    """
    roomy = start(_ROOMY, True)

    def goes_well(heapsize: int) -> dict[str, Any] | None:
        try:
            found = start(heapsize, False)
        except Failed:
            return None
        return found if all(found[name] == roomy[name] for name in ("readings", "taken")) else None

    best = smallest(goes_well, roomy["before"], _ROOMY, _STEP)
    if best is None:
        raise Failed("a board in half the heap does not deliver what one in a whole heap does")
    return roomy["live"] - roomy["before"], best["total"] - best["before"]


def smallest(goes_well: Callable[[int], Any], low: int, high: int, step: int) -> Any:
    """What goes_well() returned for a size that is at most one step above one at which it returned None; None: it never
    returned anything else. low: too small; high: known to be enough."""
    best = None
    while high - low > step:
        middle = (low + high) // 2
        found = goes_well(middle)
        if found is None:
            low = middle
        else:
            high, best = middle, found
    return best
