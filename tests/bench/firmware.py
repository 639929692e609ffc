"""The firmware's figures: heap after import, size of the .mpy files, bytes on the wire.

All run as on a board: compiled by mpy-cross, started in Unix-port MicroPython with a small heap. The Unix port's words
are 64 bits wide and an ESP32's are 32, so `firmware.heap_bytes` is an upper bound for the board (pointers and list
cells take twice the space here, byte code and text the same).
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.dev.mpy import ROOT, compile_to

# What the MQTT part of DESIGN's size limit means: the codec and the link.
MQTT_MODULES = ("bordstein/mqtt.mpy", "bordstein/link.mpy")
PORT = ROOT / "tests" / "hardware" / "port"

# What an image for the ESP32 has built in is there before the measurement begins: on the Unix port these are the
# simulated chips, which no board carries.
HEAP = """
import gc
import asyncio, ds18x20, esp32, machine, network, onewire
gc.collect()
before = gc.mem_alloc()
import bordstein.app
gc.collect()
print(gc.mem_alloc() - before)
"""


def _micropython(script: str, path: list[Path], heapsize: str) -> str:
    interpreter = subprocess.run(
        [ROOT / "tools" / "dev" / "micropython.sh"], capture_output=True, text=True, check=True
    ).stdout.strip()
    done = subprocess.run(
        [interpreter, "-X", f"heapsize={heapsize}", "-c", script],
        env=os.environ | {"MICROPYPATH": ":".join([*map(str, path), ".frozen"])},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"MicroPython ended with {done.returncode}: {done.stderr or done.stdout}")
    return done.stdout


def run() -> Iterator[dict[str, Any]]:
    """Yields one figure after the other: {"name", "value", "unit"}."""
    with tempfile.TemporaryDirectory() as directory:
        sizes = dict(compile_to(Path(directory)))
        yield {"name": "firmware.mpy_bytes_total", "value": sum(sizes.values()), "unit": "B"}
        yield {"name": "firmware.mpy_bytes_mqtt", "value": sum(sizes[name] for name in MQTT_MODULES), "unit": "B"}
        heap = int(_micropython(HEAP, [PORT, Path(directory)], "160K"))
        yield {"name": "firmware.heap_bytes", "value": heap, "unit": "B"}
