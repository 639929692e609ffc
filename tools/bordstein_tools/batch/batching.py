"""Many boards, one after another at each of several ports, side by side. A thread a port looks for a board, takes the
row that is its own (assigning.py), sets it up, and waits until the cable is moved to another one.

Nothing is printed or asked for here.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ..board import micropython, ports
from ..setup import setting_up
from ..texts import Problem, pick
from . import swapping
from .assigning import Book, Standing
from .protocol import Unwritable
from .rows import Row

_AGAIN_S = 1.0
_STOPS_S = 5
_PAUSE_S = 0.5

_PLUG_IN = "Auf ein Gerät warten: das Kabel einstecken.", "waiting for a board: plug the cable in."
_MOVE = "Das Kabel auf das nächste Gerät stecken.", "Move the cable to the next board."
_LAST = "Hier ist nichts mehr zu tun.", "Nothing is left to do here."

Compose = Callable[[Row, str], setting_up.Wanted]
"""What a board with a chip of this family is to become by a row. Problem: it cannot."""


class _Stopped(Exception):
    """The run is to end."""


@dataclass
class Bench:
    """What goes on at a port. text: for people. done of total: the step's bar, which began at `since` (monotonic).

    serial_number: of a board at work whose port may go at a restart and come back under another name.
    """

    port: str
    text: str = ""
    standing: Standing | None = None
    done: int = 0
    total: int = 0
    since: float = 0
    serial_number: str = ""


@dataclass
class Batch:
    """A run. fixed: the ports; empty: all that look like boards, also those that appear meanwhile.

    changed: is told of each new text, from the port's thread. patience_s: how long it may be idle before it ends
    undone; None: for ever.
    """

    book: Book
    compose: Compose
    fixed: list[str]
    changed: Callable[[Bench], None]
    patience_s: float | None = None
    benches: dict[str, Bench] = field(default_factory=dict)
    stopped: threading.Event = field(default_factory=threading.Event)
    error: Problem | None = None
    """Why all of it ended."""
    _workers: list[threading.Thread] = field(default_factory=list)
    _last: float = 0

    def run(self) -> None:
        """Until all rows are ready or failed. However it ends, what was begun is in the protocol. Problem."""
        from ..board import flashing  # noqa: F401  # takes half a second, for all threads at once

        self._last = time.monotonic()
        try:
            while not self.stopped.is_set() and not self.book.over:
                for port in self.fixed or self.unserved():
                    if port not in self.benches:
                        self._open(port)
                if self.patience_s is not None and time.monotonic() - self._last > self.patience_s:
                    break
                self.stopped.wait(_PAUSE_S)
        finally:
            self.stop()
        if self.error:
            raise self.error

    def stop(self) -> None:
        """Returns when nothing is written onto any board any more, but soon."""
        self.stopped.set()
        end = time.monotonic() + _STOPS_S
        for worker in self._workers:
            worker.join(max(0, end - time.monotonic()))

    def unserved(self) -> list[str]:
        """The ports that look like boards and have no thread; not those to which another thread's board has moved."""
        at_work = {bench.serial_number for bench in self.benches.values()} - {""}
        there = ports.found()
        return [it.device for it in there if it.device not in self.benches and it.serial_number not in at_work]

    def busy(self) -> None:
        """Something goes on."""
        self._last = time.monotonic()

    def give_up(self, problem: Problem) -> None:
        """What is wrong is wrong for all of them."""
        self.error = problem
        self.stopped.set()

    def _open(self, port: str) -> None:
        bench = self.benches[port] = Bench(port)
        worker = threading.Thread(target=_Port(self, bench).serve, name=port, daemon=True)
        self._workers.append(worker)
        worker.start()


