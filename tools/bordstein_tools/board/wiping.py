"""A board made blank over the cable: configuration, keys, readings, state; its software and release.pub stay.

The firmware does it by itself at a start that finds its order (firmware/bordstein/wipe.py), and goes on with it after a
power cut. For a board without software that can, the same is done from here.
"""

import time

from ..texts import Problem
from . import on_board
from .cable import Cable

KEPT = ("boot.py", "main.py", "bordstein", "a", "b", "slot", "update", "wipe")
"""What stays of a board's files, beside release.pub*; `wipe` is the order, which goes last."""
DONE = "wipe: done"
"""What the firmware says when nothing is left."""
_FAILED = ("bordstein: restart in", "OSError", "MemoryError")
_LONGEST_S = 600  # half a minute for 2 MB of flash; some boards have 16
_PAUSE_S = 60  # of a board that writes; none was seen to need more than a second


def wipe(cable: Cable) -> None:
    """Makes the board blank. Problem: it did not come to an end; the same once more goes on.

    A board whose software did it runs then.
    """
    cable.facts()  # for the software's place
    by_itself = cable.ask(on_board.WIPES)
    # From here on no start runs with what is still there.
    cable.run(on_board.ORDER_WIPE)
    if not by_itself:
        cable.run(f"{on_board.WIPE}\n_b_wipe({KEPT!r})", _PAUSE_S)
        return
    cable.reset()
    end = time.monotonic() + _LONGEST_S
    for line in cable.lines(lambda: time.monotonic() < end):
        if line.startswith(DONE):
            return
        if line.startswith(_FAILED):
            break
    raise Problem(
        f"Das Gerät an {cable.port} ist mit dem Löschen nicht fertig geworden; denselben Befehl noch einmal geben.",
        f"the board at {cable.port} did not come to an end with wiping; give the same command once more.",
    )
