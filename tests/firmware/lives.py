"""One start of a whole board in virtual time, for tests in MicroPython: what its link and its end have in common."""

import asyncio
import gc
import sys

from bordstein import stream


class StandIn:
    """What every link is to a board. A test's own one adds run() and publish(), and is put in its place by use()."""

    idle = False
    problem = ""
    connected = False
    session = 0

    def alive(self):
        return True

    def silent_s(self):
        return 0

    async def wait_connected(self):
        while not self.connected:
            await asyncio.sleep(1)

    async def close(self):
        self.connected = False


def use(link, make_context=lambda *_: None):
    """From now on boards get this class as their link."""

    class Module:
        Link = link

    sys.modules["bordstein.link"] = Module
    stream.make_context = make_context


def live(board, seconds, over, script=None):
    """Runs an App until over() or the time is over, as a reset or a power cut ends it; returns it."""

    async def main():
        asyncio.create_task(board.run())  # noqa: RUF006
        if script:
            await script(board)
        for _ in range(seconds * 2):
            await asyncio.sleep_ms(500)
            if over():
                break

    gc.threshold(-1)  # a collection each 16 kB, as on a board, would take more time here than all else
    try:
        asyncio.run(main())
    finally:
        while asyncio.core._task_queue.peek():
            asyncio.core._task_queue.pop()
        board.spool._close()
    return board
