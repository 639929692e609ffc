"""A gateway's rules in a process of their own, that can be killed.

python -m tests.gateway.rule_process FOLDER READINGS

Stores readings one by one, where the last process ended, and looks at them; a line before each step.
"""

import asyncio
import sys
from pathlib import Path

from tests.gateway.rule_town import BIN, NOON, OTHER, Street

VALUES = (0.9, 0.3, 0.85, 0.7, 0.95, 0.1, 0.5)
"""Each bin is full, and emptied, again and again."""


async def main(folder: Path, readings: int) -> None:
    """Until so many are stored and looked at."""
    street = Street(folder)
    live = street.live
    live._checkpoint_s = 0.0
    for number in range(street.store.newest_id(), readings):
        print(number, flush=True)
        street.now = NOON + number * 1000
        street.measure(VALUES[number % len(VALUES)], device=(BIN, OTHER)[number % 2])
        if number % 3 == 0:
            while await live.turn():
                pass
    street.now = NOON + readings * 1000
    while await live.turn():
        pass
    street.store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
