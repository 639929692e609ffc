"""A gateway's rules in a process of their own, that can be killed: python -m tests.gateway.rule_process FOLDER READINGS

For each line of its input one begins where the last one ended: it says its process id, then the number of each reading
before it stores and looks at it. All is imported once, so that it begins at once.
"""

import asyncio
import os
import sys
from pathlib import Path

import structlog

import bordstein_gateway.rules.reading
import bordstein_gateway.rules.working  # noqa: F401
from tests.gateway.rule_town import BIN, NOON, OTHER, Street

VALUES = (0.9, 0.3, 0.85, 0.7, 0.95, 0.1, 0.5)
"""Each bin is full, and emptied, again and again."""


async def work(folder: Path, readings: int) -> None:
    """Until so many are stored and looked at."""
    street = Street(folder, checkpoint_s=0.0)
    live = street.live
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


def main(folder: Path, readings: int) -> None:
    """One process after the other."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            print(os.getpid(), flush=True)
            asyncio.run(work(folder, readings))
            os._exit(0)
        print("ended", os.waitpid(child, 0)[1], flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
