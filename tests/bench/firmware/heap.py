"""Heap: what the firmware takes once it is loaded, and what a board needs that runs."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.bench.firmware.runs import AIR, DUST, ROAD, Failed, Image

_HOUR = 3600
_ROOMY = 512 << 10  # also with words of 64 bits
_STEP = 512

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
import bordstein.sampler, bordstein.spool, bordstein.uplink, bordstein.state
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
    told = {"seconds": 2 * _HOUR, "outage": (_HOUR // 2, _HOUR), "firmware_on_flash": True}
    live, peak = _needed(image, image.scenario(AIR, DUST, ROAD, **told))
    yield {"name": "firmware.heap_live_bytes.always_on_3_sensors", "value": live, "unit": "B"}
    yield {"name": "firmware.heap_peak_bytes.always_on_3_sensors", "value": peak, "unit": "B"}


def _needed(image: Image, scenario: Path) -> tuple[int, int]:
    """(most that was in use after a collection, size of the smallest heap in which everything goes well), in bytes and
    without what was in use before the firmware."""
    roomy = image.live(scenario, words=32, heapsize=_ROOMY)

    def goes_well(heapsize: int) -> dict[str, Any] | None:
        try:
            found = image.live(scenario, words=32, heapsize=heapsize)
        except Failed:
            return None
        return found if found["readings"] == roomy["readings"] else None

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
