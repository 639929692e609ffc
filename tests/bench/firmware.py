"""The firmware's figures: heap after import, size of the .mpy files, bytes on the wire.

All run as on a board: compiled by mpy-cross, started in Unix-port MicroPython with a small heap, with words of 32 bits
as on an ESP32. Where the machine can't run such programs, 64 bits give an upper bound (pointers and list cells take
twice the space, byte code and text the same), and a line on standard error says so.
"""

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.dev.mpy import ROOT, compile_to

# What the MQTT part of DESIGN's size limit means: the codec and the link.
MQTT_MODULES = ("bordstein/mqtt.mpy", "bordstein/link.mpy")
PORT = ROOT / "tests" / "hardware" / "port"

# What an image for the ESP32 has built in is there before the measurement begins: on the Unix port these are the
# simulated chips, which no board carries. Then comes all that a board loads on its way over Wi-Fi and TLS to its
# broker, also what it loads only when it is needed, or the figure would be a smaller one; not what it forgets again
# (the checker of the configuration, the look-up of names, SNTP). Then what one part adds, with what it shares: one that
# not every board has, or that is there for a moment.
HEAP = """
import gc
import asyncio, ds18x20, esp32, machine, network, onewire
asyncio.Event, asyncio.Lock, asyncio.gather, asyncio.wait_for_ms
gc.collect()
before = gc.mem_alloc()
import bordstein.app, bordstein.net.wifi, bordstein.link, bordstein.sensors, bordstein.sampler
import bordstein.spool, bordstein.uplink
gc.collect()
last = gc.mem_alloc()
__import__("bordstein.PART")
gc.collect()
print("[%d, %d]" % (last - before, gc.mem_alloc() - last))
"""

# A pack as a usual board sends it: four readings, the clock set.
PACK = """
from bordstein import clock, senml
readings = ("air/air_temperature", 815), ("air/relative_humidity", 7967), ("air/air_pressure", 99621), ("dust/pm10", 84)
line = senml.pack([senml.measurement(*reading) for reading in readings], clock.BUILD_TIME)
from bordstein import mqtt
device = "24a160123456"
payload = senml.expand(line, device, 3, 17)
print(len(mqtt.publish("bordstein/v1/" + device + "/readings", payload, 17)) / len(readings))
"""


@functools.cache
def _interpreter() -> str:
    for words in (["--32"], []):
        done = subprocess.run(
            [ROOT / "tools" / "dev" / "micropython.sh", *words], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return done.stdout.strip()
        print(f"bench: {done.stderr.strip()}; memory is measured with words of 64 bits", file=sys.stderr)
    raise RuntimeError("there is no MicroPython; run: make setup")


def _micropython(script: str, path: list[Path], heapsize: str) -> str:
    interpreter = _interpreter()
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


def _module(name: str) -> str:
    """bordstein/net/wifi.mpy -> net.wifi"""
    return ".".join(Path(name).with_suffix("").parts[1:])


def run() -> Iterator[dict[str, Any]]:
    """Yields one figure after the other: {"name", "value", "unit"}."""
    with tempfile.TemporaryDirectory() as directory:
        sizes = dict(compile_to(Path(directory)))
        yield {"name": "firmware.mpy_bytes_total", "value": sum(sizes.values()), "unit": "B"}
        yield {"name": "firmware.mpy_bytes_mqtt", "value": sum(sizes[name] for name in MQTT_MODULES), "unit": "B"}
        for name, size in sizes.items():
            yield {"name": f"firmware.mpy_bytes.{_module(name)}", "value": size, "unit": "B"}
        drivers = [_module(name) for name in sizes if name.startswith("bordstein/sensors/") and name.count("/") == 2]
        drivers.remove("sensors.__init__")
        for part in ["commands", "resolve", "sntp", "update.install", "net.ethernet", "net.ppp", *drivers]:
            script = HEAP.replace("PART", part)
            application, value = json.loads(_micropython(script, [PORT, Path(directory)], "160K"))
            if part == "commands":
                yield {"name": "firmware.heap_bytes", "value": application, "unit": "B"}
            yield {"name": f"firmware.heap_bytes.{part}", "value": value, "unit": "B"}
        wire = json.loads(_micropython(PACK, [PORT, Path(directory)], "160K"))
        yield {"name": "wire.bytes_per_reading", "value": wire, "unit": "B"}
