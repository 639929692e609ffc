"""Instructions that the firmware's work takes, counted by valgrind's callgrind on the Unix port: the same each time.

Without the garbage collector: its work depends on how large the heap is, and differs a little each time. What the
simulated chip and its bus do is in it, less than 3 %. What MicroPython itself takes to start, with the simulated
hardware, is not; nor is deep sleep.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tests.bench.firmware.duty import SEND_EACH, SleepingBoard
from tests.bench.firmware.runs import STEADY_AIR, Failed, Image
from tests.hardware.micropython import ROOT

_HEAP = 64 << 20  # nothing is ever collected
_SETTLED_S = 600
_MINUTES = 60  # with all that happens only every five minutes
_BATCH_S = 7200


def run(image: Image) -> Iterator[dict[str, Any]]:
    """Yields one figure after the other: {"name", "value", "unit"}; none, and a sentence, without valgrind."""
    done = subprocess.run([ROOT / "tools" / "dev" / "valgrind.sh"], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"bench: {done.stderr.strip()}; instructions are not counted", file=sys.stderr)
        return
    valgrind = done.stdout.strip()
    try:
        for name, value in (*_always_on(valgrind, image), *_duty_cycle(valgrind, image)):
            yield {"name": f"firmware.instructions.{name}", "value": round(value, -3), "unit": "1"}
    except Failed as error:
        print(f"bench: callgrind can't run this MicroPython, instructions are not counted: {error}", file=sys.stderr)


def _always_on(valgrind: str, image: Image) -> Iterator[tuple[str, int]]:
    """(name, instructions)"""

    def count(seconds: int) -> int:
        scenario = image.scenario(STEADY_AIR, seconds=seconds, collect=False)
        return _count(valgrind, image, lambda under: image.live(scenario, heapsize=_HEAP, under=under))[0]

    nothing, start, short, long = (count(s) for s in (0, 60, _SETTLED_S, _SETTLED_S + 60 * _MINUTES))
    yield "start", start - nothing
    yield "minute", (long - short) // _MINUTES


def _duty_cycle(valgrind: str, image: Image) -> Iterator[tuple[str, int]]:
    """(name, instructions)"""
    board = SleepingBoard(image, _BATCH_S, collect=False)
    for _ in range(1 + SEND_EACH):  # the start by power, and a round until everything is as in each later one
        board.start(heapsize=_HEAP)
    nothing, _ = _count(valgrind, image, lambda under: board.start({"seconds": 0}, heapsize=_HEAP, under=under))
    samples, sends = [], []
    for _ in range(SEND_EACH):
        count, found = _count(valgrind, image, lambda under: board.start(heapsize=_HEAP, under=under))
        (sends if found["packs"] else samples).append(count - nothing)
        packs = found["packs"]
    if packs != SEND_EACH or len(sends) != 1:
        raise Failed(f"the board that sleeps sent {packs} packs at the end of a round")
    yield "wake_sample", sum(samples) // len(samples)
    yield "wake_sample_send", sends[0]
    yield "cycle", sum(samples) + sends[0]


def _count(valgrind: str, image: Image, live: Callable[[Sequence[str]], dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    """Instructions of a whole process, and what live(the command that it runs under) returned. Failed."""
    with tempfile.NamedTemporaryFile("r", dir=image.folder) as log:
        # The interpreter may be a script that starts another program.
        tool = ["--tool=callgrind", "--trace-children=yes", "--callgrind-out-file=/dev/null", f"--log-file={log.name}"]
        found = live([valgrind, *tool])
        counts = re.findall(r"Collected : (\d+)", log.read())
    if not counts:
        raise Failed("callgrind counted nothing")
    return int(counts[-1]), found
