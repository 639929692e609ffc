"""The firmware's figures: size of the .mpy files, heap, bytes on the wire, erases of flash, instructions.

All run as on a board: compiled by mpy-cross, started in Unix-port MicroPython. What is about memory runs with words of
32 bits as on an ESP32. Where the machine can't run such programs, 64 bits give an upper bound (pointers and list cells
take twice the space, byte code and text the same), and a line on standard error says so.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.firmware import heap, instructions, wear, wire
from tests.bench.firmware.runs import Image
from tools.dev.mpy import compile_to

# What the MQTT part of DESIGN's size limit means: the codec and the link.
MQTT_MODULES = ("bordstein/mqtt.mpy", "bordstein/link.mpy")


def run() -> Iterator[dict[str, Any]]:
    """Yields one figure after the other: {"name", "value", "unit"}."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        sizes = dict(compile_to(folder / "firmware"))
        yield {"name": "firmware.mpy_bytes_total", "value": sum(sizes.values()), "unit": "B"}
        yield {"name": "firmware.mpy_bytes_mqtt", "value": sum(sizes[name] for name in MQTT_MODULES), "unit": "B"}
        for name, size in sizes.items():
            yield {"name": f"firmware.mpy_bytes.{_module(name)}", "value": size, "unit": "B"}
        image = Image(folder, [_module(name) for name in sizes])
        for group in (heap, wear, instructions, wire):
            yield from group.run(image)


def _module(name: str) -> str:
    """bordstein/net/wifi.mpy -> net.wifi"""
    return ".".join(Path(name).with_suffix("").parts[1:])