class _Port:
    """A port's thread. What setting_up tells goes through step() and bar()."""

    def __init__(self, batch: Batch, bench: Bench) -> None:
        self._batch, self._bench = batch, bench
        self._book, self._stopped = batch.book, batch.stopped

    def serve(self) -> None:
        with contextlib.suppress(_Stopped):
            try:
                while not self._stopped.is_set():
                    try:
                        self._next()
                    except (_Stopped, Problem):
                        raise
                    except Exception as error:  # noqa: BLE001  # whatever a port raises: the others go on
                        self._say(_unforeseen(error))
                        self._stopped.wait(_AGAIN_S)
            except Problem as problem:  # the protocol cannot be written
                self._batch.give_up(problem)

    def step(self, de: str, en: str) -> None:
        if self._stopped.is_set():
            raise _Stopped
        self._batch.busy()
        self._bench.done = self._bench.total = 0
        if self._bench.standing is not None:
            self._book.step(self._bench.standing, pick(de, en))
        self._say(pick(de, en))

    def bar(self, de: str, en: str) -> micropython.OpenBar:
        def progress(done: int, total: int) -> None:
            if self._stopped.is_set():
                raise _Stopped
            self._batch.busy()
            self._bench.done, self._bench.total = done, total

        @contextlib.contextmanager
        def opened() -> Iterator[Callable[[int, int], None]]:
            self._bench.since = time.monotonic()
            try:
                yield progress
            finally:
                self._bench.done = self._bench.total = 0

        return opened

    def _say(self, text: str) -> None:
        if text != self._bench.text:
            self._bench.text = text
            self._batch.changed(self._bench)

    def _next(self) -> None:
        """One board, from the moment it is there until it is replaced."""
        bench = self._bench
        bench.serial_number = ""
        try:
            found = micropython.look(bench.port)
        except Problem as problem:
            self._say(str(problem) if swapping.there(bench.port) else pick(*_PLUG_IN))
            self._stopped.wait(_AGAIN_S)
            return
        self._batch.busy()
        try:
            bench.standing = self._book.take(found.device, bench.port, lambda row: self._batch.compose(row, found.chip))
        except Unwritable:
            raise
        except Problem as problem:
            text = str(problem)
        else:
            if bench.standing.state != "ready":
                self._set_up(bench.standing, found)
                return
            text = pick(
                f"{bench.standing.row.asset} war schon fertig.", f"{bench.standing.row.asset} was ready before."
            )
        self._say(f"{text} {self._move()}")
        if found.fits:
            micropython.let_run(bench.port, found)
        with contextlib.suppress(Problem):
            self._wait(swapping.patiently(bench.port, self._stopped), found.device)

    def _set_up(self, standing: Standing, found: micropython.Found) -> None:
        port, began = self._bench.port, time.monotonic()
        verdict = None
        at = ports.at(port)
        self._bench.serial_number = at.serial_number if at.vanishes else ""
        try:
            verdict = setting_up.make_ready(port, found, self._batch.compose(standing.row, found.chip), self)
            error = "" if verdict.ready else setting_up.sentence(verdict)
        except (_Stopped, Unwritable):
            raise
        except Problem as problem:
            error = str(problem)
        except Exception as unforeseen:  # noqa: BLE001  # as above, and it is noted
            error = _unforeseen(unforeseen)
        # Open before anybody reads that the cable may be moved: or that would go unnoticed.
        kept = None
        with contextlib.suppress(Problem):
            kept = swapping.Kept(verdict.port if verdict else port)
        asset = standing.row.asset
        if verdict is not None and verdict.ready:
            missed = [verdict.registered.sentence()] if verdict.registered.missed else []
            self._book.ready(standing, time.monotonic() - began, verdict.complaints + missed, verdict.facts)
            self._say(pick(f"{asset} ist bereit zur Montage.", f"{asset} is ready to mount.") + " " + self._move())
        elif kept is None:
            broken = pick("Die Verbindung ist abgerissen.", "the connection broke.")
            self._book.broken(standing, broken)
            self._say(f"{asset}: {broken} " + pick("Das Kabel wieder einstecken.", "Plug the cable in again."))
        else:
            self._book.failed(standing, error)
            self._say(f"{asset}: {error}" + ("\n" if "\n" in error else " ") + self._move())
        self._batch.busy()
        if kept is not None:
            self._wait(kept, found.device)

    def _wait(self, kept: swapping.Kept, device: str) -> None:
        """Until the cable is on another board, or on this one again."""
        try:
            while not self._stopped.is_set() and kept.same(self._stopped):
                # One that starts again and again hides whether it is still the same.
                kept.close()
                if micropython.look(kept.port).device != device:
                    break
                kept = swapping.Kept(kept.port)
        except Problem:
            pass  # the cable was pulled meanwhile
        finally:
            kept.close()
            self._bench.standing = None

    def _move(self) -> str:
        """What the person at this port does next."""
        return pick(*(_MOVE if self._book.count("open") else _LAST))


def _unforeseen(error: Exception) -> str:
    return pick(
        f"Unerwartet ging etwas schief ({type(error).__name__}); das Gerät neu anstecken.",
        f"something failed unexpectedly ({type(error).__name__}); plug the board in anew.",
    )
