"""Instructions that the firmware's work takes, counted by valgrind's callgrind on the Unix port: the same each time.

Without the garbage collector: its work depends on how large the heap is, and differs a little each time. What the
simulated chip and its bus do is in it, less than 3 % of a cycle.

Until there is a duty cycle, a cycle is a minute of a board that is always on: one sensor is read, a pack written to
flash, sent, and settled by its receipt. To measure a board that sleeps: let virtual_board.py end where the board goes
to sleep, and take count(a wake) - count(nothing) below.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.firmware.runs import AIR, Failed, Image
from tests.hardware.micropython import ROOT

_VALUES = {"temperature": 8.15, "humidity": 79.67, "pressure": 99621}
# A chip that measures always the same has next to nothing to do itself.
_SENSOR = (AIR[0], {"chip": "bme280", "name": "air", "bus": "i2c:0", "address": 0x76, "values": _VALUES})
_HEAP = 64 << 20  # nothing is ever collected
_SETTLED_S = 600
_CYCLES = 60  # with all that happens only every five minutes


def run(image: Image) -> Iterator[dict[str, Any]]:
    """Yields one figure after the other: {"name", "value", "unit"}; none, and a sentence, without valgrind."""
    done = subprocess.run([ROOT / "tools" / "dev" / "valgrind.sh"], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"bench: {done.stderr.strip()}; instructions are not counted", file=sys.stderr)
        return
    valgrind = done.stdout.strip()

    def count(seconds: int) -> int:
        return _count(valgrind, image, image.scenario(_SENSOR, seconds=seconds, collect=False))

    try:
        nothing, start, short, long = (count(s) for s in (0, 60, _SETTLED_S, _SETTLED_S + 60 * _CYCLES))
    except Failed as error:
        print(f"bench: callgrind can't run this MicroPython, instructions are not counted: {error}", file=sys.stderr)
        return
    # The last digits depend on the time of day.
    yield {"name": "firmware.instructions.start", "value": round(start - nothing, -3), "unit": "1"}
    yield {"name": "firmware.instructions.cycle", "value": round((long - short) // _CYCLES, -3), "unit": "1"}


def _count(valgrind: str, image: Image, scenario: Path) -> int:
    """Instructions of a whole process that lives through the scenario."""
    with tempfile.NamedTemporaryFile("r", dir=image.folder) as log:
        # The interpreter may be a script that starts another program.
        tool = ["--tool=callgrind", "--trace-children=yes", "--callgrind-out-file=/dev/null", f"--log-file={log.name}"]
        image.live(scenario, heapsize=_HEAP, under=[valgrind, *tool])
        counts = re.findall(r"Collected : (\d+)", log.read())
    if not counts:
        raise Failed("callgrind counted nothing")
    return int(counts[-1])
